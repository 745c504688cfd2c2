"""The Lambdas' log, as they write it: one line for each decision, and what the triggers say."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.place import STAGE, Place, app_name

_PLATFORM = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")
_POLL_SECONDS = 0.5


def follow_logs(place: Place, stopped: Callable[[], bool], print_line: Callable[[str], object]) -> None:
    """Print new lines until stopped."""
    logs = place.client("logs")
    printed: set[tuple[str, str]] = set()
    began = int(time.time() * 1000)
    while not stopped():
        with suppress(BotoCoreError, ClientError):  # a log that cannot be read just now is no reason to stop the cloud
            for function, stream, lines in _invocations(logs, began):
                if (function, stream) not in printed:
                    printed.add((function, stream))
                    for line in readable(function, lines):
                        print_line(line)
        time.sleep(_POLL_SECONDS)


def _invocations(logs: Any, since: int) -> Iterator[tuple[str, str, list[str]]]:
    """The emulator keeps a stream for each invocation, written when it ends."""
    for group in logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{app_name()}-{STAGE}")["logGroups"]:
        name = group["logGroupName"]
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=name, startTime=since)
        streams: dict[str, list[str]] = {}
        for page in pages:
            for event in page["events"]:
                streams.setdefault(event["logStreamName"], []).append(event["message"])
        for stream, lines in streams.items():
            yield name.removeprefix("/aws/lambda/"), stream, lines


def readable(function: str, lines: Iterable[str]) -> Iterator[str]:
    """Shorten the JSON lines, and leave out the traceback by which an authorizer says 401: its line says why."""
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
