"""The processes of a function: their number is limited, and the limit fails no call."""

from __future__ import annotations

import json
import math
import os
import secrets
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local.front import process_pool
from local.front.process_pool import LONG_SECONDS, PROCESSES, process_limit
from tests.e2e.cloud import wait_for
from tests.local.conftest import Cloud, running_cloud

# The import and the first call use the processor, as in a real function.
BUSY = """
import os, time
began = time.monotonic()
def work(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
work(0.2)
first = [True]
def handler(event, context):
    start = began if first else time.monotonic()
    if first:
        first.clear()
        work(0.15)
    return {"process": os.getpid(), "seconds": time.monotonic() - start}
"""
SLOW_START = """
import time
time.sleep(3)
def handler(event, context):
    return "started"
"""
CALLS_ITSELF = """
import boto3, json
def handler(event, context):
    if event:
        client = boto3.client("lambda")
        answer = client.invoke(FunctionName=context.function_name, Payload=json.dumps(event - 1))
        return json.loads(answer["Payload"].read())
    return "the end"
"""
SLOW = """
import time
def handler(event, context):
    time.sleep(60)
"""


def deployed(cloud: Cloud, source: str, timeout: int) -> Callable[..., Any]:
    """Creates a function that can call functions, and returns a function that invokes it."""
    iam, client = cloud.client("iam"), cloud.client("lambda", max_pool_connections=64, read_timeout=120)
    name = f"burst-{secrets.token_hex(4)}"
    cloud.function(name, source, Timeout=timeout)
    call = {"Statement": [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}]}
    iam.put_role_policy(RoleName=name, PolicyName="call", PolicyDocument=json.dumps(call))

    def invoke(payload: Any = None) -> Any:
        answer = client.invoke(FunctionName=name, Payload=json.dumps(payload))
        return json.loads(answer["Payload"].read())

    return invoke


def at_once(calls: int, invoke: Callable[..., Any], payload: Any = None) -> list[Any]:
    with ThreadPoolExecutor(calls) as pool:
        return list(pool.map(lambda _: invoke(payload), range(calls)))


def test_64_concurrent_first_calls_succeed_in_a_few_processes(cloud: Cloud) -> None:
    answers = at_once(64, deployed(cloud, BUSY, 3))
    assert [answer for answer in answers if "process" not in answer] == []
    # A long call raises the limit of processes, and calls take longer on a busy machine. The server measures more than
    # the call itself, so half of the limit already counts as long here.
    long_calls = sum(answer["seconds"] > LONG_SECONDS / 2 for answer in answers)
    assert len({answer["process"] for answer in answers}) <= PROCESSES + long_calls


@pytest.mark.parametrize(
    ("durations", "expected"),
    [
        pytest.param([], PROCESSES, id="no call"),
        pytest.param([0.0, LONG_SECONDS / 2], PROCESSES, id="short calls"),
        pytest.param([2 * LONG_SECONDS], PROCESSES + 1, id="a long call"),
        pytest.param([0.0, 60 * LONG_SECONDS, 2 * LONG_SECONDS], PROCESSES + 2, id="two long calls"),
    ],
)
def test_only_long_calls_raise_the_limit_of_processes(durations: list[float], expected: int) -> None:
    now = 1_800_000_000.0
    workers = [SimpleNamespace(in_use=True, last_used=now - seconds) for seconds in durations]
    idle = SimpleNamespace(in_use=False, last_used=now - 60 * LONG_SECONDS)
    starting = SimpleNamespace(in_use=True, last_used=math.inf)
    assert process_limit([*workers, idle, starting], now) == expected


def test_the_start_of_a_process_does_not_count_against_the_timeout(cloud: Cloud) -> None:
    assert at_once(3, deployed(cloud, SLOW_START, 1)) == ["started"] * 3


def test_a_function_that_calls_itself_is_not_blocked_by_the_process_limit(cloud: Cloud) -> None:
    assert at_once(2 * PROCESSES, deployed(cloud, CALLS_ITSELF, 20), 2) == ["the end"] * (2 * PROCESSES)


def test_ctrl_c_does_not_interrupt_the_process_of_a_function(cloud: Cloud) -> None:
    invoke = deployed(cloud, BUSY, 10)
    process = invoke()["process"]
    os.kill(process, signal.SIGINT)
    assert invoke()["process"] == process


def test_only_a_server_that_stops_hides_that_a_process_could_not_start() -> None:
    def fail() -> Any:
        raise RuntimeError("Worker process exited immediately.")

    process_pool.open_pool()
    with pytest.raises(RuntimeError, match="exited immediately"):
        process_pool.until_stopped(fail)
    process_pool._closed.set()
    try:
        assert process_pool.until_stopped(fail)["status"] == "error"
    finally:
        process_pool.open_pool()


def test_after_ctrl_c_a_server_with_many_calls_stops_without_delay_and_quietly_and_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, log = tmp_path / "tmp", tmp_path / "log"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    with (
        log.open("w") as output,
        running_cloud(tmp_path / "state", stdout=output, stderr=output, start_new_session=True) as cloud,
        ThreadPoolExecutor(80) as pool,
    ):
        for source, calls in ((SLOW, 64), (SLOW_START, 8)):
            invoke = deployed(cloud, source, 90)
            for _ in range(calls):
                pool.submit(invoke)
        wait_for(lambda: any(folder.glob("ministack-lambda-*")), "the first process starts")
        os.killpg(cloud.process.pid, signal.SIGINT)  # as a terminal does
        assert cloud.process.wait(timeout=20) == 0, "the stop does not wait for the calls"
    assert list(folder.glob("ministack-lambda-*")) == []
    assert log.read_text(encoding="utf-8") == ""
