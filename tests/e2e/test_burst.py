"""Many concurrent first requests, to functions without a running process."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.clients import Api, Users, unique
from tests.e2e.cloud import Cloud
from tests.fakes import allow
from tests.tokens.corpus import Pool

READERS, WRITERS = 56, 8


@pytest.fixture
def no_running_process(cloud: Cloud) -> None:
    """Ends the processes of all functions with a change of their configuration."""
    functions = cloud.local_cloud.client("lambda")
    for function in functions.list_functions()["Functions"]:
        functions.update_function_configuration(FunctionName=function["FunctionName"], Timeout=function["Timeout"])


@pytest.mark.usefixtures("no_running_process")
def test_64_concurrent_callers_all_get_a_response(
    outputs: dict[str, Any], users: Users, api: Api, admin: str, attacked_pool: Pool
) -> None:
    paths = [f"/admin/policies/group/{users.new_group()}" for _ in range(WRITERS)]

    def token(group: str) -> str:
        return attacked_pool.token({"sub": unique("caller"), "jti": unique("token"), "cognito:groups": [group]})

    reading = [("GET", "/whoami", token(outputs["default_group"]), None) for _ in range(READERS)]
    writing = [("PUT", path, token("admins"), {"statements": [allow("/whoami")]}) for path in paths]
    try:
        with ThreadPoolExecutor(READERS + WRITERS) as pool:
            answers = list(pool.map(lambda call: Api(api.url).ask(*call).status, writing + reading))
    finally:
        for path in paths:
            api.ask("DELETE", path, admin)
    assert Counter(answers) == {200: READERS + WRITERS}
