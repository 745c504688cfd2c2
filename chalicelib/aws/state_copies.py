"""The writes to the copies of the state's original item, for stages with more than one shard.

The order of the writes gives the guarantee: the original first, then the copies that the original names *at or after*
this write, then the acknowledgement. `tests/proofs/shard_model.py` holds the order, and shows that others fail.
"""

import time
from collections.abc import Callable, Iterable, Mapping
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
_MOST_FAILURES = 3  # of one change. If DynamoDB fails for every copy, whoever waits for the command gets an answer


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

    def revocation(self, client_id: str) -> Item:
        """Returns the revocation of an app client as it is now. Empty if there is none."""
        return self._get(revocation_id("client", client_id))

    def numbers(self, original: Item) -> range:
        """Returns the numbers of the copies that a writer maintains. `original` is not older than the change."""
        most = max(self._at_least, stored_shards(original))
        return range(1, most + 1) if most > 1 else range(0)

    def read(self, numbers: Iterable[int]) -> Mapping[int, Item]:
        """Returns the copies as they are now, by number. A copy that does not exist is empty."""
        found = {item["id"]["S"]: item for item in self._read([copy_id(number) for number in numbers])}
        return {number: found.get(copy_id(number), {}) for number in numbers}

    def count_up(self, number: int) -> None:
        """Increments the generation of a copy. Does nothing for a copy that is not in use.

        It does not create a missing copy. The operator may be removing it, and later writers would not know it.
        """
        self.update(number, "SET n = n + :one", "attribute_exists(n)", {":one": {"N": "1"}})

    def copy_lockdown(self) -> None:
        """Writes the lockdown of the original to every copy. Raises InternalError, see `_copy`."""
        self._copy(LOCKED_UNTIL, locked_until)

    def copy_revocation(self, client_id: str) -> None:
        """Writes the revocation of an app client, or that there is none, to every copy. Raises InternalError."""

        def revoked_at(_original: Item) -> int:
            item = self.revocation(client_id)
            return int(item["revoked_at"]["N"]) if item else NOT_REVOKED

        self._copy(client_attribute(client_id), revoked_at)

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
                ExpressionAttributeValues={":start": self._first_number(), ":one": {"N": "1"}},
                ReturnValues="ALL_NEW",
            )["Attributes"]

    def next_number(self, original: Item) -> Any:
        """Returns the number that `_ordered` would take, for a transaction that takes it."""
        return {"N": str(int(original.get("mark_number", self._first_number())["N"]) + 1)}

    def _first_number(self) -> Any:
        return {"N": str(int(self._now() * 1000))}

    def _copy(self, attribute: str, value_of: Callable[[Item], int]) -> None:
        """Writes a mark to every copy. A copy that fails does not keep the mark from the copies after it.

        value_of  returns the mark, for the original with its number
        Raises:   InternalError with the number of copies that have the mark. The caller repeats the change
        """
        numbers = self.numbers(self.original())
        if not numbers:
            return
        try:
            original = self._ordered()
            value = value_of(original)
        except InternalError as failure:
            raise _partly_written(0, len(numbers), failure) from None
        self._mark(original, attribute, value)

    def _mark(self, original: Item, attribute: str, value: int) -> None:
        values = {":value": {"N": str(value)}, ":order": original["mark_number"]}
        names = {"#mark": attribute, "#order": f"order:{attribute}"}
        condition = "attribute_not_exists(#order) OR #order < :order"
        numbers, written, failures = self.numbers(original), 0, list[InternalError]()
        for number in numbers:
            try:
                self.update(number, "SET #mark = :value, #order = :order", condition, values, names)
                written += 1
            except InternalError as failure:
                failures.append(failure)
                if len(failures) == _MOST_FAILURES:
                    break
        if failures:
            raise _partly_written(written, len(numbers), failures[0])

    def _get(self, id_: str) -> Item:
        return dict(*self._read([id_]))

    def _read(self, ids: Iterable[str]) -> list[Item]:
        try:
            return batch_get(self._reader, self._table, [{"id": {"S": id_}} for id_ in ids])
        except ReadFailed as failed:
            raise InternalError("state_unreachable", f"DynamoDB: {failed}") from failed


def _partly_written(written: int, copies: int, failure: InternalError) -> InternalError:
    return InternalError(
        "state_partly_written", f"{written} of {copies} copies of the state written ({failure.message})"
    )


def stored_shards(original: Item) -> int:
    """Returns the number of shards that the table names."""
    return int(original["state_shards"]["N"]) if "state_shards" in original else 1
