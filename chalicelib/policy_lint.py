"""Finds mistakes in the statements of a policy by comparing them with the routes and the scopes. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import inf

from chalicelib.core.route import Authorizer, Route
from chalicelib.core.route_paths import TooManyPatterns
from chalicelib.core.statement import METHODS, Effect, Statement
from chalicelib.core.upstream_paths import is_upstream
from chalicelib.matrix import Case, cases
from chalicelib.policy_patterns import crossed, mistake, nearest_pattern, reaches

_Request = tuple[Route, Case]
_MOST_COMPARISONS = 3_000_000  # of two statements on one request: about two seconds


@dataclass(frozen=True)
class Surroundings:
    """The routes and the scopes with which policies are compared.

    scopes         the scopes that an app client can be granted; None skips the check of scopes
    client_scopes  of a machine: policy subject → the scopes that the client can be granted
    """

    routes: Sequence[Route]
    scopes: Collection[str] | None = None
    client_scopes: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def decided(self) -> list[Route]:
        """The routes on which policies decide."""
        return [route for route in self.routes if route.authorizer is Authorizer.POLICIES]


def lint_statements(subject: str, statements: Sequence[Statement], around: Surroundings) -> list[str]:
    """Returns the mistakes of one policy, each with its statement and the remedy. Raises TooManyPatterns."""
    requests = [(route, case) for route in around.decided for case in cases(route, statements)]
    if len(requests) * len(statements) ** 2 > _MOST_COMPARISONS:
        raise TooManyPatterns
    covered = [[request for request in requests if _any_covers([statement], *request)] for statement in statements]
    found: list[str] = []
    for number, statement in enumerate(statements):
        if all(map(is_upstream, statement.paths)):
            # The packaged application has no route of the upstream: a stage adds them. A path can end with a slash.
            faults = map(mistake, (pattern.removesuffix("/") for pattern in statement.paths))
            found += [f"{place(number, statement.sid)}: paths: {fault}" for fault in faults if fault]
            continue
        alone = [
            *_patterns(statement, around),
            *_methods(statement, around),
            *_scopes(subject, statement, around),
        ]
        # A statement that matches no route has no effect either. The first message is enough.
        found += [f"{place(number, statement.sid)}: {fault}" for fault in alone or _idle(statements, number, covered)]
    return found


def place(number: int, sid: str) -> str:
    return f'statement {number + 1} ("{sid}")'


def _patterns(statement: Statement, around: Surroundings) -> Iterator[str]:
    for pattern in statement.paths:
        if is_upstream(pattern):
            continue
        reached = [route for route in around.routes if reaches(pattern, route)]
        decided = [route for route in reached if route.authorizer is Authorizer.POLICIES]
        if fault := mistake(pattern):
            yield f"paths: {fault}"
        elif not reached:
            near = nearest_pattern(pattern, around.decided)
            remedy = f"Did you mean {near}?" if near else "Correct it, or remove it."
            yield f"paths: {pattern} matches no route. {remedy}"
        elif not decided:
            yield f"paths: policies do not decide on {_listed(reached)}. Remove {pattern}, or change its authorizer."
        elif beyond := crossed(pattern, decided):
            yield (
                f"paths: the * of {pattern} crosses a slash and reaches {_listed(beyond)}. Write"
                f" {pattern.replace('*', '**')} if that is intended, or name the paths."
            )
        elif not any(route.method in statement.methods for route in decided):
            yield f"paths: {pattern} has no route for {', '.join(statement.methods)}. Correct the methods or the path."


def _methods(statement: Statement, around: Surroundings) -> Iterator[str]:
    if statement.methods == METHODS:
        return
    reached = {route.method for route in around.decided for pattern in statement.paths if reaches(pattern, route)}
    unused = [method for method in statement.methods if method not in reached]
    if reached and unused and len(unused) < len(statement.methods):  # otherwise the path is reported
        yield f"methods: no route takes {', '.join(unused)} with these paths. Remove it, or add the path."


def _scopes(subject: str, statement: Statement, around: Surroundings) -> Iterator[str]:
    if around.scopes is None:
        return
    for scope in statement.scopes:
        if scope not in around.scopes:
            near = get_close_matches(scope, around.scopes, n=1)
            remedy = f"Did you mean {near[0]}?" if near else "Define it in infra/identity.yaml, or remove it."
            yield f"scopes: the resource server has no scope {scope}. {remedy}"
        elif scope not in around.client_scopes.get(subject, around.scopes):
            yield (
                f"scopes: this client cannot be granted {scope}. Add it to AllowedOAuthScopes of the client in"
                " infra/identity.yaml, or remove it."
            )


def _idle(statements: Sequence[Statement], number: int, covered: Sequence[Sequence[_Request]]) -> Iterator[str]:
    """Yields why a statement has no effect: another one decides every request that it covers.

    covered  the requests that each statement covers
    """
    statement, own = statements[number], covered[number]
    denies = [other for other in statements if other.effect is Effect.DENY]
    if statement.effect is Effect.ALLOW and own and all(_any_covers(denies, *it) for it in own):
        overriding = next(
            place(statements.index(other), other.sid) for other in denies if _any_covers([other], *own[0])
        )
        yield f"it has no effect: {overriding} denies every request that it allows. Remove one of them."
        return
    for position, other in enumerate(statements):
        if position == number or other.effect is not statement.effect:
            continue
        twin = _lasts(statement, other) and all(_any_covers([statement], *it) for it in covered[position])
        covers = _lasts(other, statement) and all(_any_covers([other], *it) for it in own)
        if covers and (position < number or not twin):
            yield f"it has no effect: {place(position, other.sid)} already covers it. Remove one of them."
            return


def _lasts(statement: Statement, other: Statement) -> bool:
    """Returns whether a statement counts after every sign-in after which another one counts."""
    return statement.counts_after(other.signed_in_within if other.signed_in_within is not None else inf)


def _any_covers(statements: Iterable[Statement], route: Route, case: Case) -> bool:
    return any(s.counts_for(case.scopes) and s.covers(route.method, case.path) for s in statements)


def _listed(routes: Sequence[Route]) -> str:
    shown = [str(route) for route in routes[:3]]
    return ", ".join(shown) + (f" and {len(routes) - 3} more" if len(routes) > 3 else "")
