"""The policy table, by the SDK.

Shape:  subject "group:…" or "client:…": version, statements (one JSON string: it costs less to read than a map, and it
        is always read and written as a whole), updated_by, updated_at. A deleted policy remains as an item with
        `deleted` and without statements. Its versions continue, so that a writer who read the old policy gets a
        conflict.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb import failures_named, scan
from chalicelib.aws.items import Item, ReadFailed, batch_get
from chalicelib.aws.policy_reads import PolicyReads, any_size, is_deleted, policy_of
from chalicelib.aws.sdk_reader import SdkReader
from chalicelib.core.errors import InternalError, NotFound, VersionConflict
from chalicelib.core.policy import CorruptPolicy, DeletedPolicy, Policy, StoredPolicy
from chalicelib.core.policy_json import to_json
from chalicelib.core.statement import Statement

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_EXISTS = "(attribute_exists(subject) AND attribute_not_exists(deleted))"
_AT_VERSION = "version = :read AND attribute_not_exists(deleted)"


class PolicyTable:
    """Implements PolicyStore on one DynamoDB table. The table's stream reports every change.

    now         returns seconds since 1970
    check_size  raises InvalidInput for statements that are too large; a stored policy of that size is corrupt
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        now: Callable[[], float] = time.time,
        check_size: Callable[[Sequence[Statement]], None] = any_size,
    ) -> None:
        self._client = client
        self._reader = SdkReader(client)
        self._reads = PolicyReads(self._reader, table, check_size)
        self._table = table
        self._now = now
        self._check_size = check_size

    def read(self, subjects: Iterable[str]) -> Mapping[str, Policy]:
        return self._reads.read(subjects)

    def get(self, subject: str) -> Policy:
        found = self.read([subject])
        if subject not in found:
            raise NotFound(f"a policy for {subject}")
        return found[subject]

    def list(self) -> "list[Policy]":
        return sorted((self._policy(item) for item in self._scan() if not is_deleted(item)), key=_subject)

    def list_stored(self) -> Sequence[StoredPolicy]:
        """Return all items of the table, sorted by subject, including deleted and corrupt policies."""
        return sorted((self._stored(item) for item in self._scan()), key=_subject)

    def put(
        self,
        subject: str,
        statements: tuple[Statement, ...],
        author: str,
        version: int | None,
        unchanged: Policy | None = None,
    ) -> Policy:
        condition = {None: "", 0: f"attribute_not_exists(subject) OR NOT {_EXISTS}"}.get(version, _AT_VERSION)
        values = {":statements": {"S": to_json(statements)}}
        try:
            change = "SET statements = :statements, {stamp} REMOVE deleted"
            written = self._write(subject, author, version, condition, change, values, unchanged)
        except ClientError:
            raise VersionConflict(f"the policy for {subject}", version or 0) from None
        return self._policy(written)

    def delete(self, subject: str, author: str, version: int | None, unchanged: Policy | None = None) -> None:
        condition = _EXISTS if version is None else _AT_VERSION
        change = "SET deleted = :yes, {stamp} REMOVE statements"
        try:
            self._write(subject, author, version, condition, change, {":yes": {"BOOL": True}}, unchanged)
        except ClientError:
            if version is None or subject not in self.read([subject]):
                raise NotFound(f"a policy for {subject}") from None
            raise VersionConflict(f"the policy for {subject}", version) from None

    def _write(
        self,
        subject: str,
        author: str,
        version: int | None,
        condition: str,
        change: str,
        values: dict[str, Any],
        unchanged: Policy | None,
    ) -> Item:
        """Raises InternalError, VersionConflict of `unchanged`, and ClientError when the condition does not hold."""
        stamp = "version = if_not_exists(version, :zero) + :one, updated_by = :by, updated_at = :at"
        values |= {
            ":zero": {"N": "0"},
            ":one": {"N": "1"},
            ":by": {"S": author},
            ":at": {"S": datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds")},
            **({":read": {"N": str(version)}} if condition == _AT_VERSION else {}),
        }
        conditions: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        update: Any = {
            "TableName": self._table,
            "Key": {"subject": {"S": subject}},
            "UpdateExpression": change.format(stamp=stamp),
            "ExpressionAttributeValues": values,
            **conditions,
        }
        if unchanged:
            return self._write_together(update, unchanged)
        with failures_named("policies_unreachable"):
            return self._client.update_item(**update, ReturnValues="ALL_NEW")["Attributes"]

    def _write_together(self, update: Any, unchanged: Policy) -> Item:
        """Update one item in a transaction that fails if another policy has changed."""
        check: Any = {
            "TableName": self._table,
            "Key": {"subject": {"S": unchanged.subject}},
            "ConditionExpression": _AT_VERSION,
            "ExpressionAttributeValues": {":read": {"N": str(unchanged.version)}},
        }
        with failures_named("policies_unreachable"):
            try:
                self._client.transact_write_items(TransactItems=[{"Update": update}, {"ConditionCheck": check}])
            except self._client.exceptions.TransactionCanceledException as canceled:
                own, other = (reason["Code"] for reason in canceled.response["CancellationReasons"])
                if own == "ConditionalCheckFailed":
                    raise ClientError({"Error": {"Code": f"{own}Exception"}}, "TransactWriteItems") from None
                if {own, other} & {"ConditionalCheckFailed", "TransactionConflict"}:
                    raise VersionConflict(f"the policy for {unchanged.subject}", unchanged.version) from None
                raise
        try:
            (item,) = batch_get(self._reader, self._table, [update["Key"]])
        except ReadFailed as failed:
            raise InternalError("policies_unreachable", f"DynamoDB: {failed}") from failed
        return item

    def _scan(self) -> Sequence[Item]:
        with failures_named("policies_unreachable"):
            return list(scan(self._client, self._table))

    def _stored(self, item: Item) -> StoredPolicy:
        fields = item["subject"]["S"], _version(item), _text(item, "updated_by"), _text(item, "updated_at")
        if is_deleted(item):
            return DeletedPolicy(*fields)
        try:
            return self._policy(item)
        except InternalError:
            return CorruptPolicy(*fields)

    def _policy(self, item: Item) -> Policy:
        return policy_of(item, self._check_size, InternalError)


def _subject(policy: StoredPolicy) -> str:
    return policy.subject


def _text(item: Item, name: str) -> str | None:
    text = item.get(name, {}).get("S")
    return text if isinstance(text, str) else None


def _version(item: Item) -> int | None:
    number = item.get("version", {}).get("N", "")
    return int(number) if number.isdecimal() else None
