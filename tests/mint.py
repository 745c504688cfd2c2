"""Signs tokens for tests as a fake user pool."""

import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from chalicelib.core.claims import Expectation

NOW = 1_800_000_000  # seconds since 1970, the time of the clocks in tests
ISSUER = "https://cognito-idp.mars-west-1.amazonaws.com/mars-west-1_Olympus"
WEB_CLIENT, MACHINE_CLIENT = "webclientofolympus", "machineofolympus"
EXPECTED = Expectation(ISSUER, frozenset({WEB_CLIENT, MACHINE_CLIENT}))
KID = "olympus-1"


def private_key(kid: str = KID) -> RSAPrivateKey:
    """Returns the private key of a name. Each name has its own key."""
    return _generated(kid)


@cache
def _generated(_kid: str) -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def person(**changes: Any) -> dict[str, Any]:
    """Returns the claims of a clerk's access token. A change to None removes the claim."""
    claims = {
        "sub": "c1e7c000-0000-4000-8000-00000000c1e7",
        "iss": ISSUER,
        "token_use": "access",
        "client_id": WEB_CLIENT,
        "username": "clerk",
        "cognito:groups": ["clerks"],
        "scope": "openid https://gatehouse.example/file.read",
        "origin_jti": "0b1e55ed-0000-4000-8000-000000000001",
        "jti": "0b1e55ed-0000-4000-8000-000000000002",
        "auth_time": NOW - 60,
        "iat": NOW - 60,
        "exp": NOW + 840,
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def machine(**changes: Any) -> dict[str, Any]:
    """Returns the claims of a machine's access token."""
    absent = {"username": None, "cognito:groups": None, "origin_jti": None, "auth_time": None}
    return person(**{**absent, "sub": MACHINE_CLIENT, "client_id": MACHINE_CLIENT, **changes})


def sign(header: bytes, payload: bytes, key: RSAPrivateKey) -> str:
    """Signs any bytes, valid JSON or not."""
    signing_input = f"{base64url(header)}.{base64url(payload)}"
    return f"{signing_input}.{base64url(key.sign(signing_input.encode(), PKCS1v15(), SHA256()))}"


def token(claims: Mapping[str, Any], kid: str = KID, key: RSAPrivateKey | None = None, **header: Any) -> str:
    """Signs claims as Cognito does."""
    head = {"kid": kid, "alg": "RS256", **header}
    return sign(json.dumps(head).encode(), json.dumps(claims).encode(), key or private_key(kid))
