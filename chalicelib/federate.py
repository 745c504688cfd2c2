"""Use case: determine the groups in a user's token. Maps the groups of an identity provider to groups of the pool."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class TokenGroups:
    """Adds mapped groups and default groups to the groups that a user has in the user pool.

    onboard    gives the default groups to a new user without groups; see `onboard.Onboard`
    providers  the identity providers whose groups are trusted
    group_map  a group of the identity provider → a group of the user pool; other groups are dropped

    report_unmapped  is called with the number of groups that were dropped
    """

    onboard: Callable[[str, str, str, bool], tuple[str, ...]]
    providers: frozenset[str]
    group_map: Mapping[str, str]
    report_unmapped: Callable[[int], object] = lambda _: None

    def __call__(
        self, pool_id: str, username: str, attributes: Mapping[str, str], held: Sequence[str]
    ) -> tuple[str, ...]:
        """Returns the groups for one token. Raises InternalError."""
        mapped = self._mapped(attributes)
        # Cognito adds every user of a provider to a group with the provider's name. That group grants nothing.
        own = [group for group in held if not group.startswith(f"{pool_id}_")]
        given = self.onboard(pool_id, username, attributes["sub"], bool(own or mapped))
        return tuple(dict.fromkeys((*held, *mapped, *given)))

    def _mapped(self, attributes: Mapping[str, str]) -> tuple[str, ...]:
        if attributes.get("cognito:user_status") != "EXTERNAL_PROVIDER":
            return ()  # a local user can write the attribute
        user_providers = _providers_of(attributes.get("identities", ""))
        if not user_providers or not user_providers <= self.providers:
            return ()  # not all of the providers are trusted, and any of them can write the attribute
        claimed = attributes.get("custom:idp_groups", "")
        # A single value arrives without a list around it. A name can begin or end with a bracket.
        names = [claimed] if claimed in self.group_map else _names(claimed)
        mapped = tuple(self.group_map[name] for name in names if name in self.group_map)
        if dropped := len([name for name in names if name]) - len(mapped):
            self.report_unmapped(dropped)
        return mapped


def _providers_of(identities: str) -> set[str]:
    try:
        listed: Any = json.loads(identities or "[]")
        return {str(identity["providerName"]) for identity in listed}
    except (ValueError, TypeError, KeyError):
        return set()


def _names(claimed: str) -> list[str]:
    """Returns the values of one text: `["a","b"]`, `[a, b]` or `a,b`, depending on the provider.

    Only the first form, JSON, marks where a name ends: see docs/limits.md.
    """
    try:
        # In `[101, 102]` a name of digits is a JSON number. It stays as it was written.
        listed: Any = json.loads(claimed, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        listed = None
    if not isinstance(listed, list):
        text = claimed.strip()
        inside = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        return [name.strip().strip('"') for name in inside.split(",")]
    return [name if isinstance(name, str) else json.dumps(name) for name in listed if not isinstance(name, list | dict)]
