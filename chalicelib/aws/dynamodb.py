"""Access to DynamoDB: strongly consistent reads, and a reason code for every failure."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core.errors import CannotDecide, InternalError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = Mapping[str, Any]

_BATCH = 100  # keys, DynamoDB's limit
_ATTEMPTS = 3


@contextmanager
def failures_named(code: str, error_class: type[InternalError] = InternalError) -> Iterator[None]:
    """Raise every failure of DynamoDB as an InternalError. A condition that does not hold remains a ClientError."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            raise
        raise error_class(code, f"DynamoDB: {type(error).__name__}") from error


def batch_get(client: "DynamoDBClient", table: str, keys: Sequence[Item]) -> list[Item]:
    """Return the items with these keys, in any order, by strongly consistent reads. Omits keys without an item.

    Raises:  CannotDecide when DynamoDB leaves keys unprocessed: an unprocessed key does not mean a missing item
    """
    items: list[Item] = []
    for start in range(0, len(keys), _BATCH):
        pending: Sequence[Item] = keys[start : start + _BATCH]
        for _ in range(_ATTEMPTS):
            answer = client.batch_get_item(RequestItems={table: {"Keys": list(pending), "ConsistentRead": True}})
            items += answer["Responses"].get(table, [])
            if table not in answer["UnprocessedKeys"]:
                break
            pending = answer["UnprocessedKeys"][table]["Keys"]
        else:
            raise CannotDecide("table_throttled", f"DynamoDB left {len(pending)} keys unprocessed")
    return items


def scan(client: "DynamoDBClient", table: str, **arguments: Any) -> Iterator[Item]:
    """Return every item of a table."""
    for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True, **arguments):
        yield from page["Items"]
