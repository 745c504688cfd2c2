"""How the front changes a function of ministack: by a wrapper that gets the original as its first argument."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def wrap(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
    """Put a wrapper around a function of a module or class; a second call changes nothing."""
    original = getattr(owner, name)
    if hasattr(original, "__wrapped__"):
        return

    # A function and no partial: it may have to become a method.
    @functools.wraps(original)
    def call(*arguments: Any, **more: Any) -> Any:
        return wrapper(original, *arguments, **more)

    setattr(owner, name, call)
