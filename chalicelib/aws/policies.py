"""The policy table, by the SDK.

Shape:  subject "group:…" or "client:…": version, statements (one JSON string: it costs less to read than a map, and it
        is always read and written as a whole), updated_by, updated_at, audit_id (of the audit entry of this version).
        A deleted policy remains as an item with `deleted` and without statements. Its versions continue, so that a
        writer who read the old policy gets a conflict.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from chalicelib.aws.dynamodb import failures_named, scan
from chalicelib.aws.items import Item, ReadFailed, batch_get
from chalicelib.aws.policy_reads import PolicyReads, any_size, is_deleted, policy_of, statements_of
from chalicelib.aws.policy_writes import AuditedWrites, Overtaken, PolicyChange, write_policy
from chalicelib.aws.sdk_reader import SdkReader
from chalicelib.core.errors import InternalError, NotFound, VersionConflict
from chalicelib.core.policy import CorruptPolicy, DeletedPolicy, Policy, StoredPolicy
from chalicelib.core.statement import Statement

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ATTEMPTS = 10  # of a write that replaces any version, while other writers change the same policy


class PolicyTable:
    """Implements PolicyStore on one DynamoDB table. The table's stream reports every change.

    now         returns seconds since 1970
    check_size  raises InvalidInput for statements that are too large; a stored policy of that size is corrupt
    audited     stores an audit entry with each write. With None, a write stores no entry
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        now: Callable[[], float] = time.time,
        check_size: Callable[[Sequence[Statement]], None] = any_size,
        audited: AuditedWrites | None = None,
    ) -> None:
        self._client = client
        self._reader = SdkReader(client)
        self._reads = PolicyReads(self._reader, table, check_size)
        self._table = table
        self._now = now
        self._check_size = check_size
        self._audited = audited

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
        """Returns all items of the table, sorted by subject, including deleted and corrupt policies."""
        return sorted((self._stored(item) for item in self._scan()), key=_subject)

    def put(
        self,
        subject: str,
        statements: tuple[Statement, ...],
        author: str,
        version: int | None,
        unchanged: Policy | None = None,
    ) -> Policy:
        written = self._write(subject, statements, author, version, unchanged)
        return Policy(subject, written.version, statements, author, written.updated_at)

    def delete(self, subject: str, author: str, version: int | None, unchanged: Policy | None = None) -> None:
        self._write(subject, None, author, version, unchanged)

    def _write(
        self,
        subject: str,
        statements: tuple[Statement, ...] | None,
        author: str,
        version: int | None,
        unchanged: Policy | None,
    ) -> PolicyChange:
        """Reads the policy, and writes it if nobody has changed it since. Without a version, tries again.

        Raises:  InternalError, NotFound for a deletion, VersionConflict
        """
        for _ in range(_ATTEMPTS):
            change = self._change(subject, statements, author, version)
            try:
                write_policy(self._client, self._table, self._audited, change, unchanged)
            except Overtaken:
                if version is not None:
                    break
            else:
                return change
        raise VersionConflict(f"the policy for {subject}", change.version - 1 if version is None else version)

    def _change(
        self, subject: str, statements: tuple[Statement, ...] | None, author: str, version: int | None
    ) -> PolicyChange:
        try:
            items = batch_get(self._reader, self._table, [{"subject": {"S": subject}}])
        except ReadFailed as failed:
            raise InternalError("policies_unreachable", f"DynamoDB: {failed}") from failed
        item = items[0] if items else None
        exists = item is not None and not is_deleted(item)
        if statements is None and not exists:
            raise NotFound(f"a policy for {subject}")
        stored, before = (_version(item), statements_of(item)) if item else (None, None)
        if version is not None and version != (stored if exists else 0):
            raise VersionConflict(f"the policy for {subject}", version)
        return PolicyChange(subject, item, (stored or 0) + 1, before, statements, author, self._now())

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
