"""The decision. Pure: the same arguments always give the same decision."""

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.core.statement import Effect, Statement


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision for one request.

    reason    `allowed_by`, `denied_by`, `not_permitted` (no statement covers the request) or `no_policy`
    because   the sids of the statements that `allowed_by` and `denied_by` refer to
    """

    allowed: bool
    reason: str
    because: tuple[str, ...] = ()


NO_POLICY = Decision(False, "no_policy")  # no policy applies to the caller


def decide(statements: Iterable[Statement], method: str, path: str) -> Decision:
    """Decide one request. A Deny overrides any Allow. A request that no statement covers is denied."""
    covering = [statement for statement in statements if statement.covers(method, path)]
    denying = tuple(statement.sid for statement in covering if statement.effect is Effect.DENY)
    if denying:
        return Decision(False, "denied_by", denying)
    if covering:
        return Decision(True, "allowed_by", tuple(statement.sid for statement in covering))
    return Decision(False, "not_permitted")
