"""The simulated DynamoDB with the operations on the copies of the state: aliases of attributes, scans, removals."""

from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from tests.proofs.world import STATE, DynamoDb, Item, _call, _is_met, _updated


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
        update = _Update(Key, UpdateExpression, ExpressionAttributeValues, ExpressionAttributeNames or {})

        def do() -> dict[str, Any]:
            old = self.peek(TableName, update.key) or {}
            if not update.permits(old, ConditionExpression):
                raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "UpdateItem")
            self._put(TableName, update.key, update.applied(old))
            return {}

        return _call("UpdateItem", do)

    def _transact(self, actions: list[tuple[str, Item]]) -> None:
        """Makes the transaction of a lifting here, and every other one as before."""
        if any(action["TableName"] != STATE for _, action in actions):
            super()._transact(actions)
            return
        changes = []
        for kind, action in actions:
            arguments = (action.get(f"ExpressionAttribute{part}", {}) for part in ("Values", "Names"))
            update = _Update(action["Key"], action.get("UpdateExpression", ""), *arguments)
            old = self.peek(STATE, update.key) or {}
            if not update.permits(old, action.get("ConditionExpression", "")):
                answer: Any = {"CancellationReasons": [{"Code": "ConditionalCheckFailed"}]}
                raise ClientError(answer, "TransactWriteItems")
            changes.append((update.key, None if kind == "Delete" else update.applied(old)))
        for key, new in changes:
            self._put(STATE, key, new)

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


class _Update:
    """An update of one item, whose attributes can have aliases."""

    def __init__(self, key: Item, expression: str, values: Item, names: Mapping[str, str]) -> None:
        ((self._attribute, self.key),) = ((name, value["S"]) for name, value in key.items())
        self._expression, self._values = expression, values
        self._plain = {alias: alias.replace("#", "alias_") for alias in names}
        self._real = {self._plain[alias]: name for alias, name in names.items()}

    def permits(self, old: Item, condition: str) -> bool:
        return _is_met(self._without_aliases(condition), self._aliased(old), self._values)

    def applied(self, old: Item) -> Item:
        changed = _updated(self._aliased(old), self._without_aliases(self._expression), self._values)
        return {self._attribute: {"S": self.key}, **_renamed(changed, self._real)}

    def _aliased(self, item: Item) -> Item:
        return _renamed(item, {name: alias for alias, name in self._real.items()})

    def _without_aliases(self, expression: str) -> str:
        for alias, name in self._plain.items():
            expression = expression.replace(alias, name)
        return expression


def _renamed(item: Item, names: Mapping[str, str]) -> Item:
    return {names.get(name, name): value for name, value in item.items()}
