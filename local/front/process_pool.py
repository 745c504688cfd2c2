"""A function has a few processes on this machine, and calls wait for one. In ministack every call starts a process.

On a machine with two cores, 16 first calls at once would start 16 processes. All of them would be slow enough to reach
the function's timeout and be ended, and the next calls would start again. A wait does not count against the timeout,
and neither does the start of a process: ministack starts its clock afterwards, as AWS does after the init phase.

A call that runs for long gives up its place, because it may wait for another call of the same function. So no chain
of calls can block itself.

ministack offers no seam here, so three of its functions are wrapped; it is pinned, and
tests/local/test_process_pool.py fails when an upgrade moves them.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.front.wrapping import wrap

CORES = os.cpu_count() or 1
PROCESSES = min(4, 2 * CORES)  # of one function
LONG_SECONDS = 1.0  # a call that has run for longer leaves its place to another
START_SECONDS = 10.0  # a start that waits for longer goes ahead: the one before may depend on it

STOP_SECONDS = 2.0  # for calls under way when the server stops

_freed = threading.Condition()
_queues: defaultdict[str, deque[object]] = defaultdict(deque)  # a ticket for each waiting call, by function
_starts = threading.BoundedSemaphore(CORES)
_closed = threading.Event()


def install() -> None:
    """Wrap ministack's functions; once is enough, so a second call changes nothing."""
    _closed.clear()
    wrap(lambda_svc, "acquire_worker", _wait_for_a_process)
    wrap(lambda_svc, "release_worker", _release)
    wrap(lambda_runtime.Worker, "_spawn", _start)


def close() -> None:
    """Throttle the calls that wait, start no process from now on, and soon end those that run.

    Without it the server would wait for all calls before it stops, and new processes would outlive it.
    """
    with _freed:
        _closed.set()
        _freed.notify_all()
    end = threading.Timer(STOP_SECONDS, lambda_runtime.reset)
    end.daemon = True
    end.start()


def _wait_for_a_process(
    original: Callable[..., Any], name: str, config: Any, code: bytes, qualifier: str = "$LATEST"
) -> Any:
    key, ticket = lambda_runtime._worker_key(name, config, qualifier), object()
    with _freed:
        queue = _queues[key]
        queue.append(ticket)
        try:
            while not _closed.is_set():
                if queue[0] is ticket:
                    most = PROCESSES + _long_calls(key)
                    worker, reason = original(name, config, code, qualifier=qualifier, max_concurrency=most)
                    if worker is not None:
                        return worker, reason
                _freed.wait(LONG_SECONDS / 4)  # nobody reports that a call has become long
        finally:
            queue.remove(ticket)
            _freed.notify_all()
    return None, "func_cap"


def _long_calls(key: str) -> int:
    began_before = time.time() - LONG_SECONDS
    with lambda_runtime._lock:
        workers = lambda_runtime._workers.get(key, ())
        return sum(worker.in_use and worker.last_used < began_before for worker in workers)


def _release(original: Callable[..., Any], worker: Any) -> None:
    original(worker)
    with _freed:
        _freed.notify_all()


def _start(original: Callable[..., Any], worker: Any) -> None:
    """Start a process; as many at once as there are cores."""
    worker.last_used = math.inf  # its call has not begun, so it is not long
    at_my_turn = _starts.acquire(timeout=START_SECONDS)
    try:
        if _closed.is_set():
            raise RuntimeError("The local cloud is stopping.")
        original(worker)
    finally:
        if at_my_turn:
            _starts.release()
        worker.last_used = time.time()
        if _closed.is_set():
            lambda_runtime.kill_workers([worker])
