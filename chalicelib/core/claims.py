"""Validates the claims of a Cognito access token and returns its principal. Pure: the time is an argument."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.core.errors import TokenRejected
from chalicelib.core.principal import Principal

ISSUED_AHEAD_SECONDS = 60  # the tolerance for Cognito's clock being ahead of ours


@dataclass(frozen=True, slots=True)
class Expectation:
    """Accepts the tokens of one issuer, compared exactly, and of the listed app clients."""

    issuer: str
    client_ids: frozenset[str]


def principal_from(claims: Mapping[str, Any], expected: Expectation, now: float) -> Principal:
    """Returns the principal of an access token after checking every claim. The signature must have been verified.

    Units:   `now` and all times are seconds since 1970. Only `iat` has leeway, ISSUED_AHEAD_SECONDS, as clocks differ.
    Raises:  TokenRejected
    Source:  docs.aws.amazon.com/cognito → "Verifying JSON web tokens"; RFC 8725
    """
    expires_at, issued_at = _time(claims, "exp"), _time(claims, "iat")
    valid_from = max(issued_at - ISSUED_AHEAD_SECONDS, _time(claims, "nbf") if "nbf" in claims else 0)
    if claims.get("iss") != expected.issuer:
        raise TokenRejected("wrong_issuer", "the token comes from another issuer")
    if claims.get("token_use") != "access":
        raise TokenRejected("wrong_token_use", "the token is not an access token")
    client_id = _text(claims, "client_id")
    if client_id not in expected.client_ids:
        raise TokenRejected("wrong_client", "the token was issued to an app client that is not accepted here")
    if "aud" in claims:  # Cognito sets it only in an access token that is bound to another resource
        raise TokenRejected("wrong_audience", "the token is for another audience")
    if expires_at <= now:
        raise TokenRejected("token_expired", f"the token expired {int(now) - max(expires_at, 0)} s ago")
    if valid_from > now:
        raise TokenRejected("token_not_yet_valid", f"the token is valid in {valid_from - int(now)} s")
    username = _text(claims, "username", default="")
    groups = _groups(claims)
    _text(claims, "jti", default="")  # unused, but a token with a malformed id is malformed
    return Principal(
        subject=_text(claims, "sub"),
        client_id=client_id,
        username=username,
        # The groups of a machine are ignored. A user does not get the permissions of the app client.
        policy_subjects=tuple(f"group:{name}" for name in groups) if username else (f"client:{client_id}",),
        scopes=frozenset(_text(claims, "scope", default="").split()),
        session=_text(claims, "origin_jti", default=""),
        issued_at=issued_at,
        expires_at=expires_at,
        # A refreshed token carries the time of the sign-in. It cannot be later than the token.
        signed_in_at=min(_time(claims, "auth_time"), issued_at) if "auth_time" in claims else 0,
    )


def _time(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int:  # a bool is an int in Python, and a float may be NaN
        raise TokenRejected("malformed_claims", f"the claim {name} is not a whole number of seconds")
    return value


def _text(claims: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = claims.get(name, default)
    if type(value) is not str or (not value and default is None):
        raise TokenRejected("malformed_claims", f"the claim {name} is not a string")
    return value


def _groups(claims: Mapping[str, Any]) -> tuple[str, ...]:
    value = claims.get("cognito:groups", [])
    if type(value) is not list or not all(type(name) is str for name in value):
        raise TokenRejected("malformed_claims", "the claim cognito:groups is not a list of strings")
    return tuple(dict.fromkeys(value))
