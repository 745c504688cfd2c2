"""The log of `make run` shows each invocation of the application's functions once, when it ends."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from local.front.function_logs import KEPT, forget_oldest, listening, report
from local.tail import follow_logs, readable
from tests.configured import APP

AUTHORIZER = f"{APP}-local-policy_authorizer"
SECONDS = 10  # many times the duration on an idle machine


class Invocations:
    """A source of logs, as the emulator is."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self._listener: Callable[[tuple[str, list[str]]], object] | None = None

    @contextmanager
    def listening(self, listener: Callable[[tuple[str, list[str]]], object]) -> Iterator[None]:
        self._listener = listener
        self.ready.set()
        yield
        self._listener = None

    def end(self, function: str, *lines: str) -> None:
        if self._listener:
            self._listener((function, list(lines)))


@contextmanager
def followed(invocations: Invocations) -> Iterator[queue.Queue[str]]:
    printed: queue.Queue[str] = queue.Queue()
    stop = threading.Event()
    follower = threading.Thread(target=follow_logs, args=(stop.is_set, printed.put, invocations.listening))
    follower.start()
    assert invocations.ready.wait(SECONDS)
    try:
        yield printed
    finally:
        stop.set()
        follower.join(SECONDS)
    assert not follower.is_alive()


def test_each_invocation_is_shown_once_and_in_order() -> None:
    invocations = Invocations()
    with followed(invocations) as printed:
        invocations.end(AUTHORIZER, "one", "two")
        invocations.end(AUTHORIZER, "three")
        shown = [printed.get(timeout=SECONDS) for _ in range(3)]
    assert shown == [f"{AUTHORIZER}: {text}" for text in ("one", "two", "three")]
    assert printed.empty()


def test_functions_of_other_applications_and_stages_are_not_shown() -> None:
    invocations = Invocations()
    with followed(invocations) as printed:
        invocations.end("burst-1", "other application")
        invocations.end(f"{APP}-dev-policy_authorizer", "other stage")
        invocations.end(AUTHORIZER, "ours")
        assert printed.get(timeout=SECONDS) == f"{AUTHORIZER}: ours"
    assert printed.empty()


def test_a_listener_hears_nothing_after_it_has_left() -> None:
    from local.front import function_logs

    heard: list[tuple[str, list[str]]] = []
    with listening(heard.append):
        function_logs.report("function", "one\ntwo")
    function_logs.report("function", "three")
    assert heard == [("function", ["one", "two"])]


def test_every_traceback_except_that_of_a_401_is_shown() -> None:
    refused = ['{"message":"denied","service":"x"}', "Traceback", "Exception: Unauthorized: Unauthorized"]
    assert list(readable("f", refused)) == ["f: message=denied"]
    assert list(readable("f", ["Traceback", "ValueError: bad"])) == ["f: Traceback", "f: ValueError: bad"]


def test_a_line_with_nothing_but_a_metric_is_not_shown() -> None:
    metric = '{"_aws": {}, "function": "f", "InvalidationLagSeconds": [1.4]}'
    decision = '{"_aws": {}, "decision": "allowed", "code": "allowed_by"}'
    assert list(readable("f", [metric, decision])) == ["f: decision=allowed code=allowed_by"]


def test_the_oldest_streams_of_a_log_group_are_removed() -> None:
    streams: dict[str, list[str]] = {str(number): [] for number in range(KEPT + 2)}
    forget_oldest(streams)
    assert len(streams) == KEPT
    assert next(iter(streams)) == "2"


def test_a_log_without_a_line_is_not_passed_on() -> None:
    heard: list[tuple[str, list[str]]] = []
    with listening(heard.append):
        report("function", "")
    assert heard == []
