"""One account for every spelling of its name, in pools that are not case-sensitive. ministack tells spellings apart.

Source:  docs.aws.amazon.com/cognito → "User pool case sensitivity"
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import cognito

from local.front.wrapping import wrap


def install() -> None:
    """Wrap ministack's search for a user; once is enough, so a second call changes nothing."""
    wrap(cognito, "_resolve_user", _in_any_case)


def _in_any_case(original: Callable[..., Any], pool: dict[str, Any], name: Any) -> Any:
    found = original(pool, name)
    if found[0] or not isinstance(name, str) or not ignores_case(pool):
        return found
    for spelling in _names(pool):
        if spelling.casefold() == name.casefold():
            other = original(pool, spelling)  # an alias that is not verified finds nobody
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
