"""Use case: find the nearest change of one statement or one caller that reverses a decision. Pure.

Each candidate is applied to a copy of the policies and decided again, so the change that is returned has this effect.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import takewhile

from chalicelib.authorize import EffectivePermissions, merge
from chalicelib.core import path_pattern
from chalicelib.core.decision import Decision
from chalicelib.core.policy import Policy
from chalicelib.core.statement import Effect, Statement
from chalicelib.stage_rules import NO_RULES, StageRules

_MAX_CANDIDATES = 200  # each one is a decision on all policies of the caller
_MOST_STEPS = 10_000_000  # of `path_pattern.matches`, in the decisions on all candidates: about a second


class Kind(StrEnum):
    """What has to change."""

    SCOPE = "scope"
    EXTEND = "extend"
    REMOVE = "remove"
    JOIN = "join"
    SIGN_IN = "sign_in"


@dataclass(frozen=True, slots=True)
class Change:
    """The change of a statement, or of the caller, that reverses a decision.

    kind   scope: the token needs the scope `value`. extend: the statement must also cover `value`, a method or a path
           or both. remove: the statement must be removed or narrowed. join: the caller must be in the group as well.
           sign_in: the caller must sign in again
    """

    subject: str
    sid: str
    version: int
    kind: Kind
    value: str = ""

    def __str__(self) -> str:
        statement = f'the statement "{self.sid}" of {self.subject}'
        return {
            Kind.SCOPE: f"Use a token with the scope {self.value}: then {statement} counts.",
            Kind.EXTEND: f"Add {self.value} to {statement}.",
            Kind.REMOVE: f"Remove or narrow {statement}.",
            Kind.JOIN: f"Add the caller to {self.subject}: then {statement} counts.",
            Kind.SIGN_IN: f"Sign in again: then {statement} counts.",
        }[self.kind]


@dataclass(frozen=True, slots=True)
class Request:
    """A request and all spellings of its path. A request is allowed if every spelling is allowed.

    sign_in_age  seconds since the sign-in of the caller, as the authorizer counts them
    rules        of the stage. The smallest age of a sign-in is the time for which API Gateway reuses a result
    """

    method: str
    paths: tuple[str, ...]
    sign_in_age: float = 0.0
    rules: StageRules = NO_RULES

    def decide(self, policies: Iterable[Policy], scopes: frozenset[str]) -> Decision:
        """Decides as the authorizer and the enforcement do. Returns the decision on the first spelling that is denied.

        scopes  of the token
        """
        permissions = self._permissions(policies, scopes)
        decisions = [permissions.decide(self.method, path) for path in self.paths]
        return next((decision for decision in decisions if not decision.allowed), decisions[0])

    def greatest_sign_in_age(self, policies: Iterable[Policy], scopes: frozenset[str]) -> int | None:
        """Returns the greatest age of the sign-in at which a request that is allowed stays so. None: any age."""
        permissions = self._permissions(policies, scopes)
        limits = [
            limit for path in self.paths if (limit := permissions.greatest_sign_in_age(self.method, path)) is not None
        ]
        return int(min(limits) - self.rules.reused_for) if limits else None

    def _permissions(self, policies: Iterable[Policy], scopes: frozenset[str]) -> EffectivePermissions:
        return merge(policies, scopes, 0, self.rules.complete).after(self.sign_in_age)

    def is_covered_by(self, statement: Statement) -> bool:
        """Returns whether a statement of a policy, as the stage applies it, covers a spelling of the path."""
        (applied,) = self.rules.applied([statement])
        return any(applied.covers(self.method, path) for path in self.paths)


@dataclass(frozen=True, slots=True)
class _Candidate:
    distance: float
    change: Change
    policies: Sequence[Policy]
    scopes: frozenset[str]
    request: Request


def nearest_change(
    request: Request, own: Sequence[Policy], scopes: frozenset[str], others: Iterable[Policy]
) -> Change | None:
    """Returns the nearest change that reverses the decision, or None if no single change does.

    With a long path and many patterns, only the first candidates are tried.

    own     the policies of the caller
    scopes  of the token
    others  the policies of the groups that the caller could join
    """
    allowed = request.decide(own, scopes).allowed
    candidates = [
        *_changes_of_own(request, own, scopes, Effect.DENY if allowed else Effect.ALLOW),
        *_other_groups(request, own, scopes, others),
    ]
    most = min(_MAX_CANDIDATES, _MOST_STEPS // _steps(request, own))
    for candidate in sorted(candidates, key=lambda candidate: candidate.distance)[:most]:
        if candidate.request.decide(candidate.policies, candidate.scopes).allowed != allowed:
            return candidate.change
    return None


def _steps(request: Request, own: Iterable[Policy]) -> int:
    """Returns an upper bound of the steps of one decision. A literal path and a literal prefix take about one step."""
    patterns = (pattern for policy in own for statement in policy.statements for pattern in statement.paths)
    searched = sum(len(pattern) for pattern in patterns if "?" in pattern or "*" in pattern[:-1])
    return 1 + searched * sum(map(len, request.paths))


def _changes_of_own(
    request: Request, own: Sequence[Policy], scopes: frozenset[str], wanted: Effect
) -> Iterator[_Candidate]:
    for policy in own:
        for statement in policy.statements:
            place = policy.subject, statement.sid, policy.version
            if statement.effect is not wanted:
                if request.is_covered_by(statement):
                    changed = _with(own, policy, statement, None)
                    yield _Candidate(0, Change(*place, Kind.REMOVE), changed, scopes, request)
            elif not statement.counts_for(scopes):
                for scope in statement.scopes:
                    yield _Candidate(1, Change(*place, Kind.SCOPE, scope), own, scopes | {scope}, request)
            elif not statement.counts_after(request.sign_in_age):
                recent = replace(request, sign_in_age=request.rules.reused_for)
                yield _Candidate(0, Change(*place, Kind.SIGN_IN), own, scopes, recent)
            elif not request.is_covered_by(statement):
                distance, extended, value = _extended(request, statement)
                changed = _with(own, policy, statement, extended)
                yield _Candidate(distance, Change(*place, Kind.EXTEND, value), changed, scopes, request)


def _extended(request: Request, statement: Statement) -> tuple[int, Statement, str]:
    """Returns the distance of a statement, the statement that also covers the request, and what was added to it."""
    path, every_method = request.paths[0], replace(statement, methods=(request.method,))
    if request.is_covered_by(every_method):
        return 2, replace(statement, methods=(*statement.methods, request.method)), request.method
    shared = _closest(statement, path)
    longer = replace(statement, paths=(*statement.paths, *(p for p in request.paths if _can_be_pattern(p))))
    distance = 1000 - min(shared, 500)
    if request.method in statement.methods:
        return distance, longer, path
    return 1000 + distance, replace(longer, methods=(*statement.methods, request.method)), f"{request.method} {path}"


def _closest(statement: Statement, path: str) -> int:
    """Returns how many characters a path shares with the beginning of the closest pattern."""

    def shared(pattern: str) -> int:
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(pattern, path, strict=False)))

    return max(map(shared, statement.paths))


def _can_be_pattern(path: str) -> bool:
    try:
        path_pattern.check(path)
    except ValueError:
        return False
    return True


def _other_groups(
    request: Request, own: Sequence[Policy], scopes: frozenset[str], others: Iterable[Policy]
) -> Iterator[_Candidate]:
    for policy in others:
        counting = (s for s in policy.statements if s.counts_for(scopes) and s.counts_after(request.sign_in_age))
        decisive = next(filter(request.is_covered_by, counting), None)
        if decisive is not None:
            place = policy.subject, decisive.sid, policy.version
            # The group with the most specific pattern permits the fewest other requests.
            distance = 3 + 1 / (1 + _closest(decisive, request.paths[0]))
            yield _Candidate(distance, Change(*place, Kind.JOIN), (*own, policy), scopes, request)


def _with(own: Sequence[Policy], policy: Policy, old: Statement, new: Statement | None) -> list[Policy]:
    statements = tuple(new if s is old else s for s in policy.statements if new or s is not old)
    changed = replace(policy, statements=tuple(s for s in statements if s is not None))
    return [changed if p is policy else p for p in own]
