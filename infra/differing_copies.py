"""Finds restrictions that some copies of the state have and others do not, and the commands that repair them.

A lockdown, or the revocation of an app client, is written to one copy after the other. A command that stops in between
leaves such copies. So does somebody who edits an item.
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil

from chalicelib.aws.authorization_state import CLIENT_LIFE_SECONDS
from chalicelib.aws.items import Item
from chalicelib.aws.state_copies import NOT_REVOKED, StateCopies
from chalicelib.aws.state_reads import client_attribute, locked_until
from chalicelib.ports import Revocation

_CLIENT = client_attribute("")


@dataclass(frozen=True)
class Difference:
    """A restriction that some items of the state have and others do not.

    restriction  what it is, for the operator
    copies       the numbers of the copies that differ from the original
    of           the number of copies in use
    complete     the command that makes it effective in every copy
    lift         the command that lifts it in every copy
    """

    restriction: str
    copies: tuple[int, ...]
    of: int
    complete: str
    lift: str

    def __str__(self) -> str:
        numbers = ", ".join(map(str, self.copies))
        return (
            f"The {self.restriction} differs from the original in {len(self.copies)} of {self.of} copies of the state"
            f" ({numbers}). Some authorizers do not know it. If no command is writing it now, complete it:"
            f" `{self.complete}`. Or lift it: `{self.lift}`."
        )


@dataclass(frozen=True)
class _Items:
    original: Item
    copies: Mapping[int, Item]


def differences(copies: StateCopies, revocations: Iterable[Revocation], stage: str, now: float) -> list[Difference]:
    """Returns the restrictions that are not the same in the original and in each copy in use. Raises InternalError.

    revocations  those of the state table
    now          seconds since 1970. A lockdown that has ended, and a revocation older than any token, do not count
    """
    original = copies.original()
    found = copies.read(copies.numbers(original))
    in_use = {number: copy for number, copy in found.items() if "n" in copy}  # another copy admits nobody
    items = _Items(original, in_use)
    revoked = {it.value: it.revoked_at for it in revocations if it.kind == "client"}
    return [*_lockdown(items, stage, now), *_revocations(items, revoked, stage, now)]


def command(*words: str) -> str:
    """Returns a command of the operator, for a shell."""
    return shlex.join(("python", "manage.py", *words))


def _lockdown(items: _Items, stage: str, now: float) -> Iterator[Difference]:
    def end(item: Item) -> int:
        return locked_until(item) if locked_until(item) > now else 0

    expected = end(items.original)
    differing = tuple(number for number, copy in items.copies.items() if end(copy) != expected)
    if differing:
        latest = max(map(end, (items.original, *items.copies.values())))
        reason = items.original["locked_reason"]["S"] if expected else "repair the copies of the state"
        words = ("lockdown", "--stage", stage)
        yield Difference(
            "lockdown",
            differing,
            len(items.copies),
            command(*words, "--for", f"{ceil((latest - now) / 60)}m", "--reason", reason),
            command(*words, "--lift", "--reason", "repair the copies of the state"),
        )


def _revocations(items: _Items, revoked: Mapping[str, int], stage: str, now: float) -> Iterator[Difference]:
    stored = {name.removeprefix(_CLIENT) for it in items.copies.values() for name in it if name.startswith(_CLIENT)}
    for client_id in sorted(stored | revoked.keys()):
        expected = _current(revoked.get(client_id), now)
        differing = tuple(
            number for number, copy in items.copies.items() if _current(_revoked_at(copy, client_id), now) != expected
        )
        if differing:
            words = ("revoke", "--client", client_id, "--stage", stage)
            what = f"revocation of the app client {client_id}"
            yield Difference(what, differing, len(items.copies), command(*words), command(*words, "--lift"))


def _revoked_at(copy: Item, client_id: str) -> int | None:
    name = client_attribute(client_id)
    return int(copy[name]["N"]) if name in copy else None


def _current(revoked_at: int | None, now: float) -> int:
    """Returns when a client was revoked. DynamoDB deletes an expired revocation from the original only."""
    return revoked_at if revoked_at is not None and revoked_at > now - CLIENT_LIFE_SECONDS else NOT_REVOKED
