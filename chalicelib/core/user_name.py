"""Validates the names of users. Pure."""

import re

from chalicelib.core.group_name import MAX_CHARACTERS, is_group_name

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})+")

EXPECTED_ADDRESS = f"an e-mail address of at most {MAX_CHARACTERS} ASCII characters"


def is_address(text: str) -> bool:
    """Returns whether a browser accepts the e-mail address, with a domain of two labels or more.

    Source:  html.spec.whatwg.org → "Valid e-mail address"
    """
    return len(text) <= MAX_CHARACTERS and bool(_ADDRESS.fullmatch(text))


def is_user_name(text: str) -> bool:
    """Returns whether a user can have the name. Cognito accepts the same characters in the names of groups."""
    return is_group_name(text)
