"""Other people's verifiers, called as their documentation shows, and made to check what Cognito's tokens need."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from authlib.deprecate import AuthlibDeprecationWarning
from jose import jwt as python_jose
from joserfc import jwt as joserfc
from joserfc.jwk import KeySet

from benchmarks.tokens import CLIENT, ISSUER, JWKS

with warnings.catch_warnings():
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)  # it recommends joserfc, which is measured as well
    from authlib.jose import JsonWebKey, JsonWebToken

Verify = Callable[[str], object]


def admit(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """What remains to be checked by hand where a library knows standard claims only."""
    if claims["token_use"] != "access" or claims["client_id"] != CLIENT:
        raise ValueError("this token is not meant for us")
    return claims


def pyjwt() -> Verify:
    keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(JWKS).keys}

    def verify(token: str) -> object:
        key = keys[jwt.get_unverified_header(token)["kid"]]
        return admit(jwt.decode(token, key, algorithms=["RS256"], issuer=ISSUER, options={"require": ["exp", "iat"]}))

    return verify


def joserfc_() -> Verify:
    keys = KeySet.import_key_set(JWKS)
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
        return admit(python_jose.decode(token, JWKS, algorithms=["RS256"], issuer=ISSUER))

    return verify


# package → the verifier made with it
PYTHON: dict[str, Callable[[], Verify]] = {
    "PyJWT": pyjwt,
    "joserfc": joserfc_,
    "Authlib": authlib,
    "python-jose": jose,
}
