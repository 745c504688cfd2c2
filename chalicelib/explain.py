"""Use case: explain the decision on one request: what decides, by which statements, and what would reverse it.

The decision comes from `authorize.merge` and `EffectivePermissions.decide`, as it does in the authorizer.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from chalicelib.authorize import Authenticated, merge
from chalicelib.core.decision import LOCKED_DOWN, Decision
from chalicelib.core.errors import InvalidInput, TokenRejected
from chalicelib.core.policy import CorruptPolicy, Policy, StoredPolicy
from chalicelib.core.principal import Principal
from chalicelib.core.request_path import spellings
from chalicelib.core.route import Authorizer, Route, find_route
from chalicelib.core.statement import Effect
from chalicelib.matrix import Matrix, build_matrix
from chalicelib.nearest import Change, Request, nearest_change
from chalicelib.ports import GroupReader, PolicyCatalog


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a request: the subjects whose policies apply, and the scopes of the token.

    sign_in_age  seconds since the sign-in, as the authorizer counts them
    newest       this age right after a sign-in
    """

    subjects: tuple[str, ...]
    scopes: frozenset[str] = frozenset()
    sign_in_age: float = 0.0
    newest: float = 0.0


class StatementName(NamedTuple):
    """Names a statement of a stored policy."""

    subject: str
    sid: str
    version: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decision on a request, and why.

    reason    a reason of `Decision`, a code of `TokenRejected`, or `public`, `scope_granted`, `scope_missing` and
              `policy_corrupt`
    because   the statements that made the decision
    policies  the policies that apply, as "subject@version"
    nearest   the nearest change that reverses the decision
    route     the route that handles the request; None: no route, so API Gateway returns 404
    """

    allowed: bool
    reason: str
    route: Route | None
    because: tuple[StatementName, ...] = ()
    policies: tuple[str, ...] = ()
    nearest: Change | None = None

    def as_dict(self) -> dict[str, Any]:
        """Returns the JSON form. It contains nothing of a token."""
        return {
            "allowed": self.allowed,
            "reason": self.reason,
            "because": [name._asdict() for name in self.because],
            "policies": list(self.policies),
            "nearest": asdict(self.nearest) if self.nearest else None,
            "route": self.route.as_dict() if self.route else None,
        }


def explain(
    method: str, path: str, caller: Caller, stored: Sequence[StoredPolicy], routes: Iterable[Route]
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
    request = Request(method, _spellings(path), caller.sign_in_age, caller.newest)
    decision = request.decide(own, caller.scopes)
    return Explanation(
        decision.allowed,
        decision.reason,
        route,
        because=tuple(_deciding(own, caller.scopes, request, decision)),
        policies=merge(own, caller.scopes, generation=0).policies,
        nearest=nearest_change(request, own, caller.scopes, _joinable(caller, stored)),
    )


def _without_policies(route: Route, scopes: frozenset[str]) -> Explanation:
    if route.authorizer is Authorizer.NONE:
        return Explanation(True, "public", route)
    granted = not scopes.isdisjoint(route.scopes)
    return Explanation(granted, "scope_granted" if granted else "scope_missing", route)


def _spellings(path: str) -> tuple[str, ...]:
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
    reused_for    the seconds for which API Gateway reuses a result, as in `Authorize`
    """

    policies: PolicyCatalog
    groups: GroupReader
    verify: Callable[[str], Principal]
    authenticate: Callable[[str], Authenticated]
    now: Callable[[], float] = time.time
    reused_for: float = 0.0

    def for_subjects(
        self, method: str, path: str, subjects: Iterable[str], scopes: Iterable[str], routes: Sequence[Route]
    ) -> Explanation:
        """Explains a request of a token with these policy subjects and scopes, right after the sign-in.

        Raises:  InvalidInput, InternalError
        """
        caller = Caller(tuple(dict.fromkeys(subjects)), frozenset(scopes), self.reused_for, self.reused_for)
        return explain(method, path, caller, self.policies.list_stored(), routes)

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
        age = self.now() + self.reused_for - principal.signed_in_at
        caller = Caller(principal.policy_subjects, principal.scopes, age, self.reused_for)
        return explain(method, path, caller, self.policies.list_stored(), routes)

    def matrix(self, routes: Sequence[Route]) -> Matrix:
        """Raises InternalError."""
        return build_matrix(self.policies.list_stored(), routes)
