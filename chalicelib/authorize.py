"""Use case: authorize one request of a token's holder.

The order of the reads gives the guarantee of `docs/architecture.md`. The authorization state is read first. Policies
come from the cache only if they were read under the same generation. Otherwise a second read starts after the read of
the state has ended. Concurrent reads could cache an old policy under a new generation.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from chalicelib.core.claims import ISSUED_AHEAD_SECONDS
from chalicelib.core.decision import LOCKED_DOWN, NO_POLICY, Decision, decide
from chalicelib.core.errors import TokenRejected
from chalicelib.core.policy import Policy
from chalicelib.core.principal import Principal
from chalicelib.core.statement import Statement
from chalicelib.lru_cache import LruCache
from chalicelib.ports import AuthorizationState, PolicyReader, StateReader

# A cached entry expires after this time under any generation. This limits the damage if a writer dies between its two
# writes and the stream fails as well.
CACHE_MAX_AGE_SECONDS = 60.0
CACHE_MAX_ENTRIES = 1024

# Returns each statement of policies as the stage applies it, in the same order, and then the statements of the stage.
Complete = Callable[[Iterable[Statement]], tuple[Statement, ...]]
_PolicyKey = tuple[tuple[str, ...], frozenset[str]]  # the subjects of the policies, and the scopes of the token


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class EffectivePermissions:
    """What a set of policies permits to a token with certain scopes. Compared by identity.

    statements    the statements of all the policies that count for the scopes
    policies      the policies found, as "subject@version"; without a policy every request is denied
    generation    the generation under which the policies were read
    limits        the greatest ages of a sign-in that the statements require, in seconds, without duplicates
    too_old       statements that do not count, because the sign-in is older than they require
    locked_until  the end of a lockdown in seconds since 1970: until then, every request is denied; 0 without a lockdown
    """

    statements: tuple[Statement, ...]
    policies: tuple[str, ...]
    generation: int
    limits: tuple[int, ...] = ()
    too_old: tuple[Statement, ...] = ()
    locked_until: int = 0
    _older: dict[int, "EffectivePermissions"] = field(default_factory=dict, repr=False)

    def decide(self, method: str, path: str) -> Decision:
        if self.locked_until:
            return LOCKED_DOWN
        return decide(self.statements, method, path, self.too_old) if self.policies else NO_POLICY

    def greatest_sign_in_age(self, method: str, path: str) -> int | None:
        """Returns the greatest age of a sign-in, in seconds, at which a request that is allowed stays so. None: any."""
        if not (self.limits or self.too_old):
            return None
        limits = [s.signed_in_within for s in self.statements if s.covers(method, path)]
        return None if None in limits else max(it for it in limits if it is not None)

    def after(self, seconds: float) -> "EffectivePermissions":
        """Returns what remains when the sign-in is this many seconds old: one object for equal statements."""
        passed = sum(limit < seconds for limit in self.limits)
        if not passed:
            return self
        if passed not in self._older:
            too_old = tuple(s for s in self.statements if not s.counts_after(seconds))
            remaining = tuple(s for s in self.statements if s.counts_after(seconds))
            self._older[passed] = replace(self, statements=remaining, limits=(), too_old=too_old, _older={})
        return self._older[passed]


def merge(
    policies: Iterable[Policy], scopes: frozenset[str], generation: int, complete: Complete = tuple
) -> EffectivePermissions:
    """Returns what the policies permit together to a token with these scopes.

    complete  returns the statements in force, for the statements of policies
    """
    found = tuple(policies)
    counting = [s for policy in found for s in policy.statements if s.counts_for(scopes)]
    return EffectivePermissions(
        statements=complete(dict.fromkeys(counting)),  # groups overlap; each decision iterates over all statements
        policies=tuple(f"{policy.subject}@{policy.version}" for policy in found),
        generation=generation,
        limits=tuple({s.signed_in_within for s in counting if s.signed_in_within is not None}),
    )


class Authenticated(NamedTuple):
    """The principal of a token that was not revoked, and the state under which the request is decided.

    locked_until  the end of the stage's lockdown in seconds since 1970; 0 if there is none now
    """

    principal: Principal
    generation: int
    locked_until: int


class Authorization(NamedTuple):
    """The result for one request: who calls, what the caller may do, and the decision."""

    principal: Principal
    permissions: EffectivePermissions
    decision: Decision


class Authorize:
    """Authorizes requests.

    verify         token → principal; raises TokenRejected or CannotDecide
    max_staleness  the seconds for which a state reading is reused; 0 reads the state for every request
    complete       returns the statements in force, for the statements of a caller's policies
    now            returns seconds since 1970: a monotonic clock may stop while a Lambda is frozen
    reused_for     the seconds for which API Gateway reuses a result. A statement that requires a recent sign-in counts
                   only if it still counts after this time
    """

    def __init__(
        self,
        verify: Callable[[str], Principal],
        state: StateReader,
        policies: PolicyReader,
        max_staleness: float = 0.0,
        now: Callable[[], float] = time.time,
        reused_for: float = 0.0,
        complete: Complete = tuple,
    ) -> None:
        self._verify = verify
        self._state = state
        self._policies = policies
        self._max_staleness = max_staleness
        self._reused_for = reused_for
        self._now = now
        self._complete = complete
        self._readings: LruCache[tuple[str, str, str], tuple[float, AuthorizationState]] = LruCache(CACHE_MAX_ENTRIES)
        self._permissions: LruCache[_PolicyKey, tuple[float, EffectivePermissions]] = LruCache(CACHE_MAX_ENTRIES)

    def __call__(self, token: str, method: str, path: str) -> Authorization:
        """Raises TokenRejected (401) or CannotDecide (500)."""
        principal, generation, locked_until = self.authenticate(token)
        if locked_until:
            permissions = EffectivePermissions((), (), generation, locked_until=locked_until)
        else:
            age = self._now() + self._reused_for - principal.signed_in_at
            permissions = self._permissions_of(principal, generation).after(age)
        return Authorization(principal, permissions, permissions.decide(method, path))

    def authenticate(self, token: str) -> Authenticated:
        """Raises as a call does. Refuses revoked tokens even during a lockdown."""
        principal = self._verify(token)
        reading = self._read_state(principal)
        if reading.session_revoked or (reading.revoked_before >= 0 and self._is_revoked(principal, reading)):
            raise TokenRejected("revoked", "the token was revoked")
        # A reading can be older than its end: it can be reused, and the end is compared with the time of the request.
        is_locked = reading.locked_until and reading.locked_until > self._now()
        return Authenticated(principal, reading.generation, reading.locked_until if is_locked else 0)

    def _is_revoked(self, principal: Principal, reading: AuthorizationState) -> bool:
        """Compares the time of the token, by Cognito's clock, with the time of the revocation, by a Lambda's clock.

        If the token's time is ahead of our clock, the token can be older than it says. It is refused if it can be as
        old as the revocation, that is, for revocations of the last ISSUED_AHEAD_SECONDS.
        """
        if principal.issued_at > self._now():
            return principal.issued_at - ISSUED_AHEAD_SECONDS <= reading.revoked_before
        return principal.issued_at <= reading.revoked_before

    def _read_state(self, principal: Principal) -> AuthorizationState:
        if not self._max_staleness:
            return self._state.read(principal)
        key = (principal.subject, principal.session, principal.client_id)
        started = self._now()
        cached = self._readings.get(key)
        if cached is not None and 0 <= started - cached[0] < self._max_staleness:
            return cached[1]
        reading = self._state.read(principal)
        self._readings.put(key, (started, reading))
        return reading

    def _permissions_of(self, principal: Principal, generation: int) -> EffectivePermissions:
        key = (principal.policy_subjects, principal.scopes)
        started = self._now()
        cached = self._permissions.get(key)
        if cached is not None:
            read_at, permissions = cached
            if permissions.generation == generation and 0 <= started - read_at < CACHE_MAX_AGE_SECONDS:
                return permissions
        read = self._policies.read(principal.policy_subjects)
        found = (read[subject] for subject in principal.policy_subjects if subject in read)
        permissions = merge(found, principal.scopes, generation, self._complete)
        self._permissions.put(key, (started, permissions))
        return permissions
