"""The form of the identifiers that Cognito makes. Pure."""

import re

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_cognito_id(text: str) -> bool:
    """Returns whether a text has the form of a `sub` or `origin_jti`, also of users of an identity provider."""
    return bool(_UUID.fullmatch(text))
