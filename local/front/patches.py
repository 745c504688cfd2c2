"""The registry of the patches of ministack: what they change, why, and the one version that they fit.

A module of the front registers its patches when it is imported. `apply` puts all of them into ministack. ministack
offers no extension points for them, so they use private names, and ministack is pinned.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, TypeVar

MINISTACK_VERSION = "1.5.33"  # the pin in requirements/dev.in

F = TypeVar("F", bound=Callable[..., Any])


class UnsupportedMinistack(Exception):
    """The installed ministack is not the version that the patches fit."""


def check_version(installed: str | None = None) -> None:
    """Refuses every version of ministack but one. Raises UnsupportedMinistack."""
    installed = installed or version("ministack")
    if installed != MINISTACK_VERSION:
        raise UnsupportedMinistack(
            f"ministack {installed} is installed, and the local cloud needs version {MINISTACK_VERSION}. "
            "To install the locked versions, run `make clean`, then `make run`."
        )


@dataclass(frozen=True)
class Patch:
    """One change of one function, class or table entry of ministack.

    path      the names below the module: attributes, or keys of a dictionary
    new       returns the new value for the present one
    source    the function of the front that was registered; the first line of its docstring describes the patch
    adds      whether the patch adds an entry that a dictionary may lack; the present value is then None
    """

    module: str
    path: tuple[str, ...]
    new: Callable[[Any], Any]
    source: Callable[..., Any]
    adds: bool = False

    @property
    def target(self) -> str:
        return ".".join((self.module, *self.path))

    @property
    def description(self) -> str:
        return (inspect.getdoc(self.source) or "").partition("\n")[0]

    def apply(self) -> None:
        """Puts the new value into ministack. Raises LookupError when ministack has no such name."""
        owner: Any = importlib.import_module(self.module)
        *parents, name = self.path
        try:
            for parent in parents:
                owner = owner[parent] if isinstance(owner, dict) else getattr(owner, parent)
            if isinstance(owner, dict):
                owner[name] = self.new(owner.get(name) if self.adds else owner[name])
            else:
                setattr(owner, name, self.new(getattr(owner, name)))
        except (AttributeError, KeyError) as error:
            raise LookupError(f"ministack has no {self.target}, which {self.source.__module__} patches") from error


@dataclass
class Registry:
    """The patches, in the order of their registration. Each patch is applied once."""

    _registered: list[Patch] = field(default_factory=list)
    _applied: int = 0

    def patches(self, module: str, *path: str) -> Callable[[F], F]:
        """Registers a wrapper of a function. The wrapper receives the original function as its first argument."""

        def register(wrapper: F) -> F:
            self._registered.append(Patch(module, path, lambda original: wrapped(original, wrapper), wrapper))
            return wrapper

        return register

    def replaces(self, module: str, *path: str, adds: bool = False) -> Callable[[F], F]:
        """Registers a function that receives the present value and returns the new one."""

        def register(replacement: F) -> F:
            self._registered.append(Patch(module, path, replacement, replacement, adds))
            return replacement

        return register

    def apply(self) -> None:
        """Applies the patches that are not applied yet.

        Raises:  UnsupportedMinistack; LookupError for a name that ministack does not have
        """
        check_version()
        while self._applied < len(self._registered):
            self._registered[self._applied].apply()
            self._applied += 1

    def lines(self) -> list[str]:
        """Describes each patch in one line: the module of the front, the name in ministack, and the effect."""
        return [f"{patch.source.__module__}: {patch.target}: {patch.description}" for patch in self._registered]


def wrapped(original: Callable[..., Any], wrapper: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that passes the original and its own arguments to the wrapper."""

    # A function and not a partial: a patched method must bind to its object.
    @functools.wraps(original)
    def call(*arguments: Any, **more: Any) -> Any:
        return wrapper(original, *arguments, **more)

    return call


registry = Registry()
