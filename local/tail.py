"""Prints the new log lines of the Lambda functions: one line for each decision, and the lines of the triggers."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.cloud import STAGE, LocalCloud, app_name

_PLATFORM = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")
_POLL_SECONDS = 0.5
_OVERLAP_MILLISECONDS = 5000  # the logs of invocations that end at the same time arrive in any order


def follow_logs(cloud: LocalCloud, stopped: Callable[[], bool], print_line: Callable[[str], object]) -> None:
    """Prints new lines until stopped."""
    tail = Tail(cloud.client("logs"), since=int(time.time() * 1000))
    while not stopped():
        with suppress(BotoCoreError, ClientError):  # a failed read must not stop the cloud
            for function, lines in tail.new_invocations():
                for line in readable(function, lines):
                    print_line(line)
        time.sleep(_POLL_SECONDS)


class Tail:
    """Reads each log line of the functions once.

    Reads a log group only after it has grown, and only its newest lines. Otherwise, each read would take longer.
    """

    def __init__(self, logs: Any, since: int) -> None:
        self._logs, self._since = logs, since
        self._groups: dict[str, _Group] = {}

    def new_invocations(self) -> Iterator[tuple[str, list[str]]]:
        """Returns the function and the lines of each invocation that ended since the last call."""
        prefix = f"/aws/lambda/{app_name()}-{STAGE}"
        for described in self._logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]:
            name, size = described["logGroupName"], described["storedBytes"]
            group = self._groups.setdefault(name, _Group(self._since))
            if size != group.size:
                for lines in group.new_streams(self._events(name, group.since)):
                    yield name.removeprefix("/aws/lambda/"), lines
                group.size = size  # after the read, so that a failed read is repeated

    def _events(self, group: str, since: int) -> Iterator[dict[str, Any]]:
        for page in self._logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since):
            yield from page["events"]


@dataclass
class _Group:
    """The position of the last read in a log group.

    since  milliseconds since 1970
    """

    since: int
    size: int = 0
    given: set[str] = field(default_factory=set)

    def new_streams(self, events: Iterable[dict[str, Any]]) -> list[list[str]]:
        """Returns the lines of each new stream. The emulator writes one stream for each invocation, at its end."""
        streams: dict[str, list[str]] = {}
        newest = self.since
        for event in events:
            streams.setdefault(event["logStreamName"], []).append(event["message"])
            newest = max(newest, event["timestamp"])
        new = [lines for stream, lines in streams.items() if stream not in self.given]
        self.given = set(streams)
        self.since = max(self.since, newest - _OVERLAP_MILLISECONDS)
        return new


def readable(function: str, lines: Iterable[str]) -> Iterator[str]:
    """Shortens the JSON lines, and omits the traceback of a 401. The decision log contains its reason."""
    hidden = {"_aws", "Decisions", "service", "timestamp", "location", "level"}
    other = []
    for line in lines:
        if line.startswith(_PLATFORM):
            continue
        try:
            fields = dict(json.loads(line))
        except (TypeError, ValueError):
            other.append(line.rstrip())
            continue
        shown = " ".join(f"{key}={_plain(value)}" for key, value in fields.items() if key not in hidden)
        yield f"{function}: {shown}"
    if other and not other[-1].endswith("Unauthorized: Unauthorized"):
        yield from (f"{function}: {line}" for line in other)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
