"""A custom claim of access tokens: its name, and where its value comes from. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_CLAIMS = 20
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_ATTRIBUTE = re.compile(r"custom:[A-Za-z0-9_-]{1,20}")
_MAX_TEXT = 256
# Not only the company's provider writes this attribute. A user who signs up through its app client can write it too.
_WRITABLE = frozenset({"custom:idp_groups"})
# The claims of RFC 7519, 7800, 8693 and 9068, of OpenID Connect Core, and of Cognito: readers rely on their meaning.
PROTECTED = frozenset(
    [
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "token_use", "scope", "username", "auth_time"),
        *("origin_jti", "version", "event_id", "device_key", "acr", "amr", "azp", "nonce", "at_hash", "c_hash", "sid"),
        *("cnf", "act", "may_act", "groups", "roles", "entitlements", "identities", "name", "email", "email_verified"),
        *("phone_number", "phone_number_verified"),
    ]
)


@dataclass(frozen=True, slots=True)
class CustomClaim:
    """A claim with a fixed value, or with the value of an attribute of the user.

    attribute  such as `custom:tenant`; empty for a fixed value. A machine has no attributes
    """

    name: str
    attribute: str = ""
    value: str | int | bool = ""

    def value_for(self, attributes: Mapping[str, str]) -> str | int | bool | None:
        """Returns the value of the claim, or None if the user lacks the attribute. The token then lacks the claim."""
        return (attributes.get(self.attribute) or None) if self.attribute else self.value


def parse_claims(value: Any) -> tuple[CustomClaim, ...]:
    """Returns the claims of a parsed JSON value.

    Shape:   {"<claim>": {"attribute": "custom:<name>"}, "<claim>": {"value": <text, whole number or boolean>}}
    Raises:  ValueError, which names the claim and the remedy
    """
    if not isinstance(value, dict) or len(value) > MAX_CLAIMS:
        raise ValueError(f"expected a JSON object with at most {MAX_CLAIMS} claims")
    return tuple(_claim(name, source) for name, source in value.items())


def _claim(name: str, source: Any) -> CustomClaim:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:80]!r}: expected 1 to 64 letters, digits or underscores, with a letter first")
    if name.lower() in PROTECTED:
        raise ValueError(f"{name}: the protocol defines this claim. Choose another name")
    match source:
        case {"attribute": str(attribute), **rest} if not rest:
            if not _ATTRIBUTE.fullmatch(attribute) or attribute in _WRITABLE:
                raise ValueError(f"{name}: expected a custom attribute that no user can write, such as custom:tenant")
            return CustomClaim(name, attribute=attribute)
        case {"value": (str() | bool() | int()) as fixed, **rest} if not rest and len(str(fixed)) <= _MAX_TEXT:
            return CustomClaim(name, value=fixed)
        case _:
            raise ValueError(
                f"{name}: expected {{'attribute': 'custom:...'}}, or {{'value': ...}} with a text of at most"
                f" {_MAX_TEXT} characters, a whole number, true or false"
            )
