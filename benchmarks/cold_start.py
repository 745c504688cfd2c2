"""Measures a cold start as Lambda runs it, with the shipped bundle and services on the loopback interface.

1. The processor time from a new interpreter to the first decision.
2. The time from the first event to its response, for each function, when the process has a share of 0.29 of a processor
   from the event on, as a Lambda with 512 MB has. Signals stop and continue the process: 5.8 ms of every 20 ms.

Source:  docs.aws.amazon.com/lambda → "Lambda memory", 1,769 MB are one processor
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

from benchmarks import ours, tokens
from benchmarks.rounds import Ratio, ratio
from benchmarks.services import KNOWN
from tests.authorizers.events import proxy_event

SHARE, PERIOD_SECONDS = 0.29, 0.020

# Lambda's runtime, as far as a start needs it: imports the handler, says so, and answers the events.
RUNTIME = """
import importlib, json, os, sys
from time import process_time
bundle, sdk, handler = sys.argv[1:]
sys.path[:0] = [bundle, sdk]
responses = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
module, name = handler.rsplit(".", 1)
function = getattr(importlib.import_module(module), name)
class Context:
    aws_request_id = "1"
print("ready", file=responses, flush=True)
for line in sys.stdin:
    response = function(json.loads(line), Context())
    print(json.dumps({"response": response, "seconds": process_time()}), file=responses, flush=True)
"""

GRANTED = {"principalId": tokens.PERSON, "permissions": "Allow * /*"}
_CHANGE = {
    "eventID": "1",
    "eventName": "MODIFY",
    "dynamodb": {"Keys": {"subject": {"S": "group:readers"}}, "SequenceNumber": "1", "StreamViewType": "KEYS_ONLY"},
}


@dataclass(frozen=True)
class Function:
    """A function, an event for it, and what shows that the response is right."""

    handler: str
    event: Callable[[], Mapping[str, Any]]
    is_right: Callable[[Any], bool]


def _sign_up(subject: str, source: str) -> dict[str, Any]:
    return {
        "version": "1",
        "triggerSource": source,
        "region": "eu-central-1",
        "userPoolId": tokens.POOL,
        "userName": subject,
        "callerContext": {"awsSdkVersion": "1", "clientId": tokens.CLIENT},
        "request": {
            "userAttributes": {"sub": subject, "cognito:user_status": "CONFIRMED"},
            "groupConfiguration": {"groupsToOverride": ["readers"]},
        },
        "response": {},
    }


_TRIGGERS = "chalicelib.triggers"
FUNCTIONS = {
    "the API": Function(
        "app.app", lambda: proxy_event("GET", "/reports", {}, GRANTED, ""), lambda r: r["statusCode"] == 200
    ),
    "policy_authorizer": Function(
        "authorizers.policy.policy_authorizer",
        lambda: ours.event(tokens.natural()),
        lambda r: r["principalId"] == tokens.PERSON,
    ),
    "policy_changed": Function(
        f"{_TRIGGERS}.policy_changed.policy_changed",
        lambda: {"Records": [_CHANGE]},
        lambda r: r == {"batchItemFailures": []},
    ),
    "post_confirmation": Function(
        f"{_TRIGGERS}.post_confirmation.post_confirmation",
        lambda: _sign_up("a-new-user", "PostConfirmation_ConfirmSignUp"),
        lambda r: r["userName"] == "a-new-user",
    ),
    "pre_token": Function(
        f"{_TRIGGERS}.pre_token.pre_token",
        lambda: _sign_up(KNOWN, "TokenGeneration_Authentication"),
        lambda r: r["userName"] == KNOWN,
    ),
}
# `before` is the start of the same code without the two measures: the account makes every function use the SDK, and
# without its handler a function is built at the first request.
BEFORE, AFTER = "before", "after"


def environment(function: Function, services: Mapping[str, str], when: str) -> dict[str, str]:
    measures = {"_HANDLER": function.handler} if when == AFTER else {"AWS_ACCOUNT_ID": "123456789012"}
    return {**services, **measures, "AWS_LAMBDA_FUNCTION_NAME": "benchmark"}


def first_decision(bundle: Path, sdk: Path, services: Mapping[str, str], rounds: int) -> Ratio:
    """Returns the processor time to the first decision, relative to the time with the SDK at the first request."""
    function = FUNCTIONS["policy_authorizer"]

    def measured(when: str) -> float:
        with _process(bundle, sdk, function, services, when) as process:
            return float(_answer(process, function)["seconds"])

    return _race(measured, rounds)


def responses(bundle: Path, sdk: Path, services: Mapping[str, str], rounds: int) -> dict[str, dict[str, Any]]:
    """Returns the time from the first event to its response: after relative to before, and both in milliseconds."""
    found = {}
    for name, function in FUNCTIONS.items():
        seconds: dict[str, list[float]] = {BEFORE: [], AFTER: []}
        for _ in range(rounds):
            for when in random.sample((BEFORE, AFTER), 2):
                seconds[when].append(_seconds_to_the_response(bundle, sdk, function, services, when))
        milliseconds = {when: round(sorted(taken)[len(taken) // 2] * 1000) for when, taken in seconds.items()}
        found[name] = {"relative": ratio(seconds[AFTER], seconds[BEFORE]), **milliseconds}
    return found


def _race(measured: Callable[[str], float], rounds: int) -> Ratio:
    taken = [{when: measured(when) for when in random.sample((BEFORE, AFTER), 2)} for _ in range(rounds)]
    return ratio([both[AFTER] for both in taken], [both[BEFORE] for both in taken])


def _seconds_to_the_response(
    bundle: Path, sdk: Path, function: Function, services: Mapping[str, str], when: str
) -> float:
    with _process(bundle, sdk, function, services, when) as process, _limited(process.pid):
        began = time.monotonic()
        _answer(process, function)
        return time.monotonic() - began


@contextmanager
def _process(
    bundle: Path, sdk: Path, function: Function, services: Mapping[str, str], when: str
) -> Iterator["subprocess.Popen[str]"]:
    """Yields a function whose initialization has ended."""
    command = [sys.executable, "-I", "-S", "-B", "-c", RUNTIME, str(bundle), str(sdk), function.handler]
    pipe = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603
        command,
        env=environment(function, services, when),
        stdin=pipe,
        stdout=pipe,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n", function.handler
        try:
            yield process
        finally:
            process.kill()


def _answer(process: "subprocess.Popen[str]", function: Function) -> dict[str, Any]:
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(function.event()) + "\n")
    process.stdin.flush()
    answered: dict[str, Any] = json.loads(process.stdout.readline())
    assert function.is_right(answered["response"]), answered
    return answered


@contextmanager
def _limited(pid: int) -> Iterator[None]:
    """Limits a process to SHARE of a processor."""
    ended = Event()

    def limit() -> None:
        while not ended.wait(PERIOD_SECONDS * SHARE):
            os.kill(pid, signal.SIGSTOP)
            ended.wait(PERIOD_SECONDS * (1 - SHARE))
            os.kill(pid, signal.SIGCONT)

    thread = Thread(target=limit)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
