"""Other verifiers, called as their documentation shows, with the checks that Cognito's tokens need."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, cast

import jwt
from authlib.deprecate import AuthlibDeprecationWarning
from jose import jwt as python_jose
from joserfc import jwt as joserfc
from joserfc.jwk import KeySet, KeySetSerialization

from benchmarks.tokens import CLIENT, ISSUER, JWKS

with warnings.catch_warnings():
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)  # it recommends joserfc, which is also measured
    from authlib.jose import JsonWebKey, JsonWebToken

Verify = Callable[[str], object]


def check_claims(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """Checks Cognito's claims, for libraries that check only the standard claims."""
    if claims["token_use"] != "access" or claims["client_id"] != CLIENT:
        raise ValueError("token_use or client_id is wrong")
    return claims


def pyjwt() -> Verify:
    keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(JWKS).keys}

    def verify(token: str) -> object:
        key = keys[jwt.get_unverified_header(token)["kid"]]
        return check_claims(
            jwt.decode(token, key, algorithms=["RS256"], issuer=ISSUER, options={"require": ["exp", "iat"]})
        )

    return verify


def joserfc_() -> Verify:
    keys = KeySet.import_key_set(cast(KeySetSerialization, JWKS))
    expected = joserfc.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER},
        exp={"essential": True},
        token_use={"essential": True, "value": "access"},
        client_id={"essential": True, "value": CLIENT},
    )

    def verify(token: str) -> object:
        claims = joserfc.decode(token, keys, algorithms=["RS256"]).claims
        expected.validate(claims)
        return claims

    return verify


def authlib() -> Verify:
    keys = JsonWebKey.import_key_set(JWKS)
    decoder = JsonWebToken(["RS256"])
    expected = {
        "iss": {"essential": True, "value": ISSUER},
        "exp": {"essential": True},
        "token_use": {"essential": True, "value": "access"},
        "client_id": {"essential": True, "value": CLIENT},
    }

    def verify(token: str) -> object:
        claims = decoder.decode(token, keys, claims_options=expected)
        claims.validate()
        return claims

    return verify


def jose() -> Verify:
    def verify(token: str) -> object:
        return check_claims(python_jose.decode(token, JWKS, algorithms=["RS256"], issuer=ISSUER))

    return verify


# package → the verifier made with it
PYTHON: dict[str, Callable[[], Verify]] = {
    "PyJWT": pyjwt,
    "joserfc": joserfc_,
    "Authlib": authlib,
    "python-jose": jose,
}
