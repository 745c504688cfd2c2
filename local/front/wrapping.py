"""How the front changes a function of ministack: by a wrapper that gets the original as its first argument."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def wrap(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
    """Put a wrapper around a function of a module or class; a second call changes nothing."""
    original = getattr(owner, name)
    if not hasattr(original, "__wrapped__"):
        setattr(owner, name, _wrapped(original, wrapper))


def wrap_entry(table: dict[str, Any], name: str, wrapper: Callable[..., Any]) -> None:
    """Put a wrapper around a function of a table; a second call changes nothing."""
    if not hasattr(table[name], "__wrapped__"):
        table[name] = _wrapped(table[name], wrapper)


def _wrapped(original: Callable[..., Any], wrapper: Callable[..., Any]) -> Callable[..., Any]:
    # A function and no partial: it may have to become a method.
    @functools.wraps(original)
    def call(*arguments: Any, **more: Any) -> Any:
        return wrapper(original, *arguments, **more)

    return call
