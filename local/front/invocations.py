"""Runs an invocation of a Python function in one thread, and keeps the process of a function that raised, as AWS does.

ministack starts a thread for the response of each invocation, reads the log in another thread, and polls for lines that
may still come: 5 ms after the last line, or 50 ms if there is no line. Here one thread reads the response and the log.
The script of a Python function ends the log of an invocation with a mark, before it sends the response. The mark
contains the id of the request, so that a function that prints text of a caller cannot end its log.

ministack ends the process of a function that raised. Every refused token would then cause a cold start.
"""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import lambda_runtime

from local.front import process_pool
from local.front.function_script import RUNTIME, START, mark
from local.front.patches import registry

LONGEST_WAIT = 1.0  # seconds for a mark; a function can close the stream that carries it
_CHUNK = 64 * 1024  # bytes, the size of a pipe
_DIED = {"status": "error", "error": "Worker process died"}


@registry.patches(RUNTIME, "Worker", "_read_stderr")
def _read_stderr(original: Callable[..., Any], worker: Any) -> None:
    """Reads the log of a Python process until it has started. Then each invocation reads its own log."""
    if not _is_python(worker):
        original(worker)
        return
    log, started = bytearray(), _line(START)
    while started not in log and (chunk := os.read(worker._proc.stderr.fileno(), _CHUNK)):
        log += chunk
    _keep(worker, log.replace(started, b""))


@registry.patches(RUNTIME, "Worker", "invoke")
def _invoke(original: Callable[..., Any], worker: Any, event: Any, request_id: str, **context: Any) -> Any:
    """Runs an invocation of a Python function in one thread, and keeps the process of a function that raised."""
    if not _is_python(worker):
        return process_pool.until_stopped(lambda: original(worker, event, request_id, **context))
    return process_pool.until_stopped(lambda: _run(worker, event, request_id, context))


def _run(worker: Any, event: Any, request_id: str, context: Mapping[str, Any]) -> dict[str, Any]:
    with worker._lock:
        cold = worker._proc is None or worker._proc.poll() is not None
        if cold:
            worker._spawn()
            worker._stderr_thread.join(LONGEST_WAIT)
        seconds = worker.config.get("Timeout", 30)
        known = {name: value for name, value in context.items() if value is not None}
        envelope = {"event": event, "ctx": {**known, "request_id": request_id}}
        end = _line(mark(request_id))
        response, log = exchange(worker._proc, json.dumps(envelope).encode() + b"\n", end, seconds)
        if response is None or response is _DIED:
            process, worker._proc = worker._proc, None
            lambda_runtime._signal(process)
            lambda_runtime._collect(process, time.monotonic() + lambda_runtime._REAP_GRACE)
        before = worker._drain_stderr()
        own, _, after = log.partition(end)
        _keep(worker, after)
        response = response or {"status": "error", "error": f"Task timed out after {seconds}.00 seconds"}
        return {**response, "cold_start": cold, "log": "\n".join(filter(None, (before, _text(own))))}


def exchange(process: Any, request: bytes, end: bytes, seconds: float) -> tuple[dict[str, Any] | None, bytes]:
    """Sends a request to the process of a function. Returns the response, and the log with its mark.

    The response is None if it does not come in time.

    end  the mark
    """
    stdin, stdout, stderr = (stream.fileno() for stream in (process.stdin, process.stdout, process.stderr))
    os.set_blocking(stdin, False)  # a process that does not read must not block this thread
    unsent = _rest(stdin, memoryview(request))
    received = {stdout: bytearray(), stderr: bytearray()}
    waiting = {stdout, stderr} | ({stdin} if unsent else set())
    poll = select.poll()
    for descriptor in waiting:
        poll.register(descriptor, select.POLLOUT if descriptor == stdin else select.POLLIN)
    response: dict[str, Any] | None = None
    deadline = time.monotonic() + seconds
    while response is None or (stderr in waiting and end not in received[stderr]):
        ready = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
        if not ready:
            break
        for descriptor, _ in ready:
            if descriptor == stdin:
                unsent = _rest(stdin, unsent)
                ended = not unsent
            else:
                chunk = os.read(descriptor, _CHUNK)
                received[descriptor] += chunk
                ended = not chunk
            if ended:
                poll.unregister(descriptor)
                waiting.remove(descriptor)
        if response is None:
            response = _response(received[stdout]) or (None if stdout in waiting else _DIED)
            deadline = deadline if response is None else time.monotonic() + LONGEST_WAIT
    return response, bytes(received[stderr])


def _rest(descriptor: int, data: memoryview) -> memoryview:
    """Writes what the pipe can take, and returns the rest."""
    try:
        return data[os.write(descriptor, data) :]
    except BlockingIOError:
        return data
    except BrokenPipeError:  # the process has ended, which its output shows
        return data[:0]


def _response(output: bytearray) -> dict[str, Any] | None:
    """Returns the response. Only the script writes to the output, and it writes one line for each invocation."""
    content: dict[str, Any] | None = json.loads(output) if output.endswith(b"\n") else None
    return content


def _is_python(worker: Any) -> bool:
    return str(worker.config.get("Runtime")).startswith("python")


def _line(text: str) -> bytes:
    return f"{text}\n".encode()


def _text(log: bytes) -> str:
    return "\n".join(log.decode("utf-8", "replace").splitlines())


def _keep(worker: Any, log: bytes | bytearray) -> None:
    """Keeps lines that belong to no invocation for the log of the next invocation."""
    for line in log.decode("utf-8", "replace").splitlines():
        worker._stderr_queue.put(line)
