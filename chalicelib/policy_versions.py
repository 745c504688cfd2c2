"""Use case: find an earlier version of a policy in the audit log. It reads only the entries that it needs."""

from collections.abc import Sequence

from chalicelib.core.audit import AuditEntry
from chalicelib.core.errors import InvalidInput, NotFound
from chalicelib.core.statement import Statement
from chalicelib.ports import AuditLog

_PAGE = 50


def statements_at(log: AuditLog, subject: str, version: int) -> tuple[Statement, ...]:
    """Returns the statements of a version.

    A version from before the audit log, or whose entry has expired, is known if the next version has an entry.

    Raises:  InvalidInput for a deletion; NotFound, which names the first and the last version; InternalError
    """
    what = f"version {version} of the policy for {subject}"
    page = log.history(subject, _PAGE, None)
    entries = [*page.entries]
    oldest = log.oldest(subject) if page.next and all(entry.version != version for entry in entries) else None
    while page.next and not _is_decided(entries, oldest, version):
        page = log.history(subject, _PAGE, page.next)
        entries += page.entries
    written = next((entry for entry in entries if entry.version == version), None)
    if written is None:
        replaced = next((entry.before for entry in entries if entry.version == version + 1), None)
        if replaced is None:
            raise NotFound(what, _restorable([*entries, *([oldest] if oldest else [])]))
        return replaced
    if written.after is None:
        raise InvalidInput("version", f"{what} is a deletion. To delete the policy, use DELETE")
    return written.after


def _is_decided(entries: Sequence[AuditEntry], oldest: AuditEntry | None, version: int) -> bool:
    """Returns whether the older entries cannot contain the version.

    Each write increments the version. An edit by another tool can set any version. Behind such an edit, every version
    is possible.
    """
    versions = [entry.version for entry in entries]
    if version in versions:
        return True
    if None in versions:
        return False
    first = oldest.version if oldest else None
    return any(it is not None and it < version for it in versions) or (first is not None and version < first - 1)


def _restorable(entries: Sequence[AuditEntry]) -> str:
    written = {entry.version for entry in entries if entry.version is not None}
    replaced = {entry.version - 1 for entry in entries if entry.version is not None and entry.before is not None}
    versions = written | replaced
    if not versions:
        return "No version of it is recorded"
    return f"The recorded versions are {min(versions)} to {max(versions)}"
