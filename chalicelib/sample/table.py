"""Stores the files and reports of the sample service in DynamoDB.

Shape:  kind "file" or "report", id: the entry's own texts
"""

from typing import TYPE_CHECKING

from chalicelib.aws.dynamodb import failures_named
from chalicelib.aws.items import Item
from chalicelib.sample.service import Entry, Kind

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class SampleTable:
    """Implements SampleStore on one DynamoDB table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def list(self, kind: Kind) -> "list[Entry]":
        query = self._client.get_paginator("query")
        with failures_named("sample_unreachable"):
            pages = query.paginate(
                TableName=self._table,
                KeyConditionExpression="kind = :kind",
                ExpressionAttributeValues={":kind": {"S": kind}},
                ConsistentRead=True,
            )
            return [_entry(item) for page in pages for item in page["Items"]]

    def get(self, kind: Kind, id_: str) -> Entry | None:
        with failures_named("sample_unreachable"):
            answer = self._client.get_item(TableName=self._table, Key=_key(kind, id_), ConsistentRead=True)
        return _entry(answer["Item"]) if "Item" in answer else None

    def put(self, kind: Kind, id_: str, entry: Entry) -> None:
        texts = {name: {"S": text} for name, text in entry.items()}
        with failures_named("sample_unreachable"):
            self._client.put_item(TableName=self._table, Item={**texts, **_key(kind, id_)})

    def delete(self, kind: Kind, id_: str) -> bool:
        with failures_named("sample_unreachable"):
            answer = self._client.delete_item(TableName=self._table, Key=_key(kind, id_), ReturnValues="ALL_OLD")
        return "Attributes" in answer


def _key(kind: Kind, id_: str) -> dict[str, dict[str, str]]:
    return {"kind": {"S": kind}, "id": {"S": id_}}


def _entry(item: Item) -> Entry:
    return {name: value["S"] for name, value in item.items() if name != "kind"}
