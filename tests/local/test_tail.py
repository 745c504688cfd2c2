"""The log of `make run` shows each line once, and does not read shown lines again."""

from __future__ import annotations

from typing import Any

import pytest

from local.tail import Tail
from tests.configured import APP

GROUP = f"/aws/lambda/{APP}-local-policy_authorizer"
BEGAN = 1_000_000


class Logs:
    """A log service that counts the returned lines."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.given = 0
        self.fails = False

    def write(self, stream: str, timestamp: int, *messages: str) -> None:
        self.events += [{"logStreamName": stream, "timestamp": timestamp, "message": message} for message in messages]

    def describe_log_groups(self, logGroupNamePrefix: str) -> dict[str, Any]:
        assert GROUP.startswith(logGroupNamePrefix)
        size = sum(len(event["message"]) for event in self.events)
        return {"logGroups": [{"logGroupName": GROUP, "storedBytes": size}]}

    def get_paginator(self, operation: str) -> Logs:
        assert operation == "filter_log_events"
        return self

    def paginate(self, logGroupName: str, startTime: int) -> list[dict[str, Any]]:
        if self.fails:
            raise ConnectionError
        found = [event for event in self.events if event["timestamp"] >= startTime]
        self.given += len(found)
        return [{"events": found}]


def shown(tail: Tail) -> list[list[str]]:
    return [lines for _, lines in tail.new_invocations()]


def test_each_invocation_is_shown_once() -> None:
    logs = Logs()
    tail = Tail(logs, since=BEGAN)
    logs.write("a", BEGAN + 1, "one", "two")
    assert shown(tail) == [["one", "two"]]
    logs.write("b", BEGAN + 2, "three")
    assert shown(tail) == [["three"]]
    assert shown(tail) == []


def test_an_invocation_that_is_logged_late_is_shown() -> None:
    logs = Logs()
    tail = Tail(logs, since=BEGAN)
    logs.write("a", BEGAN + 10_000, "one")
    assert shown(tail) == [["one"]]
    logs.write("b", BEGAN + 9_000, "two")
    assert shown(tail) == [["two"]]


def test_lines_from_before_the_start_are_not_shown() -> None:
    logs = Logs()
    logs.write("a", BEGAN - 1, "one")
    assert shown(Tail(logs, since=BEGAN)) == []


def test_an_unchanged_log_is_not_read() -> None:
    logs = Logs()
    tail = Tail(logs, since=BEGAN)
    logs.write("a", BEGAN + 1, "one")
    shown(tail)
    logs.given = 0
    for _ in range(100):
        shown(tail)
    assert logs.given == 0


def test_the_number_of_lines_read_does_not_grow_with_the_age_of_the_cloud() -> None:
    logs = Logs()
    tail = Tail(logs, since=BEGAN)
    for minute in range(100):
        logs.write(str(minute), BEGAN + minute * 60_000, "line")
        assert shown(tail) == [["line"]]
    assert logs.given < 300


def test_lines_of_a_failed_read_are_shown_at_the_next_read() -> None:
    logs = Logs()
    tail = Tail(logs, since=BEGAN)
    logs.write("a", BEGAN + 1, "one")
    logs.fails = True
    with pytest.raises(ConnectionError):
        shown(tail)
    logs.fails = False
    assert shown(tail) == [["one"]]
