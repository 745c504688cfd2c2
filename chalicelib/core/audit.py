"""An entry of the audit log, and the change of a policy that the stream reports. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from chalicelib.core.policy_json import as_dict
from chalicelib.core.statement import Statement

Way = Literal["api", "cli", "other"]

# The "@" and the domain of an e-mail address. The "@" can be percent-encoded several times.
_DOMAIN = re.compile(r"(?:@|%(?:25)*40)[^\s\"'/,;:@%\\]+")
LONGEST_ID = 128  # characters; the sort key of a table takes 1,024 bytes
_TIME_LENGTH = 27  # the length of 2027-01-15T08:00:00.000000Z


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One administrative action.

    id       the time in UTC, and a suffix that makes it unique. Entries are sorted by it
    subject  what the action changed: "group:…" or "client:…" (a policy), "sub:…", "client:…" or "session:…", "stage:…"
    by       who acted: the `sub` or app client of a caller, the ARN of an operator, or "unknown"
    way      the API, the command line, or another tool that wrote to the table
    version  the version that a policy change wrote; None for other actions, and for an edit that wrote no new version
    before   the statements of the policy before the change; None if there was no policy
    """

    id: str
    subject: str
    action: str
    by: str
    way: Way
    version: int | None = None
    before: tuple[Statement, ...] | None = None
    after: tuple[Statement, ...] | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def at(self) -> str:
        return self.id[:_TIME_LENGTH]

    def as_dict(self) -> dict[str, Any]:
        """Returns the JSON form in the list of all entries. It contains no statements."""
        detail = {**self.detail, **({} if self.version is None else {"version": self.version})}
        return {
            "at": self.at,
            "by": self.by,
            "way": self.way,
            "action": self.action,
            "subject": self.subject,
            "detail": detail,
        }

    def change_as_dict(self) -> dict[str, Any]:
        """Returns the JSON form in the history of a policy."""
        return {
            "version": self.version,
            "at": self.at,
            "by": self.by,
            "way": self.way,
            "before": _statements(self.before),
            "after": _statements(self.after),
        }


@dataclass(frozen=True, slots=True)
class PolicyImage:
    """An item of the policy table, as the stream reports it. A field is None if it is missing or of another type.

    statements  None for a deleted policy, and for an item in another form
    audit_id    the id of the entry that was stored together with the item; None for a text that no entry can have
    """

    version: int | None = None
    statements: tuple[Statement, ...] | None = None
    updated_by: str | None = None
    audit_id: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyEdit:
    """A change of an item of the policy table.

    event_id  the same for each delivery of the same change
    at        seconds since 1970
    before    None if there was no item
    """

    event_id: str
    at: float
    subject: str
    before: PolicyImage | None
    after: PolicyImage | None


def _statements(statements: tuple[Statement, ...] | None) -> list[dict[str, Any]] | None:
    return None if statements is None else [as_dict(statement) for statement in statements]


def without_addresses(text: str) -> str:
    """Returns the text with the domain of each e-mail address replaced: `jane@example.com` becomes `jane@***`."""
    return _DOMAIN.sub("@***", text)
