"""Web origins, and the headers of cross-origin requests (CORS). Pure.

Source:  fetch.spec.whatwg.org → "CORS protocol"; RFC 6454
"""

import re
from collections.abc import Mapping, Sequence

from chalicelib.core import statement

METHODS = tuple(method for method in statement.METHODS if method != "OPTIONS")  # OPTIONS is the preflight itself
MAX_AGE_SECONDS = 600  # for how long a browser reuses the answer to a preflight

_HOST = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
_ORIGIN = re.compile(rf"(?:https://{_HOST}|http://(?:localhost|127\.0\.0\.1))(?::[1-9][0-9]{{0,4}})?")
# A page has no cookie of this API, so `*` covers every header except Authorization, which must be named.
_PREFLIGHT = {
    "Access-Control-Allow-Methods": ", ".join(METHODS),
    "Access-Control-Allow-Headers": "Authorization, *",
    "Access-Control-Max-Age": str(MAX_AGE_SECONDS),
}


def check_origin(origin: str) -> None:
    """Raises ValueError for a text that is not an https origin, or an http origin of the loopback interface.

    A browser sends an origin in lower case and without the default port. Another spelling would never match.
    """
    if not _ORIGIN.fullmatch(origin) or origin.endswith(":443" if origin.startswith("https") else ":80"):
        raise ValueError("is not an origin in the form https://app.example.com, without a path or a default port")


def response_headers(origin: str, allowed: Sequence[str]) -> dict[str, str]:
    """Returns the headers that let a page of this origin read the response. No header names another origin.

    Credentials are never allowed: callers send a token, and not a cookie.
    """
    if not allowed:
        return {}
    return {"Vary": "Origin"} | ({"Access-Control-Allow-Origin": origin} if origin in allowed else {})


def preflight_headers(origin: str, allowed: Sequence[str]) -> Mapping[str, str]:
    """Returns the headers of the answer to a preflight. They are the same for every path."""
    headers = response_headers(origin, allowed)
    return headers | _PREFLIGHT if "Access-Control-Allow-Origin" in headers else headers
