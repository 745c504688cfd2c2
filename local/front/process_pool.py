"""Limits the processes of a Lambda function. Further calls wait for a process.

In ministack, each concurrent call starts a process. On a machine with two cores, 16 first calls would start 16
processes. Each process would be so slow that it reaches the function's timeout, and the next calls would start again.

The function's timeout starts after the wait and after the start of the process, as on AWS after the init phase.
A long call no longer counts against the limit, because it may wait for another call of the same function.
Therefore a chain of calls cannot block itself. tests/local/test_process_pool.py tests these patches.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any

from ministack.core import lambda_runtime

from local.front.patches import registry

CORES = os.cpu_count() or 1
PROCESSES = min(4, 2 * CORES)  # of one function
LONG_SECONDS = 1.0  # a call that runs longer does not count against the limit
START_SECONDS = 10.0  # a start waits no longer than this, because the start before may depend on it

STOP_SECONDS = 2.0  # for the running calls when the server stops
_STOPPING = "The local cloud is stopping."

_freed = threading.Condition()
_queues: defaultdict[str, deque[object]] = defaultdict(deque)  # a ticket for each waiting call, by function
_starts = threading.BoundedSemaphore(CORES)
_closed = threading.Event()


def open_pool() -> None:
    """Lets calls wait and processes start, also after an earlier server in this process was stopped."""
    _closed.clear()


def close_pool() -> None:
    """Throttles the waiting calls, starts no more processes, and ends the running processes after STOP_SECONDS.

    Otherwise the server would wait for all calls before it stops, and new processes would outlive it.
    """
    with _freed:
        _closed.set()
        _freed.notify_all()
    end = threading.Timer(STOP_SECONDS, lambda_runtime.reset)
    end.daemon = True
    end.start()


@registry.patches("ministack.services.lambda_svc", "acquire_worker")
def _acquire_worker(
    original: Callable[..., Any], name: str, config: Any, code: bytes, qualifier: str = "$LATEST"
) -> Any:
    """Waits for one of the few processes of a function."""
    key, ticket = lambda_runtime._worker_key(name, config, qualifier), object()
    with _freed:
        queue = _queues[key]
        queue.append(ticket)
        try:
            while not _closed.is_set():
                if queue[0] is ticket:
                    with lambda_runtime._lock:
                        most = process_limit(lambda_runtime._workers.get(key, ()), time.time())
                    worker, reason = original(name, config, code, qualifier=qualifier, max_concurrency=most)
                    if worker is not None:
                        return worker, reason
                _freed.wait(LONG_SECONDS / 4)  # no event reports that a call has become long
        finally:
            queue.remove(ticket)
            _freed.notify_all()
    return None, "func_cap"


def process_limit(workers: Iterable[Any], now: float) -> int:
    """Returns how many processes a function can have: a few, and one more for each long call of its workers."""
    long_calls = [worker for worker in workers if worker.in_use and worker.last_used < now - LONG_SECONDS]
    return PROCESSES + len(long_calls)


@registry.patches("ministack.services.lambda_svc", "release_worker")
def _release_worker(original: Callable[..., Any], worker: Any) -> None:
    """Wakes the calls that wait for a process."""
    original(worker)
    with _freed:
        _freed.notify_all()


def until_stopped(call: Callable[[], Any]) -> Any:
    """Answers a call whose process could not start, or was ended, because the server stops.

    Otherwise ministack logs such a call as an error. Before the stop, it logs every failure.
    """
    try:
        return call()
    except Exception:
        if not _closed.is_set():
            raise
        return {"status": "error", "error": _STOPPING}


@registry.patches("ministack.core.lambda_runtime", "Worker", "_spawn")
def _spawn(original: Callable[..., Any], worker: Any) -> None:
    """Starts at most one process per core at the same time. Ctrl-C in the terminal does not interrupt the process.

    The terminal sends SIGINT to every process of its group. The server ends the processes itself, after STOP_SECONDS.
    """
    worker.last_used = math.inf  # its call has not started, so it is not a long call
    acquired = _starts.acquire(timeout=START_SECONDS)
    try:
        if _closed.is_set():
            raise RuntimeError(_STOPPING)
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # of this thread; the new process inherits it
        try:
            original(worker)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    finally:
        if acquired:
            _starts.release()
        worker.last_used = time.time()
        if _closed.is_set():
            lambda_runtime.kill_workers([worker])
