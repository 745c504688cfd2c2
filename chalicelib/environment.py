"""One environment variable as a typed attribute, and the readers of its value."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, overload
from urllib.parse import urlsplit

from chalicelib.core import group_name
from chalicelib.core.errors import InternalError

if TYPE_CHECKING:
    from chalicelib.core.custom_claim import CustomClaim

T_co = TypeVar("T_co", covariant=True)


class HasEnviron(Protocol):
    """The owner of settings."""

    environ: Mapping[str, str]


class Setting(Generic[T_co]):
    """A descriptor that reads one environment variable at each access.

    name     of the variable
    read     (name, value) → the parsed value; raises InternalError
    unit     of the value, for the documentation
    meaning  for the documentation
    default  the value of an absent variable; None: the variable must be set

    Raises:  InternalError for a variable that is missing or invalid
    """

    def __init__(
        self, name: str, read: Callable[[str, str], T_co], unit: str, meaning: str, default: str | None = None
    ) -> None:
        self.name, self.unit, self.meaning, self.default = name, unit, meaning, default
        self._read = read

    @overload
    def __get__(self, owner: None, kind: type) -> Self: ...

    @overload
    def __get__(self, owner: HasEnviron, kind: type) -> T_co: ...

    def __get__(self, owner: HasEnviron | None, kind: type) -> Self | T_co:
        if owner is None:
            return self
        value = owner.environ.get(self.name, self.default)
        if value is None:
            raise missing(self.name)
        return self._read(self.name, value)


def missing(name: str) -> InternalError:
    return InternalError("missing_setting", f"the environment variable {name} is not set")


def text(name: str, value: str) -> str:
    """Returns the value. An empty value counts as missing."""
    if not value:
        raise missing(name)
    return value


def optional_text(_: str, value: str) -> str | None:
    """Returns the value, or None for an empty value."""
    return value or None


def names(name: str, value: str) -> frozenset[str]:
    """Returns names that are separated by commas. An empty value counts as missing."""
    return optional_names(name, text(name, value))


def optional_names(_: str, value: str) -> frozenset[str]:
    """Returns names that are separated by commas."""
    return frozenset(part.strip() for part in value.split(",") if part.strip())


def origins(name: str, value: str) -> tuple[str, ...]:
    """Returns web origins that are separated by commas without a space, in the given order.

    The template's parameter AllowedOrigins accepts the same texts.
    """
    from chalicelib.core.origin import check_origin  # the authorizer does not read this setting

    found = tuple(value.split(",")) if value else ()
    for origin in found:
        try:
            check_origin(origin)
        except ValueError as error:
            raise InternalError("bad_setting", f"{name}: {origin[:80]!r} {error}") from None
    return found


def number(minimum: int, maximum: int) -> Callable[[str, str], int]:
    """Returns a reader of whole numbers from `minimum` to `maximum`."""

    def read(name: str, value: str) -> int:
        if not value.isdecimal() or not minimum <= int(value) <= maximum:
            raise InternalError("bad_setting", f"{name} must be a whole number from {minimum} to {maximum}")
        return int(value)

    return read


def keys_url(name: str, value: str) -> str:
    """Returns an https URL, or an http URL of the loopback interface."""
    url = text(name, value)
    try:
        scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
    except ValueError:
        scheme, host = "", None
    if scheme != "https" and not (scheme == "http" and host in ("localhost", "127.0.0.1")):
        raise InternalError("bad_setting", f"{name} must begin with https")
    return url


def groups(name: str, value: str) -> frozenset[str]:
    """Returns names of groups, separated by commas or as a JSON list. Only a list can hold a name with a comma."""
    listed = _json(name, value)
    is_list = isinstance(listed, list) and all(isinstance(group, str) for group in listed)
    found = frozenset(listed) if is_list else optional_names(name, value)
    _check_groups(name, found)
    return found


def sorted_groups(name: str, value: str) -> tuple[str, ...]:
    """Returns the same names as `groups`, in a stable order."""
    return tuple(sorted(groups(name, value)))


def group_map(name: str, value: str) -> Mapping[str, str]:
    """Returns a JSON object from provider groups to user pool groups.

    Refuses a provider group with a comma, because it could be two groups.
    """
    read = _json(name, value)
    if not isinstance(read, dict) or not all(isinstance(group, str) and group for group in read.values()):
        raise InternalError("bad_setting", f"{name} must be a JSON object whose values are names")
    if not all(group.strip() and "," not in group for group in read):
        raise InternalError("bad_setting", f"{name} must not map an empty name or a name with a comma")
    _check_groups(name, read.values())
    return read


def custom_claims(name: str, value: str) -> "tuple[CustomClaim, ...]":
    """Returns the custom claims of a JSON object: see `custom_claim.parse_claims`."""
    from chalicelib.core.custom_claim import parse_claims  # every function starts with this module, and few read claims

    try:
        return parse_claims(json.loads(text(name, value)))
    except ValueError as error:
        raise InternalError("bad_setting", f"{name}: {error}") from None


def scope_groups(name: str, value: str) -> Mapping[str, frozenset[str]]:
    """Returns a JSON object from scopes to lists of groups."""
    read = _json(name, value)
    if not isinstance(read, dict) or not all(
        isinstance(listed, list) and all(isinstance(group, str) for group in listed) for listed in read.values()
    ):
        raise InternalError("bad_setting", f"{name} must be a JSON object whose values are lists of groups")
    if not all("/" in scope and not any(character.isspace() for character in scope) for scope in read):
        raise InternalError("bad_setting", f"{name} must map whole custom scopes, <resource server>/<scope>")
    _check_groups(name, (group for listed in read.values() for group in listed))
    return {scope: frozenset(listed) for scope, listed in read.items()}


def _json(name: str, value: str) -> Any:
    """Returns a JSON value, or None if the text is not JSON."""
    try:
        return json.loads(text(name, value))
    except ValueError:
        return None


def _check_groups(setting: str, found: Iterable[str]) -> None:
    for group in found:
        if not group_name.is_group_name(group):
            expected = group_name.EXPECTED
            raise InternalError("bad_setting", f"{setting}: {group[:80]!r} does not name a group: expected {expected}")
