"""Passes on the log of each invocation, and limits the logs.

The terminal would otherwise read all logs again and again. The logs, and with them the snapshots of the state, would
grow with each request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from local.front.patches import registry

# Invocations of each function. A snapshot copies all logs, so it would take longer with each request. The emulator
# returns 10,000 lines of a log at most.
KEPT = 10_000

Listener = Callable[[tuple[str, list[str]]], object]

_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Calls the listener after each invocation, with the name of the function and the lines of its log."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@registry.patches("ministack.services.lambda_svc", "_emit_lambda_logs")
def _emit_lambda_logs(
    original: Callable[..., Any], function: Any, request_id: str, log: str, *more: Any, **named: Any
) -> None:
    """Passes the log of each invocation on to the terminal, and keeps the logs of the last invocations only."""
    from ministack.services import cloudwatch_logs  # imports the emulator, which `make run` does later

    original(function, request_id, log, *more, **named)
    name = (function.get("config") or function).get("FunctionName", "")
    forget_oldest(cloudwatch_logs._log_groups.get(f"/aws/lambda/{name}", {}).get("streams", {}))
    report(name, log)


def forget_oldest(streams: dict[str, Any]) -> None:
    """Removes the oldest streams of a log group. ministack adds one for each invocation."""
    for stream in list(islice(streams, max(0, len(streams) - KEPT))):
        streams.pop(stream, None)


def report(function: str, log: str) -> None:
    """Calls the listeners with the log of one invocation, if it has a line."""
    for listener in list(_listeners) if log else ():
        listener((function, log.splitlines()))
