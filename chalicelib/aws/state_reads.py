"""The read of the authorization state before every decision. Needs no SDK; `authorization_state` has the writes.

Shape:  the item "generation", the original: n; state_shards, the number of copies that writers maintain (absent: no
        copy); locked_until (absent or 0: no lockdown)
        the items "shard:1", "shard:2" …, the copies: n; locked_until; "client:<id>", the revoked_at of an app client
        (-1: not revoked); "order:…", which orders the writes of such an attribute
        An item without n is not in use, and whoever reads it cannot decide.
"""

import random
from collections.abc import Callable
from functools import cached_property

from chalicelib.aws.items import Item, ItemReader, ReadFailed, batch_get
from chalicelib.core.errors import CannotDecide
from chalicelib.core.principal import Principal
from chalicelib.ports import AuthorizationState, RevocationKind

GENERATION = "generation"
REVOKED = "revoked"
LOCKED_UNTIL = "locked_until"


def _random_number(below: int) -> int:
    return random.SystemRandom().randrange(below)


class StateReads:
    """Implements StateReader on one DynamoDB table.

    One key allows 3,000 reads a second, and every decision reads the generation. So with several shards, each instance
    reads one copy for its whole life. [Decision 24](../../docs/decisions/0024-sharded-state.md) gives the reasons.

    shards  the number of copies to choose from; 1: the original
    choose  returns a number below its argument. Not called before the first read: the copies of one snapshot of a
            Lambda would choose the same number
    """

    def __init__(
        self,
        reader: ItemReader,
        table: str,
        shards: int = 1,
        choose: Callable[[int], int] = _random_number,
    ) -> None:
        self._reader = reader
        self._table = table
        self._shards = shards
        self._choose = choose

    def read(self, principal: Principal) -> AuthorizationState:
        shared = self._shared_id
        ids = sorted([shared, *own_ids(principal, is_copy=shared != GENERATION)])
        try:
            items = batch_get(self._reader, self._table, [{"id": {"S": id_}} for id_ in ids])
        except ReadFailed as failed:
            raise CannotDecide("state_unreachable", f"DynamoDB: {failed}") from failed
        state: Item = {}
        revoked_before, session_revoked = -1, False
        for item in items:
            id_ = item["id"]["S"]
            if id_ == shared:
                state = item
            elif id_.startswith("revoked:session:"):
                session_revoked = True
            else:
                revoked_before = max(revoked_before, int(item["revoked_at"]["N"]))
        if "n" not in state:
            raise CannotDecide("state_empty", f"the state table has no generation in the item {shared}")
        client = client_attribute(principal.client_id)
        if client in state:
            revoked_before = max(revoked_before, int(state[client]["N"]))
        return AuthorizationState(int(state["n"]["N"]), revoked_before, session_revoked, locked_until(state))

    def connect(self) -> None:
        """Reads the generation, so that the next read finds an open connection. It does not use the result."""
        batch_get(self._reader, self._table, [{"id": {"S": self._shared_id}}])

    @cached_property
    def _shared_id(self) -> str:
        return copy_id(1 + self._choose(self._shards)) if self._shards > 1 else GENERATION


def own_ids(principal: Principal, is_copy: bool) -> list[str]:
    """Returns the ids of the items that concern this caller only.

    A copy contains the revocation of the app client. A machine has no other revocation, and the key of its subject
    would be read as often as the machine calls.
    """
    ids = [] if is_copy and principal.is_machine else [revocation_id("sub", principal.subject)]
    if not is_copy:
        ids.append(revocation_id("client", principal.client_id))
    if principal.session:
        ids.append(revocation_id("session", principal.session))
    return ids


def locked_until(item: Item) -> int:
    return int(item[LOCKED_UNTIL]["N"]) if LOCKED_UNTIL in item else 0


def revocation_id(kind: RevocationKind, value: str) -> str:
    return f"{REVOKED}:{kind}:{value}"


def copy_id(number: int) -> str:
    return f"shard:{number}"


def client_attribute(client_id: str) -> str:
    """Returns the attribute of a copy that holds the revocation of an app client."""
    return f"client:{client_id}"
