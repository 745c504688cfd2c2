"""A function that raises keeps its process, as on AWS. ministack ends it, so each refused token would be a cold start.

ministack offers no seam here, so three of its functions are wrapped; it is pinned, and tests/e2e/test_use_case_2.py
fails when an upgrade moves them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime

from local.front.wrapping import wrap

_invocation = threading.local()  # .spared: the processes that ministack wants to end during it


def install() -> None:
    """Wrap ministack's functions; once is enough, so a second call changes nothing."""
    wrap(lambda_runtime.Worker, "invoke", invoke)
    wrap(lambda_runtime, "_signal", _signal)
    wrap(lambda_runtime, "_collect", _collect)


def invoke(original: Callable[..., Any], worker: Any, *arguments: Any, **more: Any) -> Any:
    """Invoke a function, and give its process back to it if it merely raised: then there is a traceback."""
    _invocation.spared = spared = []
    try:
        response = original(worker, *arguments, **more)
    finally:
        del _invocation.spared
    for process in spared:
        if "trace" in response and process.poll() is None:
            worker._proc = process
        else:
            lambda_runtime._signal(process)
            lambda_runtime._collect(process, time.monotonic() + lambda_runtime._REAP_GRACE)
    return response


def _signal(original: Callable[..., Any], process: Any) -> None:
    if hasattr(_invocation, "spared"):
        _invocation.spared.append(process)
    else:
        original(process)


def _collect(original: Callable[..., Any], process: Any, deadline: float) -> None:
    if not hasattr(_invocation, "spared"):
        original(process, deadline)
