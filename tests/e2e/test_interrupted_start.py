"""A start that is killed at any moment does not affect the next start."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from local.sign_in import sign_in
from tests.e2e.clients import Api
from tests.e2e.cloud import STOP_SECONDS, Cloud, start, start_and_wait, wait_for


def ended(cloud: Cloud) -> Callable[[], bool]:
    return lambda: not cloud.left_behind()


def test_a_start_succeeds_after_several_starts_that_were_killed_at_random_times(tmp_path: Path) -> None:
    folder, random, port = tmp_path / "cloud", Random(8), None  # noqa: S311
    for end in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
        killed = start(folder, port)
        port = killed.local_cloud.port
        with suppress(subprocess.TimeoutExpired):
            killed.process.wait(random.uniform(0.2, 6))
        killed.process.send_signal(end)
        killed.process.wait(STOP_SECONDS)
        wait_for(ended(killed), "its processes end", STOP_SECONDS)
    cloud = start_and_wait(folder, port)
    try:
        outputs = cloud.outputs
        reader = sign_in(outputs, **outputs["users"]["reader"])
        assert Api(outputs["api_url"]).ask("GET", "/whoami", reader).status == 200
    finally:
        assert cloud.interrupt() == 0, cloud.said
