"""Prints the new log lines of the Lambda functions: one line for each decision, and the lines of the triggers."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from queue import Empty, SimpleQueue
from typing import Any

from local.cloud import STAGE, app_name
from local.front.function_logs import Listener, listening

_WAIT_SECONDS = 0.5  # for a line, before the next question whether to stop


def follow_logs(
    stopped: Callable[[], bool],
    print_line: Callable[[str], object],
    listen: Callable[[Listener], AbstractContextManager[None]] = listening,
) -> None:
    """Prints the log of each invocation when it ends, until stopped."""
    prefix = f"{app_name()}-{STAGE}"
    ended: SimpleQueue[tuple[str, list[str]]] = SimpleQueue()
    with listen(ended.put):
        while not stopped():
            with suppress(Empty):
                function, lines = ended.get(timeout=_WAIT_SECONDS)
                if function.startswith(prefix):
                    for line in readable(function, lines):
                        print_line(line)


def readable(function: str, lines: Iterable[str]) -> Iterator[str]:
    """Shortens the JSON lines. Omits lines with nothing but a metric, and the traceback of a 401.

    The decision log contains the reason of a 401.
    """
    hidden = {"_aws", "Decisions", "service", "timestamp", "location", "level"}
    other = []
    for line in lines:
        try:
            fields = dict(json.loads(line))
        except (TypeError, ValueError):
            other.append(line.rstrip())
            continue
        if "_aws" in fields and "decision" not in fields:
            continue
        shown = " ".join(f"{key}={_plain(value)}" for key, value in fields.items() if key not in hidden)
        yield f"{function}: {shown}"
    if other and not other[-1].endswith("Unauthorized: Unauthorized"):
        yield from (f"{function}: {line}" for line in other)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
