"""The decision. Pure: the same arguments always give the same answer."""

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.core.policy import Effect, Statement


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request.

    reason    `allowed_by`, `denied_by` or `not_permitted` (nothing applied: silence is a denial)
    because   the sids of the statements which made the answer
    """

    allowed: bool
    reason: str
    because: tuple[str, ...] = ()


def decide(statements: Iterable[Statement], method: str, path: str) -> Decision:
    """Decide one request. A Deny beats any Allow."""
    covering = [statement for statement in statements if statement.covers(method, path)]
    denying = tuple(statement.sid for statement in covering if statement.effect is Effect.DENY)
    if denying:
        return Decision(False, "denied_by", denying)
    if covering:
        return Decision(True, "allowed_by", tuple(statement.sid for statement in covering))
    return Decision(False, "not_permitted")
