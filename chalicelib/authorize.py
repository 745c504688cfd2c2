"""Use case: a token in, what its principal may do out.

The order of the reads is the guarantee of `docs/architecture.md`: the state first, and only then policies, from cache
if they were read under the same generation, otherwise by a read that begins after the state's has ended. Reading both
at once would let an old policy be remembered under a new generation.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from chalicelib.core.claims import ISSUED_AHEAD_SECONDS
from chalicelib.core.errors import TokenRejected
from chalicelib.core.policy import Statement
from chalicelib.core.principal import Principal
from chalicelib.lru_cache import LruCache
from chalicelib.ports import AuthorizationState, PolicyReader, StateReader

# No cache outlives this, whatever the generation says: the last healer, should a writer die between its two writes
# and the stream fail as well.
CACHE_MAX_AGE_SECONDS = 60.0
CACHE_MAX_ENTRIES = 1024


@dataclass(frozen=True, slots=True, eq=False)
class EffectivePermissions:
    """What a set of policies gives to who carries certain scopes.

    statements  those of all the policies that count for the scopes
    policies    which policies there were, as "subject@version"; none at all is a denial
    generation  the state of the policies under which they were read
    forms       what the guards derive from the permissions, by name: kept for as long as the permissions hold
    """

    statements: tuple[Statement, ...]
    policies: tuple[str, ...]
    generation: int
    forms: dict[str, Any] = field(default_factory=dict)


class Authorization(NamedTuple):
    """What a principal may do, whatever it asked for."""

    principal: Principal
    permissions: EffectivePermissions

    @property
    def generation(self) -> int:
        return self.permissions.generation

    @property
    def statements(self) -> tuple[Statement, ...]:
        return self.permissions.statements

    @property
    def policies(self) -> tuple[str, ...]:
        return self.permissions.policies


class Authorize:
    """Decides what the holder of a token may do.

    verify         token → principal; raises TokenRejected or CannotDecide
    max_staleness  seconds for which a state reading is used again; 0 reads it for every request
    now            seconds since 1970: a monotonic clock may stand still while a Lambda is frozen
    """

    def __init__(
        self,
        verify: Callable[[str], Principal],
        state: StateReader,
        policies: PolicyReader,
        max_staleness: float = 0.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._verify = verify
        self._state = state
        self._policies = policies
        self._max_staleness = max_staleness
        self._now = now
        self._readings: LruCache[tuple[str, str, str], tuple[float, AuthorizationState]] = LruCache(CACHE_MAX_ENTRIES)
        self._remembered: LruCache[_Holder, tuple[float, EffectivePermissions]] = LruCache(CACHE_MAX_ENTRIES)

    def __call__(self, token: str) -> Authorization:
        """Raises TokenRejected (401) or CannotDecide (500)."""
        principal = self._verify(token)
        reading = self._read_state(principal)
        if reading.session_revoked or (reading.revoked_before >= 0 and self._is_revoked(principal, reading)):
            raise TokenRejected("revoked", "the token was revoked")
        return Authorization(principal, self._permissions_for(principal, reading.generation))

    def _is_revoked(self, principal: Principal, reading: AuthorizationState) -> bool:
        """Compare Cognito's clock, which dated the token, with that of the Lambda which wrote the revocation.

        A token from ahead of our own clock is no newer than now, whatever it says: it may be older than a revocation
        of the last ISSUED_AHEAD_SECONDS, and is refused.
        """
        if principal.issued_at > self._now():
            return principal.issued_at - ISSUED_AHEAD_SECONDS <= reading.revoked_before
        return principal.issued_at <= reading.revoked_before

    def _read_state(self, principal: Principal) -> AuthorizationState:
        if not self._max_staleness:
            return self._state.read(principal)
        who = (principal.subject, principal.session, principal.client_id)
        started = self._now()
        remembered = self._readings.get(who)
        if remembered is not None and 0 <= started - remembered[0] < self._max_staleness:
            return remembered[1]
        reading = self._state.read(principal)
        self._readings.put(who, (started, reading))
        return reading

    def _permissions_for(self, principal: Principal, generation: int) -> EffectivePermissions:
        holder = (principal.policy_subjects, principal.scopes)
        started = self._now()
        remembered = self._remembered.get(holder)
        if remembered is not None:
            read_at, permissions = remembered
            if permissions.generation == generation and 0 <= started - read_at < CACHE_MAX_AGE_SECONDS:
                return permissions
        read = self._policies.read(principal.policy_subjects)
        found = [read[subject] for subject in principal.policy_subjects if subject in read]
        counting = [s for policy in found for s in policy.statements if s.counts_for(principal.scopes)]
        permissions = EffectivePermissions(
            statements=tuple(dict.fromkeys(counting)),  # groups overlap, and each decision looks at all of them
            policies=tuple(f"{policy.subject}@{policy.version}" for policy in found),
            generation=generation,
        )
        self._remembered.put(holder, (started, permissions))
        return permissions


_Holder = tuple[tuple[str, ...], frozenset[str]]  # whose policies, and the scopes carried
