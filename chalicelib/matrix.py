"""Use case: the access matrix: what the policy of each subject permits on each route. Pure.

Each outcome comes from `authorize.merge` and `EffectivePermissions.decide`, as it does in the authorizer.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chalicelib.authorize import merge
from chalicelib.core.policy import CorruptPolicy, DeletedPolicy, Policy, StoredPolicy
from chalicelib.core.route import Authorizer, Route
from chalicelib.core.route_paths import TooManyPatterns, example_paths
from chalicelib.core.statement import Statement

_MOST_WORK = 12_000  # decisions on statements, for one route: a tenth of a second


class Access(StrEnum):
    """What a subject may do on a route: every request, some requests or not one request."""

    ALLOWED = "allowed"
    PARTLY = "partly"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Case:
    """A request of a route: an example path, and the scopes of the token."""

    path: str
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The decision on one case. `because` are the sids of the statements that made it."""

    case: Case
    allowed: bool
    reason: str
    because: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Returns the JSON form."""
        return {
            "path": self.case.path,
            "scopes": sorted(self.case.scopes),
            "allowed": self.allowed,
            "reason": self.reason,
            "because": list(self.because),
        }


@dataclass(frozen=True, slots=True)
class Cell:
    """What the policy of one subject permits on one route.

    reason      of the usual request: no statement names its parameters, and its token has no custom scope
    exceptions  cases that are decided differently
    """

    subject: str
    route: Route
    access: Access
    reason: str
    because: tuple[str, ...] = ()
    exceptions: tuple[Outcome, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Returns the JSON form. `allowed` is whether every request is allowed."""
        return {
            "subject": self.subject,
            "method": self.route.method,
            "path": self.route.path,
            "access": self.access.value,
            "allowed": self.access is Access.ALLOWED,
            "reason": self.reason,
            "because": list(self.because),
            "exceptions": [outcome.as_dict() for outcome in self.exceptions],
        }


@dataclass(frozen=True, slots=True)
class Matrix:
    """One cell for each subject and route. `subjects` have versions; the version of a corrupt policy can be missing."""

    subjects: tuple[tuple[str, int | None], ...]
    routes: tuple[Route, ...]
    cells: tuple[Cell, ...]

    def as_dict(self) -> dict[str, Any]:
        """Returns the JSON form."""
        return {
            "subjects": [{"subject": subject, "version": version} for subject, version in self.subjects],
            "routes": [route.as_dict() for route in self.routes],
            "cells": [cell.as_dict() for cell in self.cells],
        }


def build_matrix(stored: Iterable[StoredPolicy], routes: Sequence[Route]) -> Matrix:
    policies = [policy for policy in stored if not isinstance(policy, DeletedPolicy)]
    return Matrix(
        subjects=tuple((policy.subject, policy.version) for policy in policies),
        routes=tuple(routes),
        cells=tuple(cell(policy, route) for policy in policies for route in routes),
    )


def cell(policy: Policy | CorruptPolicy, route: Route) -> Cell:
    if route.authorizer is Authorizer.NONE:
        return Cell(policy.subject, route, Access.ALLOWED, "public")
    if route.authorizer is Authorizer.SCOPES:  # policies do not matter, a scope does
        granted = tuple(Outcome(Case(route.path, frozenset({scope})), True, "scope_granted") for scope in route.scopes)
        return Cell(policy.subject, route, Access.PARTLY, "scope_missing", exceptions=granted)
    if isinstance(policy, CorruptPolicy):
        return Cell(policy.subject, route, Access.DENIED, "policy_corrupt")
    try:
        usual, *others = outcomes(policy, route, cases(route, policy.statements))
    except TooManyPatterns:
        return Cell(policy.subject, route, Access.PARTLY, "too_many_patterns")
    exceptions = {other.because: other for other in reversed(others) if other.allowed is not usual.allowed}
    access = Access.PARTLY if exceptions else Access.ALLOWED if usual.allowed else Access.DENIED
    return Cell(
        policy.subject, route, access, usual.reason, usual.because, exceptions=tuple(reversed(exceptions.values()))
    )


def cases(route: Route, statements: Sequence[Statement]) -> list[Case]:
    """Returns the cases that the statements can decide differently, the usual case first. Raises TooManyPatterns.

    A statement with scopes counts if the token has one of them. So tokens with one scope each show whether any token is
    allowed and whether any token is denied.
    """
    relevant = [statement for statement in statements if route.method in statement.methods]
    paths = example_paths(route.path, (path for statement in relevant for path in statement.paths))
    scopes = sorted({scope for statement in relevant for scope in statement.scopes})
    tokens = [frozenset[str](), *(frozenset({scope}) for scope in scopes)]
    if len(tokens) * len(paths) * (len(relevant) + 10) > _MOST_WORK:  # a decision takes as long as ten statements
        raise TooManyPatterns
    return [Case(path, token) for token in tokens for path in paths]


def outcomes(policy: Policy, route: Route, cases: Iterable[Case]) -> Iterator[Outcome]:
    for case in cases:
        decision = merge([policy], case.scopes, generation=0).decide(route.method, case.path)
        yield Outcome(case, decision.allowed, decision.reason, decision.because)
