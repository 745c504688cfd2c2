"""Genuine tokens of another kind: for another use, another app client, another pool, or another time."""

from collections.abc import Mapping
from typing import Any

from tests import mint
from tests.tokens.attack import ABSENT, Attack, Pool

_OTHER_KID = "tartarus-1"


def _id_claims(pool: Pool) -> dict[str, Any]:
    """Returns the changes that turn the claims of an access token into those of an ID token."""
    return {
        "token_use": "id",
        "aud": pool.client_id,
        "client_id": ABSENT,
        "username": ABSENT,
        "scope": ABSENT,
        "cognito:username": "clerk",
        "email": "clerk@olympus.example",
        "email_verified": True,
        "nonce": "7d0ac0de",
    }


def _of_the_other_pool(pool: Pool, header: Mapping[str, Any]) -> str:
    """A valid token of another pool, which has an app client with the same id."""
    issuer = f"{pool.issuer.rpartition('/')[0]}/mars-west-1_Tartarus"
    return pool.token({"iss": issuer}, {"kid": _OTHER_KID, **header}, mint.private_key(_OTHER_KID))


def _machine_claims(pool: Pool) -> dict[str, Any]:
    absent = dict.fromkeys(("username", "cognito:groups", "origin_jti", "auth_time"), ABSENT)
    return {**absent, "sub": pool.other_client_id, "client_id": pool.other_client_id}


ATTACKS = [
    Attack("an ID token", "wrong_token_use", lambda pool: pool.token(_id_claims(pool))),
    Attack(
        "an ID token with the claims of an access token as well",
        "wrong_token_use",
        lambda pool: pool.token({"token_use": "id", "aud": pool.client_id}),
    ),
    Attack(
        "an ID token with the token_use of an access token",
        "malformed_claims",
        lambda pool: pool.token({**_id_claims(pool), "token_use": "access"}),
    ),
    Attack(
        "an ID token with the token_use and the client id of an access token",
        "wrong_audience",
        lambda pool: pool.token({**_id_claims(pool), "token_use": "access", "client_id": pool.client_id}),
    ),
    Attack(
        "an ID token of a provider behind the pool",
        "wrong_issuer",
        lambda pool: pool.token({**_id_claims(pool), "iss": "https://accounts.example"}),
    ),
    Attack(
        "an access token of an app client that is not allowed",
        "wrong_client",
        lambda pool: pool.token({"client_id": pool.other_client_id}),
    ),
    Attack(
        "a machine token of an app client that is not allowed",
        "wrong_client",
        lambda pool: pool.token(_machine_claims(pool)),
    ),
    Attack("an access token of another pool", "unknown_key", lambda pool: _of_the_other_pool(pool, {})),
    Attack(
        "an access token of another pool with our key id",
        "bad_signature",
        lambda pool: _of_the_other_pool(pool, {"kid": pool.kid}),
    ),
    Attack(
        "an access token of another pool with our issuer",
        "unknown_key",
        lambda pool: pool.token(header={"kid": _OTHER_KID}, key=mint.private_key(_OTHER_KID)),
    ),
    Attack(
        "an access token that expires in the current second",
        "token_expired",
        lambda pool: pool.token({"iat": pool.now - 900, "auth_time": pool.now - 900, "exp": pool.now}),
    ),
    Attack(
        "an access token of yesterday",
        "token_expired",
        lambda pool: pool.token({"iat": pool.now - 86_400, "exp": pool.now - 85_500}),
    ),
    Attack(
        "an access token of tomorrow",
        "token_not_yet_valid",
        lambda pool: pool.token({"iat": pool.now + pool.slack + 86_400, "exp": pool.now + pool.slack + 87_300}),
    ),
    Attack(
        "an access token that ends before it begins",
        "token_expired",
        lambda pool: pool.token({"iat": pool.now + pool.slack + 60, "exp": pool.now - 60}),
    ),
]
