"""Records every write and its acknowledgement, and computes which versions bind a request. Pure.

A request may be decided on the newest version that binds it at its start, or on a later version. No other version is
allowed. A revoked permission is therefore refused, and a granted permission is allowed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import product
from math import inf
from typing import Any, NamedTuple


class Violation(AssertionError):
    """The shipped code has broken the guarantee. `rule` names the broken rule."""

    def __init__(self, rule: str, details: str) -> None:
        super().__init__(f"{rule}: {details}")
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Guarantee:
    """The time from which a write binds every new request.

    after_acknowledgement  seconds after its acknowledgement
    after_write            seconds after the write itself, if there is no acknowledgement
    """

    after_acknowledgement: float
    after_write: float


class PolicyContent(NamedTuple):
    """The routes that a policy allows and denies, for tokens with its scope if it names one.

    is_readable  false for a policy that cannot be parsed
    """

    allows: frozenset[str] = frozenset()
    denies: frozenset[str] = frozenset()
    scope: str = ""
    is_readable: bool = True


@dataclass(eq=False, slots=True)
class Version:
    """The content of an item from one write to the next."""

    content: Any
    written_at: float
    acknowledged_at: float = inf


Key = tuple[str, str]  # the kind of item, and its name
Bound = Mapping[Key, int]  # the number of the binding version of each item


class Ledger:
    """Every version of every item, in the instruction in which they were written."""

    def __init__(self, guarantee: Guarantee) -> None:
        self._guarantee = guarantee
        self._versions: dict[Key, list[Version]] = {}

    def begin(self, key: Key, content: Any) -> None:
        """Sets the original content of an item, unless the item is known."""
        self._versions.setdefault(key, [Version(content, -inf, -inf)])

    def write(self, key: Key, content: Any, now: float) -> Version:
        self._versions[key].append(Version(content, now))
        return self._versions[key][-1]

    def latest(self, key: Key) -> Any:
        return self._versions[key][-1].content

    def bound(self, now: float) -> Bound:
        """Returns the versions that bind a request that starts now."""
        return {
            key: max(number for number, version in enumerate(versions) if self._binds(version, now))
            for key, versions in self._versions.items()
        }

    def since(self, bound: Bound, key: Key) -> list[Any]:
        """Returns every content that an item has had since its binding version."""
        return [version.content for version in self._versions[key][bound.get(key, 0) :]]

    def versions_since(self, bound: Bound, key: Key, content: Any) -> list[Version]:
        """Returns the versions since the binding one with at least this content, such as later revocations."""
        return [version for version in self._versions[key][bound.get(key, 0) :] if version.content >= content]

    def _binds(self, version: Version, now: float) -> bool:
        acknowledged, written = version.acknowledged_at, version.written_at
        return (
            now >= acknowledged + self._guarantee.after_acknowledgement or now >= written + self._guarantee.after_write
        )


def routes(policies: Collection[PolicyContent], scopes: Collection[str]) -> frozenset[str]:
    """Returns the routes that a policy allows and no policy denies."""
    counting = [policy for policy in policies if not policy.scope or policy.scope in scopes]
    allowed = frozenset[str]().union(*(policy.allows for policy in counting))
    return allowed.difference(*(policy.denies for policy in counting))


def possible_routes(windows: Collection[list[PolicyContent]], scopes: Collection[str]) -> set[frozenset[str]]:
    """Returns the possible route sets if each policy may be any version of its window. Skips unreadable policies."""
    choices = product(*(dict.fromkeys(window) for window in windows))
    return {routes(choice, scopes) for choice in choices if all(policy.is_readable for policy in choice)}
