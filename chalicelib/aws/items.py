"""Reads of items by their keys, with strong consistency."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from chalicelib.core.errors import CannotDecide

Item = Mapping[str, Any]

_BATCH = 100  # keys, DynamoDB's limit
_ATTEMPTS = 3


class ReadFailed(Exception):
    """DynamoDB did not answer a read. The text is the name of the failure, such as ThrottlingException."""


class ItemReader(Protocol):
    """Reads items: the SDK (`sdk_reader`), or the small reader (`reader`) without it. Both raise ReadFailed."""

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns {"Responses": {table: items}, "UnprocessedKeys": {table: {"Keys": keys}}}."""

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool) -> Mapping[str, Any]:
        """Returns {"Item": item}, or an answer without "Item" if there is no item."""


def batch_get(reader: ItemReader, table: str, keys: Sequence[Item]) -> list[Item]:
    """Returns the items with these keys, in any order, by strongly consistent reads. Omits keys without an item.

    Raises:  ReadFailed; CannotDecide if DynamoDB leaves keys unprocessed, which does not mean that items are missing
    """
    items: list[Item] = []
    for start in range(0, len(keys), _BATCH):
        pending: Sequence[Item] = keys[start : start + _BATCH]
        for _ in range(_ATTEMPTS):
            answer = reader.batch_get_item(RequestItems={table: {"Keys": list(pending), "ConsistentRead": True}})
            items += answer["Responses"].get(table, [])
            if table not in answer["UnprocessedKeys"]:
                break
            pending = answer["UnprocessedKeys"][table]["Keys"]
        else:
            raise CannotDecide("table_throttled", f"DynamoDB left {len(pending)} keys unprocessed")
    return items
