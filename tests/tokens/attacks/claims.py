"""Tokens signed by the pool's key with one wrong claim: missing, of another type, or with a wrong value."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests import mint
from tests.tokens.attack import ABSENT, UNCHANGED, Attack, Pool, encode

Choose = Callable[[Pool], Any]


def _claim(name: str, choose: Choose, others: Mapping[str, Any] = UNCHANGED) -> Callable[[Pool], str]:
    return lambda pool: pool.token({name: choose(pool), **others})


def _written(name: str, value: str) -> Callable[[Pool], str]:
    """Makes a token with a claim whose JSON value is written literally."""

    def make(pool: Pool) -> str:
        text = json.dumps(pool.claims({name: "PLACE"})).replace('"PLACE"', value)
        return mint.sign(encode(pool.header()), text.encode(), pool.private_key)

    return make


def _each(name: str, code: str, values: dict[str, Choose], **others: Any) -> list[Attack]:
    suffix = "".join(f", and whose {other} is {value}" for other, value in others.items())
    return [
        Attack(f"a token whose {name} is {what}{suffix}", code, _claim(name, choose, others))
        for what, choose in values.items()
    ]


# --- types ---

_NOT_TEXT: dict[str, Choose] = {
    "null": lambda pool: None,
    "a number": lambda pool: 5,
    "a fraction": lambda pool: 0.5,
    "true": lambda pool: True,
    "false": lambda pool: False,
    "an empty list": lambda pool: [],
    "a list of strings": lambda pool: ["admin"],
    "an object": lambda pool: {"name": "admin"},
}
_MISSING_OR_NOT_TEXT: dict[str, Choose] = {**_NOT_TEXT, "missing": lambda pool: ABSENT, "empty": lambda pool: ""}

_NOT_A_TIME: dict[str, Choose] = {
    "null": lambda pool: None,
    "a string": lambda pool: str(pool.now),
    "an empty string": lambda pool: "",
    "a date": lambda pool: "2027-01-15T08:00:00Z",
    "a fraction": lambda pool: pool.now + 0.5,
    "a whole number with a decimal point": lambda pool: float(pool.now),
    "true": lambda pool: True,
    "false": lambda pool: False,
    "a list": lambda pool: [pool.now],
    "an empty list": lambda pool: [],
    "an object": lambda pool: {"seconds": pool.now},
}
_NOT_AN_INTEGER = {"with an exponent": "18e8", "minus zero": "-0.0"}

_NOT_GROUPS: dict[str, Choose] = {
    "null": lambda pool: None,
    "a string": lambda pool: "admins",
    "an empty string": lambda pool: "",
    "a list, as a string": lambda pool: '["admins"]',
    "groups, separated by commas": lambda pool: "clerks,admins",
    "a number": lambda pool: 0,
    "true": lambda pool: True,
    "an object": lambda pool: {"admins": True},
    "an empty object": lambda pool: {},
    "a list of numbers": lambda pool: [1, 2],
    "a list of null": lambda pool: [None],
    "a list of true": lambda pool: [True],
    "a list of lists": lambda pool: [["admins"]],
    "a list of objects": lambda pool: [{"name": "admins"}],
    "a list with one element that is not a string": lambda pool: [*pool.groups, 0],
    "a list whose first element is not a string": lambda pool: [None, *pool.groups],
}

# --- wrong values ---

_TOO_LATE: dict[str, Choose] = {
    "the current second": lambda pool: pool.now,
    "a second ago": lambda pool: pool.now - 1,
    "an hour ago": lambda pool: pool.now - 3600,
    "zero": lambda pool: 0,
    "the second before 1970": lambda pool: -1,
    "a negative number of 100 digits": lambda pool: -(10**100),
    "the longest negative number that Python parses": lambda pool: -(10**4300 - 1),
}
_TOO_EARLY: dict[str, Choose] = {
    "a second ahead": lambda pool: pool.now + pool.slack + 1,
    "an hour ahead": lambda pool: pool.now + pool.slack + 3600,
    "in milliseconds": lambda pool: pool.now * 1000,
    "the first second beyond 32 bits": lambda pool: 2**32,
    "the first second beyond 64 bits": lambda pool: 2**64,
    "beyond the range of floating point": lambda pool: 10**400,
}

# An `iat` up to a minute ahead is accepted, because clocks differ.
_ISSUED_TOO_EARLY: dict[str, Choose] = {
    **{what: choose for what, choose in _TOO_EARLY.items() if what != "a second ahead"},
    "a minute and a second ahead": lambda pool: pool.now + pool.slack + 61,
}

_WRONG_ISSUERS: dict[str, Choose] = {
    "missing": lambda pool: ABSENT,
    "null": lambda pool: None,
    "empty": lambda pool: "",
    "a number": lambda pool: 0,
    "true": lambda pool: True,
    "a list": lambda pool: [pool.issuer],
    "an object": lambda pool: {pool.issuer: True},
    "another pool": lambda pool: f"{pool.issuer.rpartition('/')[0]}/mars-west-1_Tartarus",
    "another region": lambda pool: f"https://cognito-idp.venus-east-1.amazonaws.com/{_id(pool)}",
    "the other host that Cognito may use": lambda pool: (
        f"https://issuer-cognito-idp.mars-west-1.amazonaws.com/{_id(pool)}"
    ),
    "the attacker's": lambda pool: f"https://attacker.example/{_id(pool)}",
    "the pool's id alone": lambda pool: _id(pool),
    "the pool's host alone": lambda pool: pool.issuer.rpartition("/")[0],
    "ours with a trailing slash": lambda pool: f"{pool.issuer}/",
    "ours with a second slash": lambda pool: f"{pool.issuer.rpartition('/')[0]}//{_id(pool)}",
    "ours with a dot for a folder": lambda pool: f"{pool.issuer.rpartition('/')[0]}/./{_id(pool)}",
    "ours with a parent folder": lambda pool: f"{pool.issuer}/../{_id(pool)}",
    "ours in upper case": lambda pool: pool.issuer.upper(),
    "ours with its id in swapped case": lambda pool: f"{pool.issuer.rpartition('/')[0]}/{_id(pool).swapcase()}",
    "ours without its last character": lambda pool: pool.issuer[:-1],
    "ours with an additional character": lambda pool: f"{pool.issuer}x",
    "ours without its scheme": lambda pool: pool.issuer.partition("://")[2],
    "ours with another scheme": lambda pool: f"ftp://{pool.issuer.partition('://')[2]}",
    "ours with a scheme in upper case": lambda pool: pool.issuer.replace("http", "HTTP", 1),
    "ours with a port": lambda pool: f"{pool.issuer.rpartition('/')[0]}:443/{_id(pool)}",
    "ours with a query": lambda pool: f"{pool.issuer}?",
    "ours with a fragment": lambda pool: f"{pool.issuer}#",
    "ours with a leading space": lambda pool: f" {pool.issuer}",
    "ours with a trailing space": lambda pool: f"{pool.issuer} ",
    "ours with a trailing NUL": lambda pool: f"{pool.issuer}\0",
    "ours with a letter that looks alike": lambda pool: f"\u04bb{pool.issuer[1:]}",
    "ours with a letter percent-encoded": lambda pool: f"%68{pool.issuer[1:]}",
    "ours as user name at the attacker's host": lambda pool: f"{pool.issuer}@attacker.example",
    "ours as path at the attacker's host": lambda pool: f"https://attacker.example/{pool.issuer}",
    "ours and another": lambda pool: f"{pool.issuer} https://attacker.example",
    "our JWKS URL": lambda pool: f"{pool.issuer}/.well-known/jwks.json",
}

_WRONG_USES: dict[str, Choose] = {
    "missing": lambda pool: ABSENT,
    "null": lambda pool: None,
    "empty": lambda pool: "",
    "a number": lambda pool: 1,
    "true": lambda pool: True,
    "a list": lambda pool: ["access"],
    "a list of both": lambda pool: ["access", "id"],
    "an object": lambda pool: {"access": True},
    "id": lambda pool: "id",
    "refresh": lambda pool: "refresh",
    "in upper case": lambda pool: "ACCESS",
    "in mixed case": lambda pool: "Access",
    "access with a trailing space": lambda pool: "access ",
    "access with a leading space": lambda pool: " access",
    "access with a trailing NUL": lambda pool: "access\0",
    "access and id": lambda pool: "access id",
    "access_token": lambda pool: "access_token",
    "with a letter that looks alike": lambda pool: "\u0430ccess",
}

_WRONG_CLIENTS: dict[str, Choose] = {
    "ours without its last character": lambda pool: pool.client_id[:-1],
    "ours with an additional character": lambda pool: f"{pool.client_id}x",
    "the first character of ours": lambda pool: pool.client_id[0],
    "ours in upper case": lambda pool: pool.client_id.upper(),
    "ours with a trailing space": lambda pool: f"{pool.client_id} ",
    "ours with a leading space": lambda pool: f" {pool.client_id}",
    "ours with a trailing line feed": lambda pool: f"{pool.client_id}\n",
    "ours with a trailing NUL": lambda pool: f"{pool.client_id}\0",
    "ours and another": lambda pool: f"{pool.client_id},{pool.other_client_id}",
    "ours and another, with a space": lambda pool: f"{pool.client_id} {pool.other_client_id}",
    "a wildcard": lambda pool: "*",
    "a space": lambda pool: " ",
    "the word null": lambda pool: "null",
    "the issuer": lambda pool: pool.issuer,
}

_ANY_AUDIENCE: dict[str, Choose] = {
    "ours": lambda pool: pool.client_id,
    "a list of ours": lambda pool: [pool.client_id],
    "another's": lambda pool: pool.other_client_id,
    "a resource": lambda pool: "https://gatehouse.example",
    "empty": lambda pool: "",
    "an empty list": lambda pool: [],
    "null": lambda pool: None,
    "false": lambda pool: False,
    "zero": lambda pool: 0,
}


def _id(pool: Pool) -> str:
    return pool.issuer.rpartition("/")[2]


ATTACKS = [
    *_each("exp", "malformed_claims", {"missing": lambda pool: ABSENT, **_NOT_A_TIME}),
    *_each("iat", "malformed_claims", {"missing": lambda pool: ABSENT, **_NOT_A_TIME}),
    *_each("nbf", "malformed_claims", _NOT_A_TIME),
    *(
        Attack(f"a token whose {name} is a number {what}", "malformed_claims", _written(name, value))
        for name in ("exp", "iat", "nbf")
        for what, value in _NOT_AN_INTEGER.items()
    ),
    *_each("exp", "token_expired", _TOO_LATE),
    *_each("iat", "token_not_yet_valid", _ISSUED_TOO_EARLY),
    *_each("nbf", "token_not_yet_valid", _TOO_EARLY),
    *_each("iat", "token_not_yet_valid", _ISSUED_TOO_EARLY, nbf=0),
    *_each("iss", "wrong_issuer", _WRONG_ISSUERS),
    *_each("token_use", "wrong_token_use", _WRONG_USES),
    *_each("client_id", "malformed_claims", _MISSING_OR_NOT_TEXT),
    *_each("client_id", "wrong_client", _WRONG_CLIENTS),
    *_each("aud", "wrong_audience", _ANY_AUDIENCE),
    *_each("sub", "malformed_claims", _MISSING_OR_NOT_TEXT),
    *_each("cognito:groups", "malformed_claims", _NOT_GROUPS),
    *_each("username", "malformed_claims", _NOT_TEXT),
    *_each("scope", "malformed_claims", _NOT_TEXT),
    *_each("origin_jti", "malformed_claims", _NOT_TEXT),
    *_each("jti", "malformed_claims", _NOT_TEXT),
]
