"""Use case: record administrative actions in the audit log."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from chalicelib.core.audit import AuditEntry, PolicyEdit, PolicyImage, Way, without_addresses
from chalicelib.core.errors import GatehouseError, InternalError
from chalicelib.core.statement import Statement
from chalicelib.ports import AuditLog

UNKNOWN = "unknown"
_LONGEST_CLAIM = 256


@dataclass(frozen=True, slots=True)
class Audit:
    """Makes and records the entries of one way of administration.

    operator  returns the ARN of the operator, which replaces the author. None: the author of the use case acts
    now       returns seconds since 1970
    suffix    returns a random text, so that two entries of one microsecond have different ids
    """

    log: AuditLog
    way: Way = "api"
    operator: Callable[[], str] | None = None
    now: Callable[[], float] = time.time
    suffix: Callable[[], str] = lambda: secrets.token_hex(4)

    def entry(self, action: str, subject: str, author: str, detail: dict[str, Any] | None = None) -> AuditEntry:
        by = self.operator() if self.operator else author
        return AuditEntry(
            entry_id(self.now(), self.suffix()), subject, action, without_addresses(by), self.way, detail=detail or {}
        )

    def policy_entry(
        self,
        subject: str,
        author: str,
        version: int,
        before: tuple[Statement, ...] | None,
        after: tuple[Statement, ...] | None,
    ) -> AuditEntry:
        """Returns the entry of a policy change. The store of policies stores it together with the policy."""
        entry = self.entry(_policy_action(after), subject, author)
        return replace(entry, version=version, before=before, after=after)

    @contextmanager
    def recorded(
        self,
        action: str,
        subject: str,
        author: str,
        detail: dict[str, Any] | None = None,
        unrecorded: Callable[[InternalError], object] | None = None,
    ) -> Iterator[None]:
        """Records an action before it happens, and once more if it fails, with the code of the failure.

        unrecorded  receives the failure to store the first entry. The action then happens without this entry
        Raises:     InternalError if the entry cannot be stored, unless there is `unrecorded`
        """
        try:
            self.log.add(self.entry(action, subject, author, detail))
        except InternalError as failure:
            if unrecorded is None:
                raise
            unrecorded(failure)
        try:
            yield
        except Exception as failure:
            code = failure.code if isinstance(failure, GatehouseError) else "unexpected_failure"
            with suppress(GatehouseError):  # the first entry remains, and the caller gets the cause
                self.log.add(self.entry(action, subject, author, {**(detail or {}), "failed": code}))
            raise


@dataclass(frozen=True, slots=True)
class RecordEdit:
    """Records a change that the stream reports, unless its writer has recorded it. Idempotent.

    Gatehouse stores the entry and the policy in one transaction, and the policy names the entry. Another tool can copy
    that name into its own edit. Therefore an entry counts only if it describes this change: the next version, the same
    statements before and the same statements after.
    """

    log: AuditLog

    def __call__(self, edit: PolicyEdit) -> bool:
        """Returns whether another tool made the change. Raises InternalError; the caller retries."""
        before, after = edit.before or PolicyImage(), edit.after or PolicyImage()
        follows = after.version is not None and after.version == (before.version or 0) + 1
        if follows and after.audit_id and after.audit_id != before.audit_id:
            entry = self.log.find(edit.subject, after.audit_id)
            if entry and (entry.version, entry.before, entry.after) == (
                after.version,
                before.statements,
                after.statements,
            ):
                return False
        changed = edit.after is not None and after.updated_by != before.updated_by
        claimed = after.updated_by if changed else None
        self.log.add(
            AuditEntry(
                entry_id(edit.at, edit.event_id),
                edit.subject,
                _policy_action(after.statements) if edit.after else "policy.remove",
                UNKNOWN,
                "other",
                version=after.version if follows else None,
                before=before.statements,
                after=after.statements,
                # Not verified: any tool can write any author into the item.
                detail={"claimed_by": without_addresses(claimed[:_LONGEST_CLAIM])} if claimed else {},
            )
        )
        return True


def entry_id(seconds: float, suffix: str) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC).strftime('%Y-%m-%dT%H:%M:%S.%fZ')}-{suffix}"


def _policy_action(after: tuple[Statement, ...] | None) -> str:
    return "policy.delete" if after is None else "policy.write"
