"""The log of an invocation is complete and its own, and `_HANDLER` is set for a Python function as on Lambda."""

from __future__ import annotations

import base64
import json
import queue
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from local.front.function_logs import lines_of_invocation
from local.front.function_script import MARK, completed
from tests.local.conftest import Cloud

SECONDS = 30  # many times the duration on an idle machine

HANDLER = """
import os, sys

def handler(event, context):
    match event["do"]:
        case "print":
            for number in range(event["lines"]):
                print("line", number)
        case "leave the last line open":
            print("open", end="")
        case "raise":
            print("before the failure")
            raise ValueError("no")
        case "die":
            os.write(2, b"the last words\\n")
            os._exit(3)
    return os.environ.get("_HANDLER")
"""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param([MARK], [], id="no line"),
        pytest.param(["one", "", "two", MARK], ["one", "", "two"], id="lines"),
        pytest.param(["one", f"two{MARK}"], ["one", "two"], id="a last line without a line feed"),
        pytest.param(["one", MARK, "next"], ["one"], id="a line of the next invocation"),
    ],
)
def test_the_log_of_an_invocation_ends_at_its_mark(written: list[str], expected: list[str]) -> None:
    lines: queue.Queue[str] = queue.Queue()
    for line in written:
        lines.put(line)
    assert lines_of_invocation(lines, SECONDS) == expected


class Pipe(queue.Queue[str]):
    """A log whose lines arrive only while somebody waits for them."""

    def get(self, block: bool = True, timeout: float | None = None) -> str:
        if not block or timeout is None or timeout <= 0:
            raise queue.Empty
        return super().get(block=False)


def test_lines_that_arrive_after_the_response_belong_to_the_log() -> None:
    pipe = Pipe()
    for line in ("one", "two", MARK):
        pipe.put(line)
    assert lines_of_invocation(pipe, SECONDS) == ["one", "two"]


def test_a_function_that_closes_its_log_delays_its_response_only_for_a_limited_time() -> None:
    lines: queue.Queue[str] = queue.Queue()
    lines.put("one")
    assert lines_of_invocation(lines, 0.01) == ["one"]


@pytest.mark.parametrize("script", ["", "def run():\n    pass\n\nrun()\n"])
def test_a_script_of_another_version_is_refused(script: str) -> None:
    with pytest.raises(LookupError, match="_PYTHON_WORKER_SCRIPT"):
        completed(script)


@pytest.fixture(scope="module")
def invoke(cloud: Cloud) -> Callable[..., tuple[Any, list[str]]]:
    """Invokes one function, and returns its answer and the lines of its log."""
    functions = cloud.client("lambda", read_timeout=SECONDS)
    name = cloud.function(f"logs-{secrets.token_hex(4)}", HANDLER, "package/index.py", Timeout=SECONDS)

    def call(do: str = "nothing", **event: Any) -> tuple[Any, list[str]]:
        payload = json.dumps({"do": do, **event})
        answer = functions.invoke(FunctionName=name, Payload=payload, LogType="Tail")
        log = base64.b64decode(answer.get("LogResult", "")).decode().splitlines()  # absent if there is no line
        return json.loads(answer["Payload"].read()), log

    return call


def test_every_line_is_in_the_log_of_its_own_invocation(invoke: Callable[..., tuple[Any, list[str]]]) -> None:
    for lines in (1, 0, 40, 0):
        assert invoke("print", lines=lines)[1] == [f"line {number}" for number in range(lines)]
    assert invoke("leave the last line open")[1] == ["open"]
    assert invoke()[1] == []


def test_the_log_of_a_failure_is_complete_and_the_next_log_is_not_mixed_with_it(
    invoke: Callable[..., tuple[Any, list[str]]],
) -> None:
    answer, log = invoke("raise")
    assert answer["errorMessage"] == "no"
    assert log[0] == "before the failure"
    assert log[-1] == "ValueError: no"
    answer, log = invoke("die")
    assert "errorMessage" in answer
    assert log[0] == "the last words"
    assert invoke("print", lines=1)[1] == ["line 0"]


def test_a_python_function_knows_its_handler(invoke: Callable[..., tuple[Any, list[str]]]) -> None:
    assert invoke()[0] == "package.index.handler"
