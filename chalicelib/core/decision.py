"""The decision. Pure: the same arguments always give the same decision."""

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.core.statement import Effect, Statement


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision for one request.

    reason    `allowed_by`, `denied_by`, `not_permitted` (no statement covers the request), `sign_in_too_old` (only
              statements that require a more recent sign-in cover it), `no_policy` or `locked_down`
    because   the sids of the statements that `allowed_by`, `denied_by` and `sign_in_too_old` refer to
    """

    allowed: bool
    reason: str
    because: tuple[str, ...] = ()


NO_POLICY = Decision(False, "no_policy")  # no policy applies to the caller
LOCKED_DOWN = Decision(False, "locked_down")  # an operator has locked the stage down: every request is denied


def decide(statements: Iterable[Statement], method: str, path: str, too_old: Iterable[Statement] = ()) -> Decision:
    """Decides one request. A Deny overrides any Allow. A request that no statement covers is denied.

    too_old  statements that do not count, because they require a more recent sign-in
    """
    covering = [statement for statement in statements if statement.covers(method, path)]
    denying = tuple(statement.sid for statement in covering if statement.effect is Effect.DENY)
    if denying:
        return Decision(False, "denied_by", denying)
    if covering:
        return Decision(True, "allowed_by", tuple(statement.sid for statement in covering))
    missed = tuple(statement.sid for statement in too_old if statement.covers(method, path))
    return Decision(False, "sign_in_too_old", missed) if missed else Decision(False, "not_permitted")
