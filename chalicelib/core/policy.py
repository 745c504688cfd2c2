"""A policy: the statements of one subject, and what can be stored in its place. Pure."""

import re
from dataclasses import dataclass

from chalicelib.core import group_name
from chalicelib.core.errors import InvalidInput
from chalicelib.core.statement import Statement

_CLIENT_ID = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Policy:
    """The statements of one subject (`group:<name>` or `client:<app client id>`), as stored."""

    subject: str
    version: int
    statements: tuple[Statement, ...]
    updated_by: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class DeletedPolicy:
    """The record of a deletion. A field is None if another tool removed it.

    version     continues, so that a writer who read the old policy gets a conflict
    updated_by  who deleted the policy
    """

    subject: str
    version: int | None
    updated_by: str | None
    updated_at: str | None


@dataclass(frozen=True, slots=True)
class CorruptPolicy:
    """A stored item that another tool wrote and that is not a policy. A field is None if it is missing."""

    subject: str
    version: int | None
    updated_by: str | None
    updated_at: str | None


StoredPolicy = Policy | DeletedPolicy | CorruptPolicy


def check_subject(subject: str) -> str:
    """Returns the subject if it is well-formed. Raises InvalidInput."""
    kind, _, name = subject.partition(":")
    if kind == "group" and not group_name.is_group_name(name):
        raise InvalidInput("subject", f"{subject[:80]!r} does not name a group: expected {group_name.EXPECTED}")
    if kind not in ("group", "client") or (kind == "client" and not _CLIENT_ID.fullmatch(name)):
        raise InvalidInput("subject", f"{subject[:80]!r} is neither group:<name> nor client:<app client id>")
    return subject
