"""Finds the routes that a subject gains or loses when its policy changes. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from chalicelib.core.policy import Policy
from chalicelib.core.route import Authorizer, Route
from chalicelib.core.route_paths import TooManyPatterns
from chalicelib.matrix import Outcome, cases, outcomes
from chalicelib.stage_rules import NO_RULES, StageRules


@dataclass(frozen=True)
class Reach:
    """One route that a subject gains or loses.

    example  a path, if the change concerns only some paths of the route
    scopes   the change concerns only tokens with one of these scopes
    without  the change concerns only tokens without these scopes
    after    the change concerns only sign-ins that are older than this, in seconds
    """

    subject: str
    gains: bool
    route: Route
    example: str = ""
    scopes: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    after: int = 0

    def __str__(self) -> str:
        kind, _, name = self.subject.partition(":")
        verb = "gain" if self.gains else "lose"
        who = f"{name} {verb}" if kind == "group" else f"{self.subject} {verb}s"
        where = f", for example {self.route.method} {self.example}" if self.example else ""
        token = f", for a token with {' or '.join(self.scopes)}" if self.scopes else ""
        token += f", for a token without {' and '.join(self.without)}" if self.without else ""
        age = f", for a sign-in older than {self.after} s" if self.after else ""
        return f"{who} {self.route}{where}{token}{age}"


def reach(before: Policy, after: Policy, routes: Sequence[Route], rules: StageRules = NO_RULES) -> list[Reach]:
    """Returns every route that the subject gains or loses, in whole or in part. Raises TooManyPatterns."""
    decided = [route for route in routes if route.authorizer is Authorizer.POLICIES]
    limits = {it.signed_in_within for policy in (before, after) for it in policy.statements if it.signed_in_within}
    found: dict[Reach, int] = {}  # what an older sign-in gains or loses as well is named once
    for age in (0, *sorted(limits)):
        old, new = _counting(before, age), _counting(after, age)
        for route in decided:
            for change in _of_route(old, new, route, rules):
                found.setdefault(change, age)
    return [replace(change, after=int(max(0, age - rules.reused_for))) for change, age in found.items()]


def described(before: Policy, after: Policy, routes: Sequence[Route], rules: StageRules = NO_RULES) -> list[str]:
    """Returns one line for each route that the subject gains or loses."""
    try:
        return [str(found) for found in reach(before, after, routes, rules)]
    except TooManyPatterns:
        return ["its statements overlap in too many ways to name the routes"]


def _counting(policy: Policy, age: int) -> Policy:
    """Returns the policy with the statements that count for a sign-in older than `age` seconds; 0: for every one."""
    counting = (it for it in policy.statements if not age or it.counts_after(age + 1))
    return replace(policy, statements=tuple(counting))


def _of_route(before: Policy, after: Policy, route: Route, rules: StageRules) -> Iterator[Reach]:
    asked = cases(route, rules.applied((*before.statements, *after.statements)))
    pairs = list(zip(outcomes(before, route, asked, rules), outcomes(after, route, asked, rules), strict=True))
    for gains in (True, False):
        changed = [new for old, new in pairs if new.allowed is gains and old.allowed is not gains]
        if changed:
            whole = all(new.allowed is gains for _, new in pairs)
            yield Reach(after.subject, gains, route) if whole else _part(after.subject, gains, route, pairs, changed)


def _part(
    subject: str, gains: bool, route: Route, pairs: Sequence[tuple[Outcome, Outcome]], changed: Sequence[Outcome]
) -> Reach:
    usual, first = pairs[0][1].case, changed[0].case
    tokens = {outcome.case.scopes for outcome in changed}
    others = {new.case.scopes for _, new in pairs} - tokens
    scopes = () if frozenset() in tokens else tuple(sorted(scope for token in tokens for scope in token))
    without = tuple(sorted(scope for token in others for scope in token)) if frozenset() in tokens else ()
    paths = {new.case.path for _, new in pairs}
    some = first.path != usual.path or {outcome.case.path for outcome in changed} != paths
    return Reach(subject, gains, route, first.path if some and "{" in route.path else "", scopes, without)
