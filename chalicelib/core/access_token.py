"""The additions to one access token, and the removals from it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What the pre-token trigger changes in an access token, apart from the groups. It never adds a scope."""

    claims: Mapping[str, str | int | bool] = field(default_factory=dict)
    removed_scopes: tuple[str, ...] = ()


def custom_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Returns the scopes of resource servers. Only their names contain a slash."""
    return tuple(scope for scope in scopes if "/" in scope)
