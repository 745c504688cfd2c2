"""Lifts a lockdown, or the revocation of an app client, in every copy of the state or in none.

A lifting that stopped between two copies would admit some requests, although nobody has acknowledged it. Therefore it
is one transaction, of at most 100 items: the original, a revocation and 98 copies. A restriction itself is written to
one copy after the other, and is effective in each of them at once.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb import failures_named
from chalicelib.aws.items import Item
from chalicelib.aws.state_copies import NOT_REVOKED, StateCopies
from chalicelib.aws.state_reads import GENERATION, LOCKED_UNTIL, client_attribute, copy_id
from chalicelib.core.errors import Conflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_UNCHANGED = ("mark_number", "state_shards", LOCKED_UNTIL)  # attributes of the original, if a lifting is made
_ATTEMPTS = 3  # a policy change that writes the original at the same moment cancels a transaction


class StateLifts:
    """The liftings in one state table that has copies. Each lifts only what it has read.

    Each method raises Conflict if another command changes the state at the same time, and InternalError. Nothing is
    lifted then.
    """

    def __init__(self, client: "DynamoDBClient", table: str, copies: StateCopies) -> None:
        self._client = client
        self._table = table
        self._copies = copies

    def lift_lockdown(self, reason: str, author: str) -> bool:
        """Returns False, and changes nothing, if the state has no copies."""
        original = self._copies.original()
        if not self._copies.numbers(original):
            return False
        lifted = {LOCKED_UNTIL: {"N": "0"}, "locked_reason": {"S": reason}, "locked_by": {"S": author}}
        self._transact(self._actions(original, LOCKED_UNTIL, 0, lifted))
        return True

    def lift_revocation(self, client_id: str) -> bool:
        """Returns False, and changes nothing, if the state has no copies, or no item has the revocation."""
        original = self._copies.original()
        numbers, attribute = self._copies.numbers(original), client_attribute(client_id)
        revocation = self._copies.revocation(client_id)
        absent = {"N": str(NOT_REVOKED)}
        marks = {int(copy.get(attribute, absent)["N"]) for copy in self._copies.read(numbers).values()}
        if not numbers or not (revocation or marks - {NOT_REVOKED}):
            return False
        actions = self._actions(original, attribute, NOT_REVOKED, {})
        self._transact([*([self._delete(revocation)] if revocation else []), *actions])
        return True

    def _actions(self, original: Item, attribute: str, value: int, changes: Mapping[str, Any]) -> list[Any]:
        """Returns the writes of the original and of each copy. `changes` are those of the original."""
        number = self._copies.next_number(original)
        conditions = [f"{it} = :read_{it}" if it in original else f"attribute_not_exists({it})" for it in _UNCHANGED]
        changes = {"mark_number": number, **changes}
        first = {
            "TableName": self._table,
            "Key": {"id": {"S": GENERATION}},
            "UpdateExpression": f"SET {', '.join(f'{name} = :{name}' for name in changes)}",
            "ConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeValues": {
                **{f":{name}": value for name, value in changes.items()},
                **{f":read_{name}": original[name] for name in _UNCHANGED if name in original},
            },
        }
        return [
            {"Update": first},
            *(
                {
                    "Update": {
                        "TableName": self._table,
                        "Key": {"id": {"S": copy_id(copy)}},
                        "UpdateExpression": "SET #mark = :value, #order = :order",
                        "ExpressionAttributeNames": {"#mark": attribute, "#order": f"order:{attribute}"},
                        "ExpressionAttributeValues": {":value": {"N": str(value)}, ":order": number},
                    }
                }
                for copy in self._copies.numbers(original)
            ),
        ]

    def _delete(self, revocation: Item) -> Any:
        return {
            "Delete": {
                "TableName": self._table,
                "Key": {"id": revocation["id"]},
                "ConditionExpression": "revoked_at = :read",
                "ExpressionAttributeValues": {":read": revocation["revoked_at"]},
            }
        }

    def _transact(self, actions: Sequence[Any]) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            with failures_named("state_unreachable"):
                try:
                    self._client.transact_write_items(TransactItems=actions)
                except ClientError as error:
                    reasons = _reasons(error)
                    if "ConditionalCheckFailed" in reasons:
                        raise Conflict(
                            "state_changed", "another command changed the state at the same time. Nothing was lifted"
                        ) from None
                    if "TransactionConflict" not in reasons or attempt == _ATTEMPTS:
                        raise
                else:
                    return


def _reasons(error: ClientError) -> set[str]:
    """Returns why a transaction was cancelled. Empty for another error."""
    answered: Any = error.response
    return {reason["Code"] for reason in answered.get("CancellationReasons", [])}
