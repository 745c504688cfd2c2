"""Finds a user under every spelling of the username, in pools that are not case-sensitive.

Source:  docs.aws.amazon.com/cognito → "User pool case sensitivity"
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.front.patches import registry


@registry.patches("ministack.services.cognito", "_resolve_user")
def _resolve_user(original: Callable[..., Any], pool: dict[str, Any], name: Any) -> Any:
    """Finds a user under every spelling of the username, unless the pool is case-sensitive."""
    found = original(pool, name)
    if found[0] or not isinstance(name, str) or not ignores_case(pool):
        return found
    for spelling in _names(pool):
        if spelling.casefold() == name.casefold():
            other = original(pool, spelling)  # finds no user for an alias that is not verified
            if other[0]:
                return other
    return found


def ignores_case(pool: dict[str, Any]) -> bool:
    return (pool.get("UsernameConfiguration") or {}).get("CaseSensitive") is False


def _names(pool: dict[str, Any]) -> list[str]:
    aliases = {*(pool.get("UsernameAttributes") or []), *(pool.get("AliasAttributes") or [])}
    return [
        name
        for user in pool["_users"].values()
        for name in (user["Username"], *(a["Value"] for a in user["Attributes"] if a["Name"] in aliases))
    ]
