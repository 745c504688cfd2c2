"""Decides whether the policy of a group makes its members administrators. Pure."""

from collections.abc import Iterable
from urllib.parse import quote

from chalicelib.core.decision import decide
from chalicelib.core.request_path import spellings
from chalicelib.core.statement import Effect, Statement


def administers(subject: str, statements: Iterable[Statement], reused_for: float = 0.0) -> bool:
    """Returns whether the statements alone allow `PUT` of the subject's own policy, right after a sign-in.

    With this permission, the subject can get every other one. An Allow that requires a scope does not count, because
    an app client would have to grant the scope first. Every Deny counts. A machine is not an administrator, because
    people must be able to correct a mistake.

    reused_for  the seconds for which API Gateway reuses a result: a sign-in that must be more recent never counts
    """
    kind, _, name = subject.partition(":")
    counting = [
        statement
        for statement in statements
        if statement.effect is Effect.DENY or (not statement.scopes and statement.counts_after(reused_for))
    ]
    try:
        paths = spellings(f"/admin/policies/{kind}/{quote(name, safe='')}")
    except ValueError:  # such as a group with the name ".."
        return False
    return kind == "group" and all(decide(counting, "PUT", path).allowed for path in paths)
