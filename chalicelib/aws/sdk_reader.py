"""Reads items of DynamoDB by the SDK."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.failure_name import failure_name
from chalicelib.aws.items import Item, ReadFailed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class SdkReader:
    """Implements ItemReader."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self._client = client

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> Mapping[str, Any]:
        return _named(lambda: self._client.batch_get_item(RequestItems=RequestItems))

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool) -> Mapping[str, Any]:
        return _named(lambda: self._client.get_item(TableName=TableName, Key=Key, ConsistentRead=ConsistentRead))


def _named(read: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    try:
        return read()
    except (BotoCoreError, ClientError) as error:
        raise ReadFailed(failure_name(error)) from None
