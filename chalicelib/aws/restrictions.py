"""The restrictions of a stage, in the original item of the state table: a freeze and a lockdown.

Shape:  id "generation": frozen_until, frozen_reason, frozen_by; locked_until, locked_reason, locked_by.
        Authorizers read locked_until with the generation
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from chalicelib.aws.dynamodb import failures_named
from chalicelib.aws.items import Item
from chalicelib.aws.state_copies import StateCopies
from chalicelib.aws.state_lifts import StateLifts
from chalicelib.aws.state_reads import GENERATION
from chalicelib.ports import Restriction, RestrictionKind

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PREFIX: Mapping[RestrictionKind, str] = {"freeze": "frozen", "lockdown": "locked"}


class RestrictionTable:
    """Implements Restrictions on the state table.

    now     returns seconds since 1970
    shards  the number of copies that a writer maintains at least
    """

    def __init__(
        self, client: "DynamoDBClient", table: str, now: Callable[[], float] = time.time, shards: int = 1
    ) -> None:
        self._client = client
        self._table = table
        self._copies = StateCopies(client, table, now, shards)

    def read(self) -> Mapping[RestrictionKind, Restriction]:
        original = self._copies.original()
        return {kind: _restriction(kind, original) for kind in _PREFIX if f"{_PREFIX[kind]}_until" in original}

    def put(self, restriction: Restriction) -> None:
        if restriction.kind == "lockdown" and not restriction.until:
            lifts = StateLifts(self._client, self._table, self._copies)
            if lifts.lift_lockdown(restriction.reason, restriction.author):
                return
        prefix = _PREFIX[restriction.kind]
        with failures_named("state_unreachable"):
            self._client.update_item(
                TableName=self._table,
                Key={"id": {"S": GENERATION}},
                UpdateExpression=f"SET {prefix}_until = :until, {prefix}_reason = :reason, {prefix}_by = :by",
                ExpressionAttributeValues={
                    ":until": {"N": str(restriction.until)},
                    ":reason": {"S": restriction.reason},
                    ":by": {"S": restriction.author},
                },
            )
        if restriction.kind == "lockdown":
            self._copies.copy_lockdown()


def _restriction(kind: RestrictionKind, original: Item) -> Restriction:
    prefix = _PREFIX[kind]
    until, reason, author = (original[f"{prefix}_{name}"] for name in ("until", "reason", "by"))
    return Restriction(kind, int(until["N"]), reason["S"], author["S"])
