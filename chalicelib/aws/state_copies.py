"""The writes to the copies of the state's original item, for stages with more than one shard.

The order of the writes gives the guarantee: the original first, then the copies that the original names *at or after*
this write, then the acknowledgement. `tests/proofs/shard_model.py` holds the order, and shows that others fail.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb import failures_named
from chalicelib.aws.items import Item, ReadFailed, batch_get
from chalicelib.aws.sdk_reader import SdkReader
from chalicelib.aws.state_reads import (
    GENERATION,
    LOCKED_UNTIL,
    client_attribute,
    copy_id,
    locked_until,
    revocation_id,
)
from chalicelib.core.errors import InternalError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOT_REVOKED = -1


class StateCopies:
    """The copies in one state table. Every write is idempotent, and does not replace later content.

    now       returns seconds since 1970
    at_least  the number of shards in the settings of this writer. The table can name more. With fewer, the original has
              lost the number, and the authorizers of this deployment still read these copies
    """

    def __init__(
        self, client: "DynamoDBClient", table: str, now: Callable[[], float] = time.time, at_least: int = 1
    ) -> None:
        self._client = client
        self._reader = SdkReader(client)
        self._table = table
        self._now = now
        self._at_least = at_least

    def original(self) -> Item:
        """Returns the original as it is now. Empty if it does not exist."""
        return self._get(GENERATION)

    def numbers(self, original: Item) -> range:
        """Returns the numbers of the copies that a writer maintains. `original` is not older than the change."""
        most = max(self._at_least, stored_shards(original))
        return range(1, most + 1) if most > 1 else range(0)

    def count_up(self, number: int) -> None:
        """Increments the generation of a copy. Does nothing for a copy that is not in use.

        It does not create a missing copy. The operator may be removing it, and later writers would not know it.
        """
        self.update(number, "SET n = n + :one", "attribute_exists(n)", {":one": {"N": "1"}})

    def copy_lockdown(self) -> None:
        """Writes the lockdown of the original to every copy."""
        if self.numbers(self.original()):
            original = self._ordered()
            self._mark(original, LOCKED_UNTIL, locked_until(original))

    def copy_revocation(self, client_id: str) -> None:
        """Writes the revocation of an app client, or that there is none, to every copy."""
        if self.numbers(self.original()):
            original = self._ordered()
            item = self._get(revocation_id("client", client_id))
            self._mark(original, client_attribute(client_id), int(item["revoked_at"]["N"]) if item else NOT_REVOKED)

    def update(
        self, number: int, change: str, condition: str, values: dict[str, Any], names: dict[str, str] | None = None
    ) -> None:
        """Updates one copy if the condition holds. Raises InternalError."""
        more: Any = {"ExpressionAttributeNames": names} if names else {}
        with suppress(ClientError), failures_named("state_unreachable"):
            self._client.update_item(
                TableName=self._table,
                Key={"id": {"S": copy_id(number)}},
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
                **more,
            )

    def _ordered(self) -> Item:
        """Takes the next number of the original, and returns the original with this number.

        What is read after the number is taken is not older than what anyone with a smaller number has read. So a copy
        keeps what has the greatest number. The numbers start at the current time in milliseconds, as the generation
        does: after the original was lost, the copies still have older numbers.
        """
        with failures_named("state_unreachable"):
            return self._client.update_item(
                TableName=self._table,
                Key={"id": {"S": GENERATION}},
                UpdateExpression="SET mark_number = if_not_exists(mark_number, :start) + :one",
                ExpressionAttributeValues={":start": {"N": str(int(self._now() * 1000))}, ":one": {"N": "1"}},
                ReturnValues="ALL_NEW",
            )["Attributes"]

    def _mark(self, original: Item, attribute: str, value: int) -> None:
        values = {":value": {"N": str(value)}, ":order": original["mark_number"]}
        names = {"#mark": attribute, "#order": f"order:{attribute}"}
        condition = "attribute_not_exists(#order) OR #order < :order"
        for number in self.numbers(original):
            self.update(number, "SET #mark = :value, #order = :order", condition, values, names)

    def _get(self, id_: str) -> Item:
        try:
            return dict(*batch_get(self._reader, self._table, [{"id": {"S": id_}}]))
        except ReadFailed as failed:
            raise InternalError("state_unreachable", f"DynamoDB: {failed}") from failed


def stored_shards(original: Item) -> int:
    """Returns the number of shards that the table names."""
    return int(original["state_shards"]["N"]) if "state_shards" in original else 1
