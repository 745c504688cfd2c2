"""A statement: one rule of a policy. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.core import path_pattern

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class Effect(StrEnum):
    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True)
class Statement:
    """Allows or denies HTTP methods on paths.

    methods           HTTP verbs; `*` is expanded to all of them
    paths             patterns, see `path_pattern`
    scopes            if not empty, the statement counts only for a token that carries one of these scopes
    signed_in_within  the greatest age of the sign-in, in seconds, at which the statement counts; None: no limit
    """

    sid: str
    effect: Effect
    methods: tuple[str, ...]
    paths: tuple[str, ...]
    scopes: tuple[str, ...] = ()
    signed_in_within: int | None = None

    def covers(self, method: str, path: str) -> bool:
        return method in self.methods and any(path_pattern.matches(pattern, path) for pattern in self.paths)

    def counts_for(self, scopes: frozenset[str]) -> bool:
        return not self.scopes or not scopes.isdisjoint(self.scopes)

    def counts_after(self, seconds: float) -> bool:
        """Returns whether the statement counts when the sign-in is this many seconds old."""
        return self.signed_in_within is None or seconds <= self.signed_in_within
