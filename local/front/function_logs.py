"""Ends the log of an invocation at a mark, and passes it on.

ministack reads the log of a function from a pipe, and polls for lines that may still come: 5 ms after the last line,
or 50 ms if there is no line. Here the script of a Python function ends the log of each invocation with a mark.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from local.front.function_script import MARK, RUNTIME
from local.front.patches import registry

LONGEST_WAIT = 1.0  # seconds for a mark; a function can close the stream that carries it

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


@registry.patches(RUNTIME, "Worker", "_read_stderr")
def _read_stderr(original: Callable[..., Any], worker: Any) -> None:
    """Ends the log with a mark also when the process ends."""
    lines = worker._stderr_queue
    original(worker)
    lines.put(MARK)


@registry.patches(RUNTIME, "Worker", "_drain_stderr_bounded")
def _drain_stderr_bounded(original: Callable[..., Any], worker: Any) -> str:
    """Reads the log of an invocation up to its mark, without polling."""
    if not str(worker.config.get("Runtime")).startswith("python"):
        return str(original(worker))
    return "\n".join(lines_of_invocation(worker._stderr_queue, LONGEST_WAIT))


def lines_of_invocation(lines: queue.Queue[str], seconds: float) -> list[str]:
    """Takes the lines up to the next mark, or those that come within the time."""
    taken: list[str] = []
    deadline = time.monotonic() + seconds
    while True:
        try:
            line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return taken
        text, mark, _ = line.partition(MARK)
        if text or not mark:  # a last line without a line feed precedes the mark
            taken.append(text)
        if mark:
            return taken


@registry.patches("ministack.services.lambda_svc", "_emit_lambda_logs")
def _emit_lambda_logs(
    original: Callable[..., Any], function: Any, request_id: str, log: str, *more: Any, **named: Any
) -> None:
    """Reports the log of each invocation to the terminal, which would otherwise read all logs again and again."""
    original(function, request_id, log, *more, **named)
    report((function.get("config") or function).get("FunctionName", ""), log)


def report(function: str, log: str) -> None:
    """Calls the listeners with the log of one invocation."""
    for listener in list(_listeners):
        listener((function, log.splitlines()))
