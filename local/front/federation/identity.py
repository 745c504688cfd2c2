"""The identity that a provider states for a user, and the error for a refused answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SKEW_SECONDS = 60  # a provider's clock may be this far ahead
_LONGEST = 2048  # characters of a mapped attribute


class Refused(Exception):
    """The answer of a provider must not be accepted. The message names the check, and contains no value of it."""


@dataclass(frozen=True)
class Identity:
    """A user as a provider has verified them.

    subject     the identifier at the provider: SAML's NameID, or OIDC's `sub`
    attributes  all values by name
    """

    subject: str
    attributes: Mapping[str, tuple[str, ...]]


def mapped(identity: Identity, mapping: Mapping[str, str]) -> dict[str, str]:
    """Returns the mapped attributes by their name at the provider. Raises Refused for a value that is too long.

    mapping  the AttributeMapping of the provider: an attribute of the user pool → its name at the provider

    Several values become one text, `[a, b]`. It is not known how Cognito writes them (docs/limits.md).
    """
    wanted = {theirs for ours, theirs in mapping.items() if ours != "username"}
    texts = {name: _text(values) for name, values in identity.attributes.items() if name in wanted and values}
    for name, text in texts.items():
        if len(text) > _LONGEST:
            raise Refused(f"The attribute {name} is longer than {_LONGEST} characters.")
    return texts


def _text(values: tuple[str, ...]) -> str:
    return values[0] if len(values) == 1 else f"[{', '.join(values)}]"
