"""Use case: a token in, what its principal may do out.

The order of the reads is the guarantee of `docs/architecture.md`: the guard first, and only then policies, from memory
if they were read under the same generation, otherwise by a read that begins after the guard's has ended. Reading both
at once would let an old policy be remembered under a new generation.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from chalicelib.core.errors import TokenRejected
from chalicelib.core.policy import Policy, Statement
from chalicelib.core.principal import Principal
from chalicelib.memory import Memory
from chalicelib.ports import Guard, GuardReading, PolicyReader

# No memory outlives this, whatever the generation says: the last healer, should a writer die between its two writes
# and the stream fail as well.
MEMORY_MAX_AGE_SECONDS = 60.0
MEMORY_MAX_ENTRIES = 1024


@dataclass(frozen=True, slots=True)
class Grant:
    """What a principal may do, whatever it asked for.

    statements  those of all its policies that count for its scopes
    policies    which policies there were, as "subject@version"; none at all is a denial
    generation  the state of the policies that the grant was made from
    """

    principal: Principal
    statements: tuple[Statement, ...]
    policies: tuple[str, ...]
    generation: int


class Authorize:
    """Decides what the holder of a token may do.

    verify         token → principal; raises TokenRejected or CannotDecide
    max_staleness  seconds for which a guard reading is used again; 0 reads it for every request
    now            seconds of a clock that never goes back
    """

    def __init__(
        self,
        verify: Callable[[str], Principal],
        guard: Guard,
        policies: PolicyReader,
        max_staleness: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._verify = verify
        self._guard = guard
        self._policies = policies
        self._max_staleness = max_staleness
        self._now = now
        self._readings: Memory[tuple[str, str, str], tuple[float, GuardReading]] = Memory(MEMORY_MAX_ENTRIES)
        self._remembered: Memory[str, _Remembered] = Memory(MEMORY_MAX_ENTRIES)

    def __call__(self, token: str) -> Grant:
        """Raises TokenRejected (401) or CannotDecide (500)."""
        principal = self._verify(token)
        reading = self._read_guard(principal)
        if reading.session_revoked or principal.issued_at <= reading.revoked_before:
            raise TokenRejected("revoked", "the token was revoked")
        found = self._read_policies(principal.policy_subjects, reading.generation)
        return Grant(
            principal=principal,
            statements=tuple(s for policy in found for s in policy.statements if s.counts_for(principal.scopes)),
            policies=tuple(f"{policy.subject}@{policy.version}" for policy in found),
            generation=reading.generation,
        )

    def _read_guard(self, principal: Principal) -> GuardReading:
        if not self._max_staleness:
            return self._guard.read(principal)
        who = (principal.subject, principal.session, principal.client_id)
        started = self._now()
        remembered = self._readings.get(who)
        if remembered is not None and started - remembered[0] < self._max_staleness:
            return remembered[1]
        reading = self._guard.read(principal)
        self._readings.put(who, (started, reading))
        return reading

    def _read_policies(self, subjects: tuple[str, ...], generation: int) -> list[Policy]:
        started = self._now()
        found: dict[str, Policy | None] = {}
        for subject in subjects:
            remembered = self._remembered.get(subject)
            if remembered is not None and remembered.is_valid(generation, started):
                found[subject] = remembered.policy
        missing = [subject for subject in subjects if subject not in found]
        if missing:
            read = self._policies.read(missing)
            for subject in missing:
                found[subject] = read.get(subject)
                self._remembered.put(subject, _Remembered(generation, started, found[subject]))
        return [policy for subject in subjects if (policy := found[subject]) is not None]


class _Remembered(NamedTuple):
    """A policy, or that there is none, as it was read under a generation."""

    generation: int
    read_at: float
    policy: Policy | None

    def is_valid(self, generation: int, now: float) -> bool:
        return self.generation == generation and now - self.read_at < MEMORY_MAX_AGE_SECONDS
