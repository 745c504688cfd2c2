"""The read of the authorization state before every decision. Needs no SDK; `authorization_state` has the writes."""

from chalicelib.aws.items import ItemReader, ReadFailed, batch_get
from chalicelib.core.errors import CannotDecide
from chalicelib.core.principal import Principal
from chalicelib.ports import AuthorizationState, RevocationKind

GENERATION = "generation"
REVOKED = "revoked"


class StateReads:
    """Implements StateReader on one DynamoDB table."""

    def __init__(self, reader: ItemReader, table: str) -> None:
        self._reader = reader
        self._table = table

    def read(self, principal: Principal) -> AuthorizationState:
        ids = {
            GENERATION,
            revocation_id("sub", principal.subject),
            revocation_id("client", principal.client_id),
            *((revocation_id("session", principal.session),) if principal.session else ()),
        }
        try:
            items = batch_get(self._reader, self._table, [{"id": {"S": id_}} for id_ in sorted(ids)])
        except ReadFailed as failed:
            raise CannotDecide("state_unreachable", f"DynamoDB: {failed}") from failed
        found = {item["id"]["S"]: item for item in items}
        if GENERATION not in found:
            raise CannotDecide("state_empty", "the state table has no generation")
        times = [
            int(found[id_]["revoked_at"]["N"]) for id_ in found if id_.startswith(("revoked:sub:", "revoked:client:"))
        ]
        return AuthorizationState(
            generation=int(found[GENERATION]["n"]["N"]),
            revoked_before=max(times, default=-1),
            session_revoked=any(id_.startswith("revoked:session:") for id_ in found),
        )

    def connect(self) -> None:
        """Read the generation, so that the next read finds an open connection. It does not use the result."""
        batch_get(self._reader, self._table, [{"id": {"S": GENERATION}}])


def revocation_id(kind: RevocationKind, value: str) -> str:
    return f"{REVOKED}:{kind}:{value}"
