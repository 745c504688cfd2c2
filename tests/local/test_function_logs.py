"""The log of an invocation is complete and its own, and `_HANDLER` is set for a Python function as on Lambda."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from local.front.function_script import START, completed, mark
from local.front.invocations import exchange
from tests.local.conftest import Cloud

SECONDS = 30  # many times the duration on an idle machine

HANDLER = """
import os, subprocess, sys, time

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
        case "write a response":
            os.write(1, event["line"].encode() + b"\\n")
            subprocess.Popen(["sh", "-c", "sleep 0.2; echo '" + event["line"] + "'"])
        case "wait":
            time.sleep(event["seconds"])
        case "read the next request":
            return os.read(0, 1).decode()
        case "print a mark":
            print(event["mark"])
            print("after the mark")
    return os.environ.get("_HANDLER")
"""


def process(source: str) -> subprocess.Popen[str]:
    """Starts a program that has the pipes of a function."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", f"import os, sys, time\n{source}"], stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )


RESPOND = """print('{"status": "ok", "result": ' + str(len(sys.stdin.readline())) + '}', flush=True)"""
OTHER = f"{mark('another invocation')}\n".encode()
END = f"{mark('an invocation')}\n".encode()
MARKED = f"os.write(2, {END!r})"


@pytest.mark.parametrize(
    ("source", "log"),
    [
        pytest.param(f"{MARKED}\n{RESPOND}", b"", id="no line"),
        pytest.param(f"print('one', file=sys.stderr)\n{MARKED}\n{RESPOND}", b"one\n", id="a line"),
        pytest.param(f"{RESPOND}\ntime.sleep(0.05)\nos.write(2, b'late')\n{MARKED}", b"late", id="after the response"),
        pytest.param(f"os.write(2, b'x' * 200_000)\n{MARKED}\n{RESPOND}", b"x" * 200_000, id="more than a pipe takes"),
        pytest.param(f"os.close(2)\n{RESPOND}\ntime.sleep(60)", b"", id="a closed log"),
        pytest.param(f"os.write(2, {OTHER!r})\n{MARKED}\n{RESPOND}", OTHER, id="the mark of another invocation"),
    ],
)
def test_an_exchange_returns_the_response_and_the_log(source: str, log: bytes) -> None:
    with process(source) as function:
        try:
            response, written = exchange(function, b"x" * 300_000 + b"\n", END, SECONDS)
        finally:
            function.kill()
    assert (response, written.partition(END)[0]) == ({"status": "ok", "result": 300_001}, log)


def test_a_process_that_ends_without_a_response_has_died_and_its_log_is_complete() -> None:
    with process("os.write(2, b'the last words')") as function:
        assert exchange(function, b"x" * 300_000, END, SECONDS) == (
            {"status": "error", "error": "Worker process died"},
            b"the last words",
        )


def test_a_process_that_does_not_read_its_input_exceeds_the_time() -> None:
    with process("os.write(2, b'begun')\ntime.sleep(60)") as function:
        assert function.stderr is not None
        assert function.stderr.read(5) == "begun"
        assert exchange(function, b"x" * 300_000, END, 0.0) == (None, b"")
        function.kill()


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


def test_a_program_that_a_function_starts_writes_no_response_and_reads_no_request(
    invoke: Callable[..., tuple[Any, list[str]]],
) -> None:
    forged = json.dumps({"status": "ok", "result": "forged"})
    assert invoke("write a response", line=forged) == ("package.index.handler", [forged])
    assert invoke("wait", seconds=0.5)[0] == "package.index.handler"  # the program writes during this invocation
    assert invoke("read the next request")[0] == ""


def test_a_printed_mark_does_not_end_the_log_of_an_invocation(invoke: Callable[..., tuple[Any, list[str]]]) -> None:
    for printed in (START, mark("an invocation"), mark("")):
        assert invoke("print a mark", mark=printed)[1] == [printed, "after the mark"]
        assert invoke()[1] == []
