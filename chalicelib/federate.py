"""Use case: which groups a person's token carries. A company's groups count only where they are translated."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class TokenGroups:
    """Adds to the groups that a person holds in the user pool.

    onboard    gives the default groups to a newcomer who holds none; see `onboard.Onboard`
    providers  the company's identity providers, whose word on groups is taken
    group_map  a group at the company → a group here; what is not in it is dropped
    """

    onboard: Callable[[str, str, str, bool], tuple[str, ...]]
    providers: frozenset[str]
    group_map: Mapping[str, str]

    def __call__(
        self, pool_id: str, username: str, attributes: Mapping[str, str], held: Sequence[str]
    ) -> tuple[str, ...]:
        """Name the groups for one token. Raises CannotDecide."""
        translated = self._translated(attributes)
        # Cognito puts everyone who came by a provider into a group of that name, which grants nothing.
        own = [group for group in held if not group.startswith(f"{pool_id}_")]
        given = self.onboard(pool_id, username, attributes["sub"], bool(own or translated))
        return tuple(dict.fromkeys((*held, *translated, *given)))

    def _translated(self, attributes: Mapping[str, str]) -> tuple[str, ...]:
        if attributes.get("cognito:user_status") != "EXTERNAL_PROVIDER":
            return ()  # a local user could have written the attribute
        came_by = _providers_of(attributes.get("identities", ""))
        if not came_by or not came_by <= self.providers:
            return ()  # another provider's word would count as much, and nobody expects that one
        claimed = attributes.get("custom:idp_groups", "")
        # One value arrives as it is, and a name may begin or end with a bracket.
        names = [claimed] if claimed in self.group_map else _names(claimed)
        return tuple(self.group_map[name] for name in names if name in self.group_map)


def _providers_of(identities: str) -> set[str]:
    try:
        listed: Any = json.loads(identities or "[]")
        return {str(identity["providerName"]) for identity in listed}
    except (ValueError, TypeError, KeyError):
        return set()


def _names(claimed: str) -> list[str]:
    """Read several values from one text: `["a","b"]`, `[a, b]` or `a,b`, depending on the provider.

    Only the first form, JSON, says where a name ends: docs/limits.md.
    """
    try:
        # A name that is all digits is a number in `[101, 102]`: it is kept as it was written.
        listed: Any = json.loads(claimed, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        listed = None
    if not isinstance(listed, list):
        text = claimed.strip()
        inside = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        return [name.strip().strip('"') for name in inside.split(",")]
    return [name if isinstance(name, str) else json.dumps(name) for name in listed if not isinstance(name, list | dict)]
