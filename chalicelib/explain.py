"""Use case: explain the decision on one request: what decides, by which statements, and what would reverse it.

The decision comes from `authorize.merge` and `EffectivePermissions.decide`, as it does in the authorizer. The rules of
the stage are those of the authorizer.
"""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from chalicelib.authorize import Authenticated, merge
from chalicelib.core.decision import LOCKED_DOWN, Decision
from chalicelib.core.errors import InvalidInput, NotFound, TokenRejected
from chalicelib.core.policy import CorruptPolicy, Policy, StoredPolicy
from chalicelib.core.principal import Principal
from chalicelib.core.request_path import spellings
from chalicelib.core.route import Authorizer, Route, find_route
from chalicelib.core.statement import Effect
from chalicelib.core.upstream_paths import is_upstream
from chalicelib.matrix import Matrix, build_matrix
from chalicelib.nearest import Change, Request, nearest_change
from chalicelib.ports import GroupReader, PolicyCatalog
from chalicelib.stage_rules import NO_RULES, StageRules

STAGE = "stage"  # the subject of a statement that no stored policy contains


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a request: the subjects whose policies apply, and the scopes of the token.

    sign_in_age  seconds since the sign-in, as the authorizer counts them
    """

    subjects: tuple[str, ...]
    scopes: frozenset[str] = frozenset()
    sign_in_age: float = 0.0


class StatementName(NamedTuple):
    """Names a statement of a stored policy, or one that the stage adds for every caller: its subject is `stage`."""

    subject: str
    sid: str
    version: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decision on a request, and why.

    reason            a reason of `Decision`, a code of `TokenRejected`, or `public`, `scope_granted`, `scope_missing`
                      and `policy_corrupt`
    because           the statements that made the decision
    policies          the policies that apply, as "subject@version"
    nearest           the nearest change that reverses the decision
    route             the route that handles the request; None: no route, so API Gateway returns 404
    signed_in_within  the greatest age of the sign-in, in seconds, at which the request is allowed; None: any age
    """

    allowed: bool
    reason: str
    route: Route | None
    because: tuple[StatementName, ...] = ()
    policies: tuple[str, ...] = ()
    nearest: Change | None = None
    signed_in_within: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Returns the JSON form. It contains nothing of a token."""
        return {
            "allowed": self.allowed,
            "reason": self.reason,
            "because": [name._asdict() for name in self.because],
            "policies": list(self.policies),
            "nearest": asdict(self.nearest) if self.nearest else None,
            "route": self.route.as_dict() if self.route else None,
            "signed_in_within": self.signed_in_within,
        }


def explain(
    method: str,
    path: str,
    caller: Caller,
    stored: Sequence[StoredPolicy],
    routes: Iterable[Route],
    rules: StageRules = NO_RULES,
) -> Explanation:
    """Explains one request on the policies that are stored. Raises InvalidInput for a path that no request has."""
    route = find_route(routes, method, path)
    if route is not None and route.authorizer is not Authorizer.POLICIES:
        return _without_policies(route, caller.scopes)
    by_subject = {policy.subject: policy for policy in stored}
    applying = [by_subject[subject] for subject in caller.subjects if subject in by_subject]
    if any(isinstance(policy, CorruptPolicy) for policy in applying):
        return Explanation(False, "policy_corrupt", route)
    own = [policy for policy in applying if isinstance(policy, Policy)]
    request = Request(method, _spellings(path, route), caller.sign_in_age, rules)
    decision = request.decide(own, caller.scopes)
    return Explanation(
        decision.allowed,
        decision.reason,
        route,
        because=tuple(_deciding(own, caller.scopes, request, decision)),
        policies=merge(own, caller.scopes, generation=0).policies,
        nearest=nearest_change(request, own, caller.scopes, _joinable(caller, stored)),
        signed_in_within=request.greatest_sign_in_age(own, caller.scopes) if decision.allowed else None,
    )


def _without_policies(route: Route, scopes: frozenset[str]) -> Explanation:
    if route.authorizer is Authorizer.NONE:
        return Explanation(True, "public", route)
    granted = not scopes.isdisjoint(route.scopes)
    return Explanation(granted, "scope_granted" if granted else "scope_missing", route)


def _spellings(path: str, route: Route | None) -> tuple[str, ...]:
    """Returns the spellings on which the authorizer and the enforcement decide. The upstream has no enforcement."""
    if route is not None and is_upstream(route.path):
        return (path,)
    if not path.startswith("/"):
        raise InvalidInput("path", "does not begin with a slash")
    try:
        return spellings(path)
    except ValueError as error:
        raise InvalidInput("path", str(error)) from None


def _deciding(
    own: Iterable[Policy], scopes: frozenset[str], request: Request, decision: Decision
) -> Iterable[StatementName]:
    """Names the statements to which `Decision.because` refers. The same sid can be in several policies."""
    effect = Effect.DENY if decision.reason == "denied_by" else Effect.ALLOW
    in_time = decision.reason != "sign_in_too_old"
    for policy in own:
        for statement in policy.statements:
            counts = (
                statement.effect is effect
                and statement.counts_for(scopes)
                and statement.counts_after(request.sign_in_age) is in_time
            )
            if counts and statement.sid in decision.because and request.is_covered_by(statement):
                yield StatementName(policy.subject, statement.sid, policy.version)
    for guard in request.rules.guards:
        covers = any(guard.covers(request.method, path) for path in request.paths)
        if guard.effect is effect and guard.sid in decision.because and covers:
            yield StatementName(STAGE, guard.sid, 0)


def _joinable(caller: Caller, stored: Iterable[StoredPolicy]) -> list[Policy]:
    """Returns the policies of the groups that a person can join. A machine has no groups."""
    if any(subject.startswith("client:") for subject in caller.subjects):
        return []
    return [
        policy
        for policy in stored
        if isinstance(policy, Policy) and policy.subject.startswith("group:") and policy.subject not in caller.subjects
    ]


@dataclass(frozen=True, slots=True)
class Explain:
    """Explains requests on the stored policies.

    policies      the policies of a stage
    groups        the groups of users
    verify        token → principal, as the authorizer does
    authenticate  token → caller, as the authorizer does; also refuses revoked tokens, and knows a lockdown
    now           returns seconds since 1970
    rules         of the stage
    """

    policies: PolicyCatalog
    groups: GroupReader
    verify: Callable[[str], Principal]
    authenticate: Callable[[str], Authenticated]
    now: Callable[[], float] = time.time
    rules: StageRules = NO_RULES

    def for_subjects(
        self, method: str, path: str, subjects: Iterable[str], scopes: Iterable[str], routes: Sequence[Route]
    ) -> Explanation:
        """Explains a request of a token with these policy subjects and scopes, right after the sign-in.

        Raises:  InvalidInput, InternalError
        """
        caller = Caller(tuple(dict.fromkeys(subjects)), frozenset(scopes), self.rules.reused_for)
        return explain(method, path, caller, self.policies.list_stored(), routes, self.rules)

    def for_user(
        self, method: str, path: str, username: str, scopes: Iterable[str], routes: Sequence[Route]
    ) -> Explanation:
        """Explains a request of a user with the groups that the user pool has now. Raises NotFound as well."""
        subjects = [f"group:{name}" for name in self.groups.groups_of(username)]
        return self.for_subjects(method, path, subjects, scopes, routes)

    def for_token(self, method: str, path: str, token: str, routes: Sequence[Route]) -> Explanation:
        """Explains a request with this token. A token that is not accepted is an explanation too.

        Raises:  InvalidInput; CannotDecide when the token could not be verified
        """
        route = find_route(routes, method, path)
        try:
            # A route of use case 1 does not know revocations.
            by_scopes = route is not None and route.authorizer is Authorizer.SCOPES
            if by_scopes:
                principal, locked_until = self.verify(token), 0
            else:
                principal, _, locked_until = self.authenticate(token)
        except TokenRejected as rejected:
            if route is not None and route.authorizer is Authorizer.NONE:
                return Explanation(True, "public", route)
            return Explanation(False, rejected.code, route)
        if locked_until and route is not None and route.authorizer is Authorizer.POLICIES:
            return Explanation(False, LOCKED_DOWN.reason, route)
        age = self.now() + self.rules.reused_for - principal.signed_in_at
        caller = Caller(principal.policy_subjects, principal.scopes, age)
        return explain(method, path, caller, self.policies.list_stored(), routes, self.rules)

    def matrix(self, routes: Sequence[Route], subjects: Collection[str] = (), path: str = "") -> Matrix:
        """Returns the matrix of these routes.

        subjects  only the policies of these subjects; empty: all
        path      only the routes whose path begins with it
        Raises:   NotFound for a subject without a policy, InvalidInput for a path without a route, MatrixTooLarge;
                  InternalError
        """
        chosen = [route for route in routes if route.path.startswith(path)]
        if not chosen and path:
            raise InvalidInput("path", "no route begins with it")
        stored = [policy for policy in self.policies.list_stored() if not subjects or policy.subject in subjects]
        for subject in set(subjects) - {policy.subject for policy in stored}:
            raise NotFound(f"a policy for {subject}")
        return build_matrix(stored, chosen, self.rules)
