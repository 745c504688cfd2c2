"""The front stops with its state saved and its processes ended."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.local.conftest import running_cloud
from tests.local.front_system import System


@pytest.mark.slow
def test_a_stop_saves_the_state_and_ends_every_process(tmp_path: Any) -> None:
    with running_cloud(tmp_path) as cloud:
        system = System(cloud)
        pool, email = system.pool, system.user()
        system.function("pid", "import os\ndef handler(event, context): return os.getpid()")
        worker = int(cloud.client("lambda").invoke(FunctionName="pid")["Payload"].read())
        assert _alive(worker)
    assert cloud.process.returncode == 0
    assert not _alive(worker)
    with running_cloud(tmp_path) as cloud:
        found = cloud.client("cognito-idp").admin_get_user(UserPoolId=pool, Username=email)
        assert found["UserStatus"] == "CONFIRMED"


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
