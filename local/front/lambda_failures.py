"""Keeps the process of a function that raised, as AWS does.

ministack ends this process. Without the patch, every refused token would cause a cold start.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime

from local.front.patches import registry

_RUNTIME = "ministack.core.lambda_runtime"
_invocation = threading.local()  # .spared: the processes that ministack wants to end during this invocation


@registry.patches(_RUNTIME, "Worker", "invoke")
def _invoke(original: Callable[..., Any], worker: Any, *arguments: Any, **more: Any) -> Any:
    """Keeps the process of a function that raised."""
    spared: list[Any] = []
    _invocation.spared = spared
    try:
        response = original(worker, *arguments, **more)
    finally:
        del _invocation.spared
    for process in spared:
        if "trace" in response and process.poll() is None:  # a function that raised leaves a traceback
            worker._proc = process
        else:
            lambda_runtime._signal(process)
            lambda_runtime._collect(process, time.monotonic() + lambda_runtime._REAP_GRACE)
    return response


@registry.patches(_RUNTIME, "_signal")
def _signal(original: Callable[..., Any], process: Any) -> None:
    """Postpones the end of a process until its invocation has returned."""
    if hasattr(_invocation, "spared"):
        _invocation.spared.append(process)
    else:
        original(process)


@registry.patches(_RUNTIME, "_collect")
def _collect(original: Callable[..., Any], process: Any, deadline: float) -> None:
    """Does not wait for a process whose end is postponed."""
    if not hasattr(_invocation, "spared"):
        original(process, deadline)
