"""Signature Version 4 for a POST to the path `/` without a query, which is every request to DynamoDB. Pure.

Source:  docs.aws.amazon.com/IAM → "Create a signed AWS API request"
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from chalicelib.core.errors import InternalError

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys of a role. Their text form shows none of them, so that no log can contain them."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Raises InternalError for a value that does not fit into a header. It quotes no value."""
        for value in (self.access_key_id, self.secret_access_key, self.session_token or ""):
            if not (value.isascii() and value.isprintable()):  # a line break would begin another header
                raise InternalError("bad_credentials", "the credentials contain a character that is not printable")


def authorization(credentials: Credentials, region: str, service: str, headers: Mapping[str, str], body: bytes) -> str:
    """Returns the value of the header `Authorization`.

    headers  every header that is signed: lower-case names; `x-amz-date` holds the time as 20150830T123600Z
    """
    time = headers["x-amz-date"]
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in sorted(headers))
    request = f"POST\n/\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
    scope = f"{time[:8]}/{region}/{service}/aws4_request"
    text = f"{_ALGORITHM}\n{time}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"{_ALGORITHM} Credential={credentials.access_key_id}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
