"""Finds mistakes in the policy files by comparing them with the routes, the groups and the scopes. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from chalicelib.core.administrator import administers
from chalicelib.core.policy import Policy
from chalicelib.core.route import Authorizer, Route
from chalicelib.core.statement import METHODS, Effect, Statement
from chalicelib.core.upstream_paths import is_upstream
from chalicelib.matrix import Access, Case, cases, cell
from infra.policy_files import PolicyFile
from infra.policy_patterns import crossed, mistake, nearest_pattern, reaches

_FOLDER = "policies/"


@dataclass(frozen=True)
class Surroundings:
    """What the policies are compared with.

    scopes         the scopes that an app client can be granted
    client_scopes  of a machine: policy subject → the scopes that the client can be granted
    """

    routes: Sequence[Route]
    scopes: Collection[str]
    client_scopes: Mapping[str, Collection[str]]

    @property
    def decided(self) -> list[Route]:
        """The routes on which policies decide."""
        return [route for route in self.routes if route.authorizer is Authorizer.POLICIES]


def lint_file(file: PolicyFile, around: Surroundings) -> list[str]:
    """Returns the mistakes of one file, each with its place and the remedy."""
    statements = file.parsed
    found: list[str] = []
    for number, statement in enumerate(statements):
        where = f"{file.name}: {place(number, statement.sid)}"
        if all(map(is_upstream, statement.paths)):
            # The packaged application has no route of the upstream: a stage adds them. A path can end with a slash.
            faults = map(mistake, (pattern.removesuffix("/") for pattern in statement.paths))
            found += [f"{where}: paths: {fault}" for fault in faults if fault]
            continue
        alone = [*_patterns(statement, around), *_methods(statement, around), *_scopes(file, statement, around)]
        # A statement that reaches nothing also counts for nothing. One message is enough.
        found += [f"{where}: {fault}" for fault in alone or _idle(statements, number, around)]
    return found


def lint_together(files: Sequence[PolicyFile], around: Surroundings) -> list[str]:
    """Returns the mistakes of the policies as a whole."""
    found = [
        f"{_FOLDER}: {route}: no policy allows this route. Add a statement to a file, or remove the route."
        for route in around.decided
        if all(cell(as_policy(file), route).access is Access.DENIED for file in files)
    ]
    if not any(administers(file.subject, file.parsed) for file in files):
        found.append(
            f"{_FOLDER}: no group could change policies through the API. Allow PUT on /admin/policies/* to one group,"
            " without a scope."
        )
    return found


def place(number: int, sid: str) -> str:
    return f'statement {number + 1} ("{sid}")'


def as_policy(file: PolicyFile) -> Policy:
    return Policy(file.subject, 0, file.parsed, file.name, "")


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


def _scopes(file: PolicyFile, statement: Statement, around: Surroundings) -> Iterator[str]:
    for scope in statement.scopes:
        if scope not in around.scopes:
            near = get_close_matches(scope, around.scopes, n=1)
            remedy = f"Did you mean {near[0]}?" if near else "Define it in infra/identity.yaml, or remove it."
            yield f"scopes: the resource server has no scope {scope}. {remedy}"
        elif scope not in around.client_scopes.get(file.subject, around.scopes):
            yield (
                f"scopes: this client cannot be granted {scope}. Add it to AllowedOAuthScopes of the client in"
                " infra/identity.yaml, or remove it."
            )


def _idle(statements: Sequence[Statement], number: int, around: Surroundings) -> Iterator[str]:
    """Yields why a statement has no effect: another one decides every request that it covers."""
    statement = statements[number]
    covered = list(_covered(statements, statement, around))
    denies = [other for other in statements if other.effect is Effect.DENY]
    if statement.effect is Effect.ALLOW and covered and all(_any_covers(denies, *it) for it in covered):
        overriding = next(
            place(statements.index(other), other.sid) for other in denies if _any_covers([other], *covered[0])
        )
        yield f"it has no effect: {overriding} denies every request that it allows. Remove one of them."
        return
    for position, other in enumerate(statements):
        if position == number or other.effect is not statement.effect:
            continue
        twin = all(_any_covers([statement], *it) for it in _covered(statements, other, around))
        if all(_any_covers([other], *it) for it in covered) and (position < number or not twin):
            yield f"it has no effect: {place(position, other.sid)} already covers it. Remove one of them."
            return


def _covered(
    statements: Sequence[Statement], statement: Statement, around: Surroundings
) -> Iterator[tuple[Route, Case]]:
    for route in around.decided:
        for case in cases(route, statements):
            if _any_covers([statement], route, case):
                yield route, case


def _any_covers(statements: Iterable[Statement], route: Route, case: Case) -> bool:
    return any(s.counts_for(case.scopes) and s.covers(route.method, case.path) for s in statements)


def _listed(routes: Sequence[Route]) -> str:
    shown = [str(route) for route in routes[:3]]
    return ", ".join(shown) + (f" and {len(routes) - 3} more" if len(routes) > 3 else "")
