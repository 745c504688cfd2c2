"""The tokens of the measurements: in the form of Cognito, signed with a key of this run."""

import base64
import json
import time
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import RSAAlgorithm

from benchmarks.rounds import Timer, timer
from chalicelib.core.claims import Expectation
from tests import mint

POOL = "eu-central-1_Gatehouse"
ISSUER = f"https://cognito-idp.eu-central-1.amazonaws.com/{POOL}"
CLIENT = "4q2v8h1n6t0c9s3k7m5b1d0x2z"
EXPECTED = Expectation(ISSUER, frozenset({CLIENT}))
KID = "Q2xlcmtzIG9mIE9seW1wdXMga2VlcCB0aGVpciBrZXlzPQ=="

PUBLIC_KEY = mint.private_key(KID).public_key()
JWKS = {"keys": [{**RSAAlgorithm.to_jwk(PUBLIC_KEY, as_dict=True), "kid": KID, "alg": "RS256", "use": "sig"}]}

PERSON = "c1e7c000-0000-4000-8000-00000000c1e7"
_FEW_SCOPES = "openid email https://gatehouse.example/file.read https://gatehouse.example/file.write"
_MANY_SCOPES = " ".join(f"https://gatehouse.example/department{number}/archive.read" for number in range(10))


def groups(count: int) -> list[str]:
    return [f"department{number}" for number in range(1, count + 1)]


@cache
def natural(group_count: int = 1) -> str:
    """Returns a user's access token, about 1.2 kB with one group."""
    return _token(group_count, _FEW_SCOPES)


@cache
def large() -> str:
    """Returns an access token with many scopes, about 1.8 kB."""
    return _token(1, _MANY_SCOPES)


def claims(group_count: int = 1, scopes: str = _FEW_SCOPES) -> dict[str, Any]:
    now = int(time.time())
    return mint.person(
        **{"cognito:groups": groups(group_count)},
        sub=PERSON,
        username=PERSON,
        iss=ISSUER,
        version=2,
        client_id=CLIENT,
        event_id="0b1e55ed-0000-4000-8000-000000000003",
        scope=scopes,
        auth_time=now - 60,
        iat=now - 60,
        exp=now + 3600,
    )


def _token(group_count: int, scopes: str) -> str:
    return mint.token(claims(group_count, scopes), kid=KID)


def forged(token: str) -> str:
    """Returns the token with a claim that was changed after the signature."""
    header, payload, signature = token.split(".")
    changed = {**json.loads(base64.urlsafe_b64decode(payload + "==")), "username": "zeus"}
    return f"{header}.{mint.base64url(json.dumps(changed).encode())}.{signature}"


def unit(token: str) -> Timer:
    """Returns the timer of the unit: `cryptography` verifies the RSA-2048 signature of the token."""
    signing_input, _, signature = token.rpartition(".")
    signed, raw, padding, digest = (
        signing_input.encode(),
        base64.urlsafe_b64decode(signature + "=="),
        PKCS1v15(),
        SHA256(),
    )
    return timer(lambda: PUBLIC_KEY.verify(raw, signed, padding, digest))
