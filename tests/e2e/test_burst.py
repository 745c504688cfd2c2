"""Many concurrent first requests, to functions without a running process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from tests.e2e.clients import Api, Users, unique
from tests.e2e.cloud import Cloud, settings_changed
from tests.fakes import allow
from tests.tokens.corpus import Pool

READERS, WRITERS = 56, 8


@pytest.fixture
def no_running_process(cloud: Cloud) -> Iterator[None]:
    """Ends the processes of all functions, with a change of the settings of each."""
    functions = cloud.local_cloud.client("lambda").list_functions()["Functions"]
    with ExitStack() as changed:
        for function in functions:
            changed.enter_context(settings_changed(cloud, function["FunctionName"]))
        yield


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
