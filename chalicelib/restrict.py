"""Use case: restrict a stage in an emergency. A freeze refuses policy changes, a lockdown denies every request."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chalicelib.audit import Audit
from chalicelib.core.audit import without_addresses
from chalicelib.core.errors import Conflict, InternalError, InvalidInput
from chalicelib.ports import Restriction, RestrictionKind, Restrictions

SHORTEST_SECONDS, LONGEST_SECONDS = 60, 7 * 86_400
LONGEST_REASON = 256


@dataclass(frozen=True, slots=True)
class Restrict:
    """Restricts a stage, and lifts restrictions.

    audit  records each change before it is written
    stage  the name of the stage, for the audit log
    warn   receives a message if a lockdown could not be recorded
    now    returns seconds since 1970
    """

    restrictions: Restrictions
    audit: Audit
    stage: str
    warn: Callable[[str], object]
    now: Callable[[], float] = time.time

    def restrict(self, kind: RestrictionKind, seconds: int, reason: str, author: str) -> Restriction:
        """Restricts the stage from now on. A restriction replaces an earlier one of the same kind.

        A lockdown is effective for every request that starts after this method has returned. A lockdown
        also happens if it cannot be recorded. A freeze does not.

        Raises:  InvalidInput; InternalError when the restriction may be effective in some copies only: restrict again
        """
        if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
            raise InvalidInput("for", f"expected {SHORTEST_SECONDS} seconds to {LONGEST_SECONDS // 86_400} days")
        return self._put(Restriction(kind, int(self.now()) + seconds, _checked(reason), author))

    def lift(self, kind: RestrictionKind, reason: str, author: str) -> Restriction:
        """Lifts a restriction. Changes nothing if there is no restriction. Raises as `restrict` does."""
        return self._put(Restriction(kind, 0, _checked(reason), author))

    def active(self) -> Mapping[RestrictionKind, Restriction]:
        """Returns the restrictions that have not ended. Raises InternalError."""
        return active_restrictions(self.restrictions, self.now)

    def _put(self, restriction: Restriction) -> Restriction:
        action = f"stage.{'' if restriction.until else 'lift_'}{restriction.kind}"
        detail = {"reason": without_addresses(restriction.reason)}
        if restriction.until:
            detail["until"] = moment(restriction.until)
        # An audit table that fails must not keep a stage open in an emergency.
        unrecorded = self._warn if action == "stage.lockdown" else None
        with self.audit.recorded(action, f"stage:{self.stage}", restriction.author, detail, unrecorded):
            self.restrictions.put(restriction)
        return restriction

    def _warn(self, failure: InternalError) -> None:
        self.warn(
            f"Warning: the lockdown is not in the audit log ({failure.code}: {failure.message}). Write down who locked"
            " the stage down, when, and why."
        )


@dataclass(frozen=True, slots=True)
class RefuseFrozen:
    """Refuses changes of policies during a freeze.

    now  returns seconds since 1970
    """

    restrictions: Restrictions
    now: Callable[[], float] = time.time

    def __call__(self) -> None:
        """Raises Conflict while policy changes are frozen, and InternalError."""
        frozen = active_restrictions(self.restrictions, self.now).get("freeze")
        if frozen:
            raise Conflict(
                "policies_frozen",
                f"policy changes are refused until {moment(frozen.until)}: {frozen.reason}. To change policies"
                " earlier, an operator lifts the freeze with `manage.py freeze --lift`.",
            )


def moment(seconds: int) -> str:
    """Returns a time as text, in UTC. `seconds` since 1970."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def active_restrictions(
    restrictions: Restrictions, now: Callable[[], float] = time.time
) -> Mapping[RestrictionKind, Restriction]:
    """Returns the restrictions that have not ended. Raises InternalError."""
    return {kind: found for kind, found in restrictions.read().items() if found.until > now()}


def _checked(reason: str) -> str:
    if not 0 < len(reason.strip()) <= LONGEST_REASON or not reason.isprintable():
        raise InvalidInput("reason", f"expected a text of 1 to {LONGEST_REASON} characters")
    return reason.strip()
