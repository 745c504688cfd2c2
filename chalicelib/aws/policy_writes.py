"""The write of one policy, together with its audit entry. `policies` describes the table."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.aws.audit import AuditTable
from chalicelib.aws.dynamodb import failures_named
from chalicelib.aws.items import Item
from chalicelib.core.audit import AuditEntry
from chalicelib.core.errors import VersionConflict
from chalicelib.core.policy import Policy
from chalicelib.core.policy_json import to_json
from chalicelib.core.statement import Statement

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Statements = tuple[Statement, ...]
_COMPARED = ("version", "statements", "deleted")
_LOST = {"ConditionalCheckFailed", "TransactionConflict"}


class Overtaken(Exception):
    """Another writer changed the policy after it was read. Nothing was written."""


@dataclass(frozen=True, slots=True)
class AuditedWrites:
    """Makes the audit entry of a policy change, and names the table that stores it.

    entry  (subject, author, version, statements before, statements after) → entry
    """

    table: AuditTable
    entry: Callable[[str, str, int, Statements | None, Statements | None], AuditEntry]


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A change of the item that was read.

    read     the item; None if there is none
    version  the version to write
    before   the statements before the change; None if there was no policy
    after    the statements to write; None deletes the policy
    at       seconds since 1970
    """

    subject: str
    read: Item | None
    version: int
    before: Statements | None
    after: Statements | None
    author: str
    at: float

    @property
    def updated_at(self) -> str:
        return datetime.fromtimestamp(self.at, UTC).isoformat(timespec="seconds")


def write_policy(
    client: "DynamoDBClient", table: str, audited: AuditedWrites | None, change: PolicyChange, unchanged: Policy | None
) -> None:
    """Writes a policy and its audit entry, or neither.

    The SDK gives a repeated request the same token, so DynamoDB makes the change once even if its first answer is lost.

    unchanged  another policy that must still be at this version
    Raises:    Overtaken, VersionConflict of `unchanged`, InternalError
    """
    entry = None
    if audited:
        entry = audited.entry(change.subject, change.author, change.version, change.before, change.after)
    items: list[Any] = [{"Update": _update(table, change, entry)}]
    if unchanged:
        items.append({"ConditionCheck": _check(table, unchanged)})
    if audited and entry:
        items.append({"Put": audited.table.put_request(entry)})
    with failures_named("policies_unreachable"):
        try:
            client.transact_write_items(TransactItems=items)
        except ClientError as error:
            _explain(error, unchanged)
            raise
    if audited and entry:
        audited.table.log(entry)


def _explain(error: ClientError, unchanged: Policy | None) -> None:
    """Raises the error that a cancelled transaction means. Returns for another error."""
    answered: Any = error.response
    if answered["Error"]["Code"] != "TransactionCanceledException":
        return
    reasons = [reason["Code"] for reason in answered["CancellationReasons"]]
    if unchanged and reasons[0] not in _LOST and reasons[1] in _LOST:
        raise VersionConflict(f"the policy for {unchanged.subject}", unchanged.version) from error
    if _LOST.intersection(reasons):
        raise Overtaken from error


def _update(table: str, change: PolicyChange, entry: AuditEntry | None) -> Any:
    values: dict[str, Any] = {
        ":version": {"N": str(change.version)},
        ":by": {"S": change.author},
        ":at": {"S": change.updated_at},
        ":content": {"BOOL": True} if change.after is None else {"S": to_json(change.after)},
    }
    written, removed = ("deleted", "statements") if change.after is None else ("statements", "deleted")
    update = f"SET {written} = :content, version = :version, updated_by = :by, updated_at = :at"
    if entry:
        values[":audit_id"] = {"S": entry.id}
        update += ", audit_id = :audit_id"
    conditions = [f"attribute_{'not_' if change.read is None else ''}exists(subject)"]
    # Another tool can edit an item without a new version, so the version alone does not prove that it is the same.
    for name in _COMPARED:
        if change.read and name in change.read:
            values[f":read_{name}"] = change.read[name]
            conditions.append(f"{name} = :read_{name}")
        else:
            conditions.append(f"attribute_not_exists({name})")
    return {
        "TableName": table,
        "Key": {"subject": {"S": change.subject}},
        "UpdateExpression": f"{update} REMOVE {removed}",
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeValues": values,
    }


def _check(table: str, unchanged: Policy) -> Any:
    return {
        "TableName": table,
        "Key": {"subject": {"S": unchanged.subject}},
        "ConditionExpression": "version = :read AND attribute_not_exists(deleted)",
        "ExpressionAttributeValues": {":read": {"N": str(unchanged.version)}},
    }
