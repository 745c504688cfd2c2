"""Compares the policies and the routes with the table of expected permissions. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import Enum

from chalicelib.core.policy import Policy
from chalicelib.core.route import Authorizer, Route, find_route
from chalicelib.core.route_paths import example_paths
from chalicelib.matrix import Case, Outcome, outcomes
from chalicelib.policy_lint import place
from chalicelib.stage_rules import NO_RULES, StageRules
from infra.policy_files import EXPECTED, PolicyFile
from infra.policy_lint import as_policy
from infra.policy_table import EVERYTHING, THE_REST, Entry, Table


class Expected(Enum):
    """What the table expects of each request to a route. The value is its sentence, for the name and the route."""

    ALLOWED = "{} may {}"
    RECENT = "{} may {} only after a recent sign-in"
    DENIED = "{} may not {}"

    def is_met(self, outcome: Outcome) -> bool:
        """Returns whether the decision right after a sign-in, and its end, are as expected."""
        if self is Expected.DENIED:
            return not outcome.allowed
        return outcome.allowed and (self is Expected.ALLOWED or outcome.signed_in_within is not None)


def check_table(
    table: Table,
    files: Sequence[PolicyFile],
    routes: Sequence[Route],
    subjects: Mapping[str, str],
    groups: Collection[str],
    scopes: Collection[str],
    rules: StageRules = NO_RULES,
) -> list[str]:
    """Returns every difference between the table, the policies and the routes, each with its remedy.

    subjects  `client:<name of an output>` in the table → `client:<id>` in the policies
    groups    the groups that exist
    scopes    the scopes that exist
    rules     of the stage
    """
    found = [*_public(table, routes)]
    policies = {file.subject: file for file in files}
    for entry in table.entries:
        kind, _, holder = entry.subject.partition(":")
        if kind == "group" and holder not in groups:
            found.append(f"entry {entry.number + 1}: there is no group {holder!r}. Correct or remove the entry.")
        elif kind == "client" and entry.subject not in subjects:
            found.append(f"entry {entry.number + 1}: no output has the name {holder!r}. Correct or remove the entry.")
        elif unknown := sorted(entry.scopes.difference(scopes)):
            found.append(f"entry {entry.number + 1}: there is no scope {unknown[0]}. Correct or remove the entry.")
        else:
            found += _check_entry(entry, policies.get(subjects.get(entry.subject, entry.subject)), routes, rules)
    named = {subjects.get(entry.subject, entry.subject) for entry in table.entries}
    found += [
        f"{file.name} has no entry in the table. Add what its subject may do."
        for file in files
        if file.subject not in named
    ]
    return [f"policies/{EXPECTED}: {fault}" for fault in found]


def _public(table: Table, routes: Sequence[Route]) -> Iterator[str]:
    by_name = {str(route): route for route in routes}
    for name in table.public:
        if name not in by_name:
            yield f"public: {name} is not a route. Correct or remove it."
        elif by_name[name].authorizer is not Authorizer.NONE:
            yield f"public: {name} has an authorizer. Remove it from this list."
    for name, route in by_name.items():
        if route.authorizer is Authorizer.NONE and name not in table.public:
            yield f"{name} has no authorizer. Name the authorizer in app.py, or add the route to `public`."


def _check_entry(entry: Entry, file: PolicyFile | None, routes: Sequence[Route], rules: StageRules) -> Iterator[str]:
    decided_by = Authorizer.POLICIES if entry.subject else Authorizer.SCOPES
    judged = [route for route in routes if route.authorizer is decided_by]
    named: set[Route] = set()
    lists = (
        (Expected.ALLOWED, entry.may),
        (Expected.RECENT, entry.may_after_recent_sign_in),
        (Expected.DENIED, entry.may_not),
    )
    for expected, names in lists:
        for name in names:
            if name in (EVERYTHING, THE_REST):
                continue
            method, _, path = name.partition(" ")
            route = _route(judged, method, path)
            if route is None:
                yield f"{entry.name}: {name} is not a route on which {decided_by.value} decide. Correct or remove it."
            else:
                named.add(route)
                yield from _differences(entry, file, route, None if route.path == path else path, expected, rules)
    for expected, names in lists:
        if {EVERYTHING, THE_REST} & set(names):
            for route in judged:
                if route not in named:
                    yield from _differences(entry, file, route, None, expected, rules)


def _route(routes: Sequence[Route], method: str, path: str) -> Route | None:
    exact = next((route for route in routes if (route.method, route.path) == (method, path)), None)
    return exact or find_route(routes, method, path)


def _differences(
    entry: Entry, file: PolicyFile | None, route: Route, path: str | None, expected: Expected, rules: StageRules
) -> Iterator[str]:
    """Yields the difference for a route, or for one path of it."""
    decided = _outcomes(entry, file, route, path, rules)
    other = next((outcome for outcome in decided if not expected.is_met(outcome)), None)
    if other is None:
        return
    what = f"{route.method} {path}" if path else str(route)
    if path is None and "{" in route.path:
        what += f" (for example {other.case.path})"
    expectation = expected.value.format(entry.name, what)
    yield f"{expectation}, but {_actual(entry, file, route, other, expected)}. Correct the table or the policy."


def _actual(entry: Entry, file: PolicyFile | None, route: Route, outcome: Outcome, expected: Expected) -> str:
    if not entry.subject:
        return f"the route accepts {' or '.join(route.scopes)}"
    if file is None:
        return f"{entry.subject} has no policy file"
    if not outcome.because:
        return f"no statement of {file.name} allows it"
    sids = [place(number, s.sid) for number, s in enumerate(file.parsed) if s.sid in outcome.because]
    verb = "allows" if outcome.allowed else "denies"
    when = " at any age of the sign-in" if outcome.allowed and expected is Expected.RECENT else ""
    return f"{file.name} {verb} it{when}: {' and '.join(sids)}"


def _outcomes(
    entry: Entry, file: PolicyFile | None, route: Route, path: str | None, rules: StageRules
) -> Iterator[Outcome]:
    if not entry.subject:
        granted = not entry.scopes.isdisjoint(route.scopes)
        yield Outcome(Case(route.path, entry.scopes), granted, "scope_granted" if granted else "scope_missing")
        return
    policy = as_policy(file) if file else Policy(entry.subject, 0, (), "", "")
    patterns = [pattern for statement in policy.statements for pattern in statement.paths]
    paths = [path] if path else example_paths(route.path, patterns)
    yield from outcomes(policy, route, [Case(found, entry.scopes) for found in paths], rules)
