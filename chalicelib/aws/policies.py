"""The policy table.

Shape:  subject "group:…" or "client:…": version, statements (one JSON string: cheaper to read than a map, and written
        and read whole), updated_by, updated_at; a policy that was deleted stays as one without statements, so that its
        versions go on and a writer who read the old one is told
"""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb import Item, batch_get, failures_named, scan
from chalicelib.core import strict_json
from chalicelib.core.errors import CannotDecide, InvalidInput, NotFound, VersionConflict
from chalicelib.core.policy import Policy, Statement, parse_statements, to_json

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_EXISTS = "(attribute_exists(subject) AND attribute_not_exists(deleted))"
_AT_VERSION = "version = :read AND attribute_not_exists(deleted)"


class PolicyTable:
    """Implements PolicyStore on one DynamoDB table, whose stream tells of every change.

    now  seconds since 1970
    """

    def __init__(self, client: "DynamoDBClient", table: str, now: Callable[[], float] = time.time) -> None:
        self._client = client
        self._table = table
        self._now = now

    def read(self, subjects: Iterable[str]) -> Mapping[str, Policy]:
        keys = [{"subject": {"S": subject}} for subject in dict.fromkeys(subjects)]
        with failures_named("policies_unreachable"):
            items = batch_get(self._client, self._table, keys)
        return {item["subject"]["S"]: _policy(item) for item in items if not _is_deleted(item)}

    def get(self, subject: str) -> Policy:
        found = self.read([subject])
        if subject not in found:
            raise NotFound(f"a policy for {subject}")
        return found[subject]

    def list(self) -> "list[Policy]":
        with failures_named("policies_unreachable"):
            items = list(scan(self._client, self._table))
        return sorted((_policy(item) for item in items if not _is_deleted(item)), key=lambda policy: policy.subject)

    def put(self, subject: str, statements: tuple[Statement, ...], author: str, version: int | None) -> Policy:
        condition = {None: "", 0: f"attribute_not_exists(subject) OR NOT {_EXISTS}"}.get(version, _AT_VERSION)
        values = {":statements": {"S": to_json(statements)}}
        try:
            written = self._write(
                subject, author, version, condition, "SET statements = :statements, {stamp} REMOVE deleted", values
            )
        except ClientError as error:
            raise VersionConflict(f"the policy for {subject}", version or 0) from error
        return _policy(written)

    def delete(self, subject: str, author: str, version: int | None) -> None:
        condition = _EXISTS if version is None else _AT_VERSION
        change = "SET deleted = :yes, {stamp} REMOVE statements"
        try:
            self._write(subject, author, version, condition, change, {":yes": {"BOOL": True}})
        except ClientError as error:
            if version is None or subject not in self.read([subject]):
                raise NotFound(f"a policy for {subject}") from error
            raise VersionConflict(f"the policy for {subject}", version) from error

    def _write(
        self, subject: str, author: str, version: int | None, condition: str, change: str, values: dict[str, Any]
    ) -> Item:
        """Raises CannotDecide, and ClientError when the condition does not hold."""
        stamp = "version = if_not_exists(version, :zero) + :one, updated_by = :by, updated_at = :at"
        values |= {
            ":zero": {"N": "0"},
            ":one": {"N": "1"},
            ":by": {"S": author},
            ":at": {"S": datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds")},
            **({":read": {"N": str(version)}} if condition == _AT_VERSION else {}),
        }
        conditions: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        with failures_named("policies_unreachable"):
            answer = self._client.update_item(
                TableName=self._table,
                Key={"subject": {"S": subject}},
                UpdateExpression=change.format(stamp=stamp),
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
                **conditions,
            )
        return answer["Attributes"]


def _is_deleted(item: Item) -> bool:
    return "deleted" in item


def _policy(item: Item) -> Policy:
    try:
        return Policy(
            subject=item["subject"]["S"],
            version=int(item["version"]["N"]),
            statements=parse_statements(strict_json.parse(item["statements"]["S"].encode())),
            updated_by=item["updated_by"]["S"],
            updated_at=item["updated_at"]["S"],
        )
    except (KeyError, ValueError, InvalidInput) as error:
        # Half a policy could lack its Deny.
        raise CannotDecide("policy_corrupt", "a stored policy is not one that could have been written") from error
