"""How the front changes a function of ministack: by a wrapper that gets the original as its first argument."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def wrap(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
    """Puts a wrapper around a function of a module or class. The same wrapper is applied once."""
    setattr(owner, name, _wrapped(getattr(owner, name), wrapper))


def wrap_entry(table: dict[str, Any], name: str, wrapper: Callable[..., Any]) -> None:
    """Puts a wrapper around a function of a table. The same wrapper is applied once."""
    table[name] = _wrapped(table[name], wrapper)


def _wrapped(original: Callable[..., Any], wrapper: Callable[..., Any]) -> Callable[..., Any]:
    applied = getattr(original, "wrappers", ())
    if wrapper in applied:
        return original

    # A function and no partial: it may have to become a method.
    @functools.wraps(original)
    def call(*arguments: Any, **more: Any) -> Any:
        return wrapper(original, *arguments, **more)

    vars(call)["wrappers"] = (*applied, wrapper)
    return call
