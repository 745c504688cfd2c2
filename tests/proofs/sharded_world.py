"""The simulated DynamoDB with the operations on the copies of the state: aliases of attributes, scans, removals."""

from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from tests.proofs.world import DynamoDb, Item, _call, _check_condition, _updated


class ShardedDynamoDb(DynamoDb):
    """Simulates one more part of the low-level client. A scan reads one item at a time."""

    exceptions = SimpleNamespace(ConditionalCheckFailedException=ClientError)

    def update_item(
        self,
        TableName: str,
        Key: Item,
        UpdateExpression: str,
        ExpressionAttributeValues: Item,
        ReturnValues: str = "NONE",
        ConditionExpression: str = "",
        ExpressionAttributeNames: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        if ReturnValues != "NONE" and not ExpressionAttributeNames:
            return super().update_item(
                TableName, Key, UpdateExpression, ExpressionAttributeValues, ReturnValues, ConditionExpression
            )
        ((attribute, key),) = ((name, value["S"]) for name, value in Key.items())
        names = {alias: alias.replace("#", "alias_") for alias in ExpressionAttributeNames or {}}
        real = {names[alias]: name for alias, name in (ExpressionAttributeNames or {}).items()}

        def plain(expression: str) -> str:
            for alias, name in names.items():
                expression = expression.replace(alias, name)
            return expression

        def do() -> dict[str, Any]:
            old = _renamed(self.peek(TableName, key) or {}, {name: alias for alias, name in real.items()})
            _check_condition("UpdateItem", plain(ConditionExpression), old, ExpressionAttributeValues)
            changed = _updated(old, plain(UpdateExpression), ExpressionAttributeValues)
            self._put(TableName, key, {attribute: {"S": key}, **_renamed(changed, real)})
            return {}

        return _call("UpdateItem", do)

    def get_paginator(self, operation: str) -> Any:
        assert operation == "scan", "the adapters paginate no other operation"
        return SimpleNamespace(paginate=self._scan)

    def _scan(
        self, TableName: str, ConsistentRead: bool, FilterExpression: str, ExpressionAttributeValues: Item
    ) -> Iterator[dict[str, Any]]:
        assert ConsistentRead, "authorizers must see what a scan has seen"
        assert FilterExpression == "begins_with(id, :revoked)", "another scan is not simulated"
        prefix = ExpressionAttributeValues[":revoked"]["S"]
        for table, key in sorted(self._items):
            if table == TableName and key.startswith(prefix):
                yield {"Items": _call("Scan", self._reading(table, key))}

    def _reading(self, table: str, key: str) -> Callable[[], list[Item]]:
        return lambda: [item for item in (self.peek(table, key),) if item]


def _renamed(item: Item, names: Mapping[str, str]) -> Item:
    return {names.get(name, name): value for name, value in item.items()}
