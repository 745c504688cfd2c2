"""Verifies the ID token of an OIDC provider. Pure: the token, the keys, the expectations and the time decide.

Source:  OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from local.front.federation.identity import SKEW_SECONDS, Identity, Refused

_ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]  # of public keys only


@dataclass(frozen=True)
class Expected:
    """What the ID token of one sign-in must contain.

    issuer        the provider
    client_id     the pool's client at the provider
    nonce         the value that the pool sent with the authentication request
    access_token  the token of the same response, whose hash the ID token may contain
    """

    issuer: str
    client_id: str
    nonce: str
    access_token: str


def verify(id_token: str, keys: Any, expected: Expected, now: float) -> Mapping[str, Any]:
    """Returns the claims. Raises Refused.

    keys  the provider's key set, as its `jwks_uri` publishes it
    """
    try:
        token = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=_ALGORITHMS)
    except (JoseError, LookupError, TypeError, ValueError) as error:
        raise Refused("The signature of the ID token is not valid.") from error
    _check_times(token.claims, now)
    options = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
    }
    values = {"nonce": expected.nonce, "client_id": expected.client_id, "access_token": expected.access_token}
    claims = CodeIDToken(token.claims, token.header, options, values)
    try:
        claims.validate(now=int(now), leeway=SKEW_SECONDS)
    except JoseError as error:
        raise Refused(f"The ID token is not valid: {error.error}.") from error
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise Refused("The ID token has no subject.")
    return dict(claims)


def identity(claims: Mapping[str, Any], userinfo: Mapping[str, Any]) -> Identity:
    """Returns the identity of the ID token and of userinfo. Raises Refused if they are about two users."""
    if userinfo.get("sub") != claims["sub"]:
        raise Refused("Userinfo is about another user than the ID token.")
    stated = {**claims, **userinfo}
    return Identity(claims["sub"], {name: _texts(value) for name, value in stated.items() if value is not None})


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    # The library accepts a text or a boolean, and adds the leeway to the expiry.
    for name in ("exp", "iat"):
        if type(claims.get(name)) not in (int, float):
            raise Refused(f"The ID token has no valid {name}.")
    if claims["exp"] <= now:
        raise Refused("The ID token has expired.")


def _texts(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(str(item).lower() if isinstance(item, bool) else str(item) for item in values)
