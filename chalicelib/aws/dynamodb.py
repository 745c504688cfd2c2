"""How this project speaks to DynamoDB: short timeouts, strongly consistent batches, and no failure left unnamed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core.errors import CannotDecide

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = Mapping[str, Any]

_BATCH = 100  # keys, DynamoDB's limit
_ATTEMPTS = 3


@contextmanager
def failures_named(code: str) -> Iterator[None]:
    """Turn whatever goes wrong with DynamoDB into CannotDecide; conditions that do not hold stay ClientErrors."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            raise
        raise CannotDecide(code, f"DynamoDB: {type(error).__name__}") from error


def batch_get(client: "DynamoDBClient", table: str, keys: Sequence[Item]) -> list[Item]:
    """Read items by their keys, strongly consistent, in any order; those that do not exist are left out.

    Raises:  CannotDecide when DynamoDB leaves keys unprocessed: a key not read is not a key that is absent
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
            raise CannotDecide("table_throttled", f"DynamoDB left {len(pending)} keys unread")
    return items


def scan(client: "DynamoDBClient", table: str, **arguments: Any) -> Iterator[Item]:
    """Read every item of a table."""
    for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True, **arguments):
        yield from page["Items"]
