"""Access to DynamoDB by the SDK: strongly consistent scans, and a reason code for every failure."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.failure_name import failure_name
from chalicelib.aws.items import Item
from chalicelib.core.errors import InternalError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@contextmanager
def failures_named(code: str, error_class: type[InternalError] = InternalError) -> Iterator[None]:
    """Raises every failure of DynamoDB as an InternalError. A condition that does not hold remains a ClientError."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            raise
        raise error_class(code, f"DynamoDB: {failure_name(error)}") from None


def scan(client: "DynamoDBClient", table: str, **arguments: Any) -> Iterator[Item]:
    """Returns every item of a table."""
    for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True, **arguments):
        yield from page["Items"]
