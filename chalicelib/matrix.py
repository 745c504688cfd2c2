"""Use case: the access matrix: what the policy of each subject permits on each route. Pure.

Each outcome comes from `authorize.merge` and `EffectivePermissions.decide`, as it does in the authorizer.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chalicelib.authorize import EffectivePermissions, merge
from chalicelib.core.errors import InvalidInput
from chalicelib.core.policy import CorruptPolicy, DeletedPolicy, Policy, StoredPolicy
from chalicelib.core.policy_json import as_dict
from chalicelib.core.route import Authorizer, Route
from chalicelib.core.route_paths import TooManyPatterns, example_paths
from chalicelib.core.statement import Statement
from chalicelib.stage_rules import NO_RULES, StageRules

MOST_CELLS = 5_000
_FILTERS = (
    "Choose a group or an app client (?subject=group:<name>), or the routes that begin with a path (?path=/orders)"
)
_MOST_WORK = 12_000  # decisions on statements, for one route: a tenth of a second


class MatrixTooLarge(InvalidInput):
    """The matrix has more cells than one answer can hold. `size` says how many."""

    def __init__(self, subjects: int, routes: int, most: int) -> None:
        cells = f"{subjects * routes:,} cells, and at most {most:,} are computed"
        self.size = f"{subjects} groups and app clients x {routes} routes are {cells}"
        super().__init__("matrix", f"{self.size}. {_FILTERS}")


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
    """The decision on one case right after a sign-in. `because` are the sids of the statements that made it.

    signed_in_within  the greatest age of the sign-in, in seconds, at which the case is still allowed; None: any age
    """

    case: Case
    allowed: bool
    reason: str
    because: tuple[str, ...] = ()
    signed_in_within: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Returns the JSON form."""
        return {
            "path": self.case.path,
            "scopes": sorted(self.case.scopes),
            "allowed": self.allowed,
            "reason": self.reason,
            "because": list(self.because),
            "signed_in_within": self.signed_in_within,
        }


@dataclass(frozen=True, slots=True)
class Cell:
    """What the policy of one subject permits on one route.

    reason            of the usual request: no statement names its parameters, and its token has no custom scope
    exceptions        cases that are decided differently
    signed_in_within  the greatest age of the sign-in, in seconds, at which the usual request is still allowed
    """

    subject: str
    route: Route
    access: Access
    reason: str
    because: tuple[str, ...] = ()
    exceptions: tuple[Outcome, ...] = ()
    signed_in_within: int | None = None

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
            "signed_in_within": self.signed_in_within,
        }


@dataclass(frozen=True, slots=True)
class Matrix:
    """One cell for each subject and route. `subjects` have versions; the version of a corrupt policy can be missing.

    guards  the statements that the stage adds for every subject. A cell does not list the paths that only they deny
    """

    subjects: tuple[tuple[str, int | None], ...]
    routes: tuple[Route, ...]
    cells: tuple[Cell, ...]
    guards: tuple[Statement, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Returns the JSON form."""
        return {
            "subjects": [{"subject": subject, "version": version} for subject, version in self.subjects],
            "routes": [route.as_dict() for route in self.routes],
            "guards": [as_dict(statement) for statement in self.guards],
            "cells": [cell.as_dict() for cell in self.cells],
        }


def build_matrix(
    stored: Iterable[StoredPolicy], routes: Sequence[Route], rules: StageRules = NO_RULES, most: int = MOST_CELLS
) -> Matrix:
    """Returns the matrix of the policies and the routes. Raises MatrixTooLarge above `most` cells."""
    policies = [policy for policy in stored if not isinstance(policy, DeletedPolicy)]
    if len(policies) * len(routes) > most:
        raise MatrixTooLarge(len(policies), len(routes), most)
    return Matrix(
        subjects=tuple((policy.subject, policy.version) for policy in policies),
        routes=tuple(routes),
        cells=tuple(cell(policy, route, rules) for policy in policies for route in routes),
        guards=rules.guards,
    )


def cell(policy: Policy | CorruptPolicy, route: Route, rules: StageRules = NO_RULES) -> Cell:
    if route.authorizer is Authorizer.NONE:
        return Cell(policy.subject, route, Access.ALLOWED, "public")
    if route.authorizer is Authorizer.SCOPES:  # policies do not matter, a scope does
        granted = tuple(Outcome(Case(route.path, frozenset({scope})), True, "scope_granted") for scope in route.scopes)
        return Cell(policy.subject, route, Access.PARTLY, "scope_missing", exceptions=granted)
    if isinstance(policy, CorruptPolicy):
        return Cell(policy.subject, route, Access.DENIED, "policy_corrupt")
    try:
        usual, *others = outcomes(policy, route, cases(route, rules.applied(policy.statements)), rules)
    except TooManyPatterns:
        return Cell(policy.subject, route, Access.PARTLY, "too_many_patterns")
    found = {(other.because, other.signed_in_within): other for other in reversed(others) if _differ(other, usual)}
    limited = found or usual.signed_in_within is not None
    access = Access.PARTLY if limited else Access.ALLOWED if usual.allowed else Access.DENIED
    exceptions = tuple(reversed(found.values()))
    return Cell(policy.subject, route, access, usual.reason, usual.because, exceptions, usual.signed_in_within)


def _differ(one: Outcome, other: Outcome) -> bool:
    return (one.allowed, one.signed_in_within) != (other.allowed, other.signed_in_within)


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


def outcomes(policy: Policy, route: Route, cases: Iterable[Case], rules: StageRules = NO_RULES) -> Iterator[Outcome]:
    merged: dict[frozenset[str], EffectivePermissions] = {}
    for case in cases:
        if case.scopes not in merged:
            merged[case.scopes] = merge([policy], case.scopes, 0, rules.complete).after(rules.reused_for)
        permissions = merged[case.scopes]
        decision = permissions.decide(route.method, case.path)
        limit = permissions.greatest_sign_in_age(route.method, case.path) if decision.allowed else None
        age = None if limit is None else int(limit - rules.reused_for)  # as `Authorize` counts it
        yield Outcome(case, decision.allowed, decision.reason, decision.because, age)
