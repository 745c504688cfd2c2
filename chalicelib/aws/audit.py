"""The audit table, by the SDK.

Shape:  subject, id: action, by, way, trail (the same in every entry: the key of the index that sorts all entries),
        detail (JSON), expires_at (DynamoDB's TTL); of a policy change also version, before and after (JSON)
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb import failures_named
from chalicelib.aws.items import Item
from chalicelib.core import strict_json
from chalicelib.core.audit import AuditEntry, without_addresses
from chalicelib.core.policy_json import parse_statements, to_json
from chalicelib.core.statement import Statement
from chalicelib.ports import AuditPage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INDEX, _TRAIL = "all", "audit"
_DAY = 86_400
_FAILURE = "audit_unreachable"
# The subject of an app client also has entries of its revocations.
_ONLY_POLICIES: Any = {
    "FilterExpression": "begins_with(#action, :policy)",
    "ExpressionAttributeNames": {"#action": "action"},
}
_POLICY = {":policy": {"S": "policy."}}


class AuditTable:
    """Implements AuditLog on one DynamoDB table. It only adds entries.

    retention_days  after this time, DynamoDB deletes an entry
    write_line      receives each new entry as one JSON line, without its statements
    """

    def __init__(
        self, client: "DynamoDBClient", table: str, retention_days: int, write_line: Callable[[str], object] = print
    ) -> None:
        self._client = client
        self._table = table
        self._retention = retention_days * _DAY
        self._write_line = write_line

    def add(self, entry: AuditEntry) -> None:
        try:
            with failures_named(_FAILURE):
                self._client.put_item(**self.put_request(entry))
        except ClientError:
            return  # the entry is stored
        self.log(entry)

    def put_request(self, entry: AuditEntry) -> Any:
        """Returns the request that stores an entry, alone or in a transaction. It never replaces an entry."""
        return {
            "TableName": self._table,
            "Item": self._item(entry),
            "ConditionExpression": "attribute_not_exists(subject)",
        }

    def log(self, entry: AuditEntry) -> None:
        line = {"message": "audit", **entry.as_dict()}
        self._write_line(without_addresses(json.dumps(line, separators=(",", ":"), ensure_ascii=False)))

    def find(self, subject: str, id_: str) -> AuditEntry | None:
        with failures_named(_FAILURE):
            found = self._client.get_item(
                TableName=self._table, Key={"subject": {"S": subject}, "id": {"S": id_}}, ConsistentRead=True
            )
        return _entry(found["Item"]) if "Item" in found else None

    def list(self, limit: int, before: str | None) -> AuditPage:
        return self._page(limit, before, "trail", _TRAIL, {"IndexName": _INDEX})

    def history(self, subject: str, limit: int, before: str | None) -> AuditPage:
        return self._page(limit, before, "subject", subject, {"ConsistentRead": True, **_ONLY_POLICIES}, _POLICY)

    def oldest(self, subject: str) -> AuditEntry | None:
        query = self._query("subject", subject, None, 1, _POLICY)
        with failures_named(_FAILURE):
            for page in self._client.get_paginator("query").paginate(**query, **_ONLY_POLICIES, ConsistentRead=True):
                if page["Items"]:
                    return _entry(page["Items"][0])
        return None

    def _page(
        self, limit: int, before: str | None, key: str, value: str, more: Any, values: Any | None = None
    ) -> AuditPage:
        """Returns the newest entries with this key. One more is read, to know whether there are more."""
        query = self._query(key, value, before, limit + 1, values or {})
        entries: list[AuditEntry] = []
        with failures_named(_FAILURE):
            for page in self._client.get_paginator("query").paginate(**query, ScanIndexForward=False, **more):
                entries += map(_entry, page["Items"])
                if len(entries) > limit:
                    break
        return AuditPage(tuple(entries[:limit]), entries[limit - 1].id if len(entries) > limit else None)

    def _query(self, key: str, value: str, before: str | None, size: int, values: Any) -> Any:
        """Returns the request for entries with this key. `size` is how many entries DynamoDB reads for each answer."""
        return {
            "TableName": self._table,
            "KeyConditionExpression": f"{key} = :key" + (" AND id < :before" if before else ""),
            "ExpressionAttributeValues": {
                ":key": {"S": value},
                **({":before": {"S": before}} if before else {}),
                **values,
            },
            "Limit": size,
        }

    def _item(self, entry: AuditEntry) -> Item:
        texts = {
            "subject": entry.subject,
            "id": entry.id,
            "trail": _TRAIL,
            "action": entry.action,
            "by": entry.by,
            "way": entry.way,
            "detail": json.dumps(entry.detail, separators=(",", ":")),
            **({} if entry.before is None else {"before": to_json(entry.before)}),
            **({} if entry.after is None else {"after": to_json(entry.after)}),
        }
        expires_at = int(datetime.fromisoformat(entry.at).astimezone(UTC).timestamp()) + self._retention
        return {
            **{name: {"S": text} for name, text in texts.items()},
            **({} if entry.version is None else {"version": {"N": str(entry.version)}}),
            "expires_at": {"N": str(expires_at)},
        }


def _entry(item: Item) -> AuditEntry:
    return AuditEntry(
        id=item["id"]["S"],
        subject=item["subject"]["S"],
        action=item["action"]["S"],
        by=item["by"]["S"],
        way=item["way"]["S"],
        version=int(item["version"]["N"]) if "version" in item else None,
        before=_statements(item.get("before")),
        after=_statements(item.get("after")),
        detail=json.loads(item["detail"]["S"]),
    )


def _statements(attribute: Any) -> tuple[Statement, ...] | None:
    return None if attribute is None else parse_statements(strict_json.parse(attribute["S"].encode()))
