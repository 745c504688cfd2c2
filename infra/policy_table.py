"""Reads `policies/expected.yaml`, the reviewed table of expected permissions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.errors import Refused
from infra.policy_files import EXPECTED
from infra.templates import read_yaml

EVERYTHING, THE_REST = "everything", "everything else"
_LISTS = ("may", "may_after_recent_sign_in", "may_not")
_FIELDS = {"group", "client", "scopes", *_LISTS}
_FORM = "expected `public`, a list of routes, and `table`, a list of entries"
_ENTRY_FORM = (
    "expected `group` or `client` or `scopes` or a client with `scopes`, and `may`, `may_after_recent_sign_in` and"
    f" `may_not`, which are lists of routes such as GET /whoami, or {EVERYTHING!r} and {THE_REST!r}"
)


@dataclass(frozen=True)
class Entry:
    """The routes that a group, a client or a token with these scopes may call, and those that it may not call.

    subject                   `group:<name>` or `client:<name of an output>`; empty for the token of any user with these
                              scopes
    scopes                    of the token
    may                       right after a sign-in; whether the permission ends does not matter
    may_after_recent_sign_in  the permission must end some time after the sign-in
    """

    number: int
    subject: str
    scopes: frozenset[str]
    may: tuple[str, ...]
    may_after_recent_sign_in: tuple[str, ...]
    may_not: tuple[str, ...]

    @property
    def name(self) -> str:
        scopes = f"{'with ' if self.subject else 'a token with '}{' '.join(sorted(self.scopes))}" if self.scopes else ""
        return " ".join(filter(None, (self.subject.partition(":")[2], scopes)))


@dataclass(frozen=True)
class Table:
    """The table as it is written. `public` names the routes that need no token."""

    public: tuple[str, ...]
    entries: tuple[Entry, ...]


def read_table(folder: Path) -> Table:
    """Reads the table. Raises Refused for a table of another form."""
    name = f"{folder.name}/{EXPECTED}"
    written = read_yaml(folder.parent, name)
    if not isinstance(written, dict) or set(written) != {"public", "table"} or not isinstance(written["table"], list):
        raise Refused(f"{name}: {_FORM}.")
    public = _routes(written["public"], f"{name}: public")
    return Table(public, tuple(_entry(item, number, name) for number, item in enumerate(written["table"])))


def _entry(item: Any, number: int, name: str) -> Entry:
    where = f"{name}: entry {number + 1}"
    if not isinstance(item, dict) or not set(item) <= _FIELDS or set(_LISTS).isdisjoint(item):
        raise Refused(f"{where}: {_ENTRY_FORM}.")
    kinds = [kind for kind in ("group", "client") if kind in item]
    scopes = _routes(item.get("scopes", []), f"{where}: scopes")
    if len(kinds) > 1 or not (kinds or scopes) or not all(isinstance(item[kind], str) for kind in kinds):
        raise Refused(f"{where}: {_ENTRY_FORM}.")
    return Entry(
        number,
        f"{kinds[0]}:{item[kinds[0]]}" if kinds else "",
        frozenset(scopes),
        *(_routes(item.get(name, []), f"{where}: {name}") for name in _LISTS),
    )


def _routes(value: Any, where: str) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) and value in (EVERYTHING, THE_REST) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise Refused(f"{where}: expected a list.")
    return tuple(texts)
