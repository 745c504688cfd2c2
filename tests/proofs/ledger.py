"""What was written and promised, and from when on it binds: the invalidation machine's idea of the truth. Pure.

A request that starts may be decided on the newest version that binds it, or on one written later, and on nothing else:
so what was taken away is refused, and what was granted is granted.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import product
from math import inf
from typing import Any, NamedTuple


class Violated(AssertionError):
    """A promise was broken; `promise` says which."""

    def __init__(self, promise: str, story: str) -> None:
        super().__init__(f"{promise}: {story}")
        self.promise = promise


@dataclass(frozen=True, slots=True)
class EffectivePermissions:
    """What is promised of a write.

    promised_after  seconds from its acknowledgement until it binds every request that starts
    healed_after    seconds from the write until it does so though nobody acknowledged it
    """

    promised_after: float
    healed_after: float


class Meaning(NamedTuple):
    """Which routes a policy allows and denies, to those who carry its scope, if it has one.

    makes_sense  is false for a policy that cannot be read
    """

    allows: frozenset[str] = frozenset()
    denies: frozenset[str] = frozenset()
    scope: str = ""
    makes_sense: bool = True


@dataclass(eq=False, slots=True)
class Version:
    """What an item says from a write to the next."""

    meaning: Any
    written_at: float
    acknowledged_at: float = inf


Key = tuple[str, str]  # what kind of thing, and which
Bound = Mapping[Key, int]  # the number of each item's version that binds


class Ledger:
    """Every version of every item, in the order in which they were written."""

    def __init__(self, permissions: EffectivePermissions) -> None:
        self._terms = permissions
        self._versions: dict[Key, list[Version]] = {}

    def begin(self, key: Key, meaning: Any) -> None:
        """Say what an item has meant for ever; nothing happens if that is known."""
        self._versions.setdefault(key, [Version(meaning, -inf, -inf)])

    def write(self, key: Key, meaning: Any, now: float) -> Version:
        self._versions[key].append(Version(meaning, now))
        return self._versions[key][-1]

    def latest(self, key: Key) -> Any:
        return self._versions[key][-1].meaning

    def bound(self, now: float) -> Bound:
        """What binds a request that starts at this moment."""
        return {
            key: max(number for number, version in enumerate(versions) if self._binds(version, now))
            for key, versions in self._versions.items()
        }

    def since(self, bound: Bound, key: Key) -> list[Any]:
        """All that an item has meant to a request that was so bound when it started."""
        return [version.meaning for version in self._versions[key][bound.get(key, 0) :]]

    def _binds(self, version: Version, now: float) -> bool:
        acknowledged, written = version.acknowledged_at, version.written_at
        return now >= acknowledged + self._terms.promised_after or now >= written + self._terms.healed_after


def routes(policies: Collection[Meaning], scopes: Collection[str]) -> frozenset[str]:
    """Where one may go: wherever a policy allows, and none denies."""
    counting = [policy for policy in policies if not policy.scope or policy.scope in scopes]
    allowed = frozenset[str]().union(*(policy.allows for policy in counting))
    return allowed.difference(*(policy.denies for policy in counting))


def possible_routes(windows: Collection[list[Meaning]], scopes: Collection[str]) -> set[frozenset[str]]:
    """Where one may go, if each policy may be any version of its window; one that makes no sense leads nowhere."""
    choices = product(*(dict.fromkeys(window) for window in windows))
    return {routes(choice, scopes) for choice in choices if all(policy.makes_sense for policy in choice)}
