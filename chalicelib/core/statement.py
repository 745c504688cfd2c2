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

    methods   HTTP verbs; `*` is expanded to all of them
    paths     patterns, see `path_pattern`
    scopes    if not empty, the statement counts only for a token that carries one of these scopes
    """

    sid: str
    effect: Effect
    methods: tuple[str, ...]
    paths: tuple[str, ...]
    scopes: tuple[str, ...] = ()

    def covers(self, method: str, path: str) -> bool:
        return method in self.methods and any(path_pattern.matches(pattern, path) for pattern in self.paths)

    def counts_for(self, scopes: frozenset[str]) -> bool:
        return not self.scopes or not scopes.isdisjoint(self.scopes)
