"""Parses the Authorization header, in the same way for both use cases."""

import re

from chalicelib.core.errors import TokenRejected

_BEARER = re.compile(r"bearer +(?=[^ ])", re.IGNORECASE)


def token_of(header: str) -> str:
    """Returns the token of `Bearer <token>` or of a header that is the token alone.

    Shape:   the scheme in any case, and one or more spaces (RFC 9110 → "Authentication Scheme", RFC 6750)
    Raises:  TokenRejected for another scheme or a missing token
    """
    if " " not in header:
        return header
    scheme = _BEARER.match(header)
    if scheme is None:
        raise TokenRejected("missing_token", "the Authorization header has no bearer token")
    return header[scheme.end() :]
