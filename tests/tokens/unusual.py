"""Valid tokens in an unusual form, which must be accepted."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from chalicelib.core.principal import Principal
from tests import mint
from tests.tokens.attack import ABSENT, LIMIT, Pool, encode, jwk


class Unusual(NamedTuple):
    """A token and the principal that it must give."""

    description: str
    token: str
    principal: Principal


def unusual_but_valid(pool: Pool) -> list[Unusual]:
    person = principal(pool)
    return [
        *(Unusual(name, make(pool), person) for name, make in _SPELLINGS.items()),
        *(Unusual(name, pool.token(claims(pool)), person) for name, claims in _UNUSED_CLAIMS.items()),
        *(Unusual(name, pool.token(header=header), person) for name, header in _HEADERS.items()),
        *(
            Unusual(name, pool.token(claims(pool)), replace(person, **changes(pool)))
            for name, (claims, changes) in _CHANGED_PRINCIPALS.items()
        ),
    ]


def principal(pool: Pool) -> Principal:
    """Returns the principal of a valid token of the pool."""
    claims = pool.claims()
    return Principal(
        subject=claims["sub"],
        client_id=pool.client_id,
        username="clerk",
        policy_subjects=tuple(f"group:{name}" for name in pool.groups),
        scopes=frozenset({"openid", "https://gatehouse.example/file.read"}),
        session=claims["origin_jti"],
        issued_at=pool.now - 60,
        expires_at=pool.now + pool.slack + 840,
        signed_in_at=claims["auth_time"],
    )


Fields = Callable[[Pool], Mapping[str, Any]]


def _spelled(header: bytes, payload: bytes) -> Callable[[Pool], str]:
    """Returns a token with this JSON. `@` stands for the fields of the object."""

    def make(pool: Pool) -> str:
        return mint.sign(
            header.replace(b"@", encode(pool.header())[1:-1]),
            payload.replace(b"@", encode(pool.claims())[1:-1]),
            pool.private_key,
        )

    return make


def _escaped(pool: Pool) -> str:
    header, payload = (
        encode(fields).replace(b'"kid"', rb'"k\u0069d"').replace(b'"exp"', rb'"\u0065xp"')
        for fields in (pool.header(), pool.claims())
    )
    return mint.sign(header, payload, pool.private_key)


_SPELLINGS: dict[str, Callable[[Pool], str]] = {
    "the maximum length": lambda pool: pool.token_of(LIMIT),
    "spaces and line breaks around the JSON": _spelled(b" {@}\r\n", b"\n\t{@} "),
    "names with escapes": _escaped,
    "a surrogate pair of escapes": _spelled(rb'{@, "more": "\ud83d\udd11"}', rb'{@, "more": "\ud83d\udd11"}'),
    "an escaped backslash before the text of a surrogate escape": _spelled(b"{@}", rb'{@, "more": "\\ud800"}'),
    "numbers that are very large and very small": _spelled(b"{@}", b'{@, "more": [1.7e308, -1e308, 1e-999, -0]}'),
    "a field without a name": _spelled(b'{@, "": 1}', b'{@, "": 1}'),
    "fields that differ in case": _spelled(b'{@, "ALG": "none"}', b'{@, "EXP": 1, "Sub": "admin"}'),
    "the same name in different objects": _spelled(
        b'{@, "more": {"alg": 1}}', b'{@, "more": [{"exp": 1}, {"exp": 2}]}'
    ),
    "the pool's own key in the header": lambda pool: pool.token(header={"jwk": jwk(pool.private_key, pool.kid)}),
}

_UNUSED_CLAIMS: dict[str, Fields] = {
    "claims that are not read": lambda pool: {
        "admin": True,
        "role": "admin",
        "permissions": ["*"],
        "groups": ["admins"],
    },
    "roles that are not groups": lambda pool: {"cognito:roles": ["arn:aws:iam::123456789012:role/admin"]},
    "an auth_time in the future": lambda pool: {"auth_time": pool.now + 10_000},
    "no jti": lambda pool: {"jti": ABSENT},
    "nbf long ago": lambda pool: {"nbf": 0},
    "nbf before 1970": lambda pool: {"nbf": -1},
    "nbf in the current second": lambda pool: {"nbf": pool.now},
    "a scope claim with additional spaces": lambda pool: {"scope": "  https://gatehouse.example/file.read \t openid\n"},
    "a repeated scope": lambda pool: {"scope": "openid openid https://gatehouse.example/file.read openid"},
    "a repeated group": lambda pool: {"cognito:groups": [*pool.groups, *pool.groups]},
    "additional claims of an ID token": lambda pool: {"cognito:username": "admin", "email": "admin@olympus.example"},
}

# The verifier ignores every header field except the algorithm and the key id.
_HEADERS: dict[str, Mapping[str, Any]] = {
    "the type JWT": {"typ": "JWT"},
    "the type of access tokens": {"typ": "at+jwt"},
    "the type of encrypted tokens": {"typ": "JWE"},
    "a content type": {"cty": "JWT"},
    "a compression that is not used": {"zip": "DEF"},
    "an encryption that is not used": {"enc": "A256GCM"},
    "an attacker's key in the header": {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
    "an attacker's key URL": {"jku": "https://attacker.example/keys"},
    "an attacker's certificate URL": {"x5u": "https://attacker.example/keys"},
    "an invalid certificate": {"x5c": ["bm9uZQ=="]},
    "claims in the header": {"exp": 0, "iss": "https://attacker.example", "sub": "admin"},
    "header fields that are not read": {"more": [{"nested": [None, True, -0.0, 1e3]}]},
}

# The unusual value changes the principal.
_CHANGED_PRINCIPALS: dict[str, tuple[Fields, Fields]] = {
    "iat in the current second": (lambda pool: {"iat": pool.now}, lambda pool: {"issued_at": pool.now}),
    "iat a minute ahead": (lambda pool: {"iat": pool.now + 60}, lambda pool: {"issued_at": pool.now + 60}),
    "iat before 1970": (lambda pool: {"iat": -1}, lambda pool: {"issued_at": -1, "signed_in_at": -1}),
    "no auth_time": (lambda pool: {"auth_time": ABSENT}, lambda pool: {"signed_in_at": 0}),
    "a sign-in of yesterday": (
        lambda pool: {"auth_time": pool.now - 86_400},
        lambda pool: {"signed_in_at": pool.now - 86_400},
    ),
    "expiry in a second": (
        lambda pool: {"exp": pool.now + pool.slack + 1},
        lambda pool: {"expires_at": pool.now + pool.slack + 1},
    ),
    "an expiry beyond 64 bits": (lambda pool: {"exp": 2**64}, lambda pool: {"expires_at": 2**64}),
    "no groups": (lambda pool: {"cognito:groups": ABSENT}, lambda pool: {"policy_subjects": ()}),
    "an empty list of groups": (lambda pool: {"cognito:groups": []}, lambda pool: {"policy_subjects": ()}),
    "a group without a name": (lambda pool: {"cognito:groups": [""]}, lambda pool: {"policy_subjects": ("group:",)}),
    "a group with the name of a client's policy": (
        lambda pool: {"cognito:groups": [f"client:{pool.client_id}"]},
        lambda pool: {"policy_subjects": (f"group:client:{pool.client_id}",)},
    ),
    "a group name that contains a comma": (
        lambda pool: {"cognito:groups": ["clerks,admins"]},
        lambda pool: {"policy_subjects": ("group:clerks,admins",)},
    ),
    "a Greek group name": (
        lambda pool: {"cognito:groups": ["θεοί"]},
        lambda pool: {"policy_subjects": ("group:θεοί",)},
    ),
    "repeated groups in a defined order": (
        lambda pool: {"cognito:groups": ["b", "a", "b"]},
        lambda pool: {"policy_subjects": ("group:b", "group:a")},
    ),
    "no user name, which makes it a machine token": (
        lambda pool: {"username": ABSENT, "cognito:groups": ABSENT},
        lambda pool: {"username": "", "policy_subjects": (f"client:{pool.client_id}",)},
    ),
    "an empty user name, which makes it a machine token": (
        lambda pool: {"username": ""},
        lambda pool: {"username": "", "policy_subjects": (f"client:{pool.client_id}",)},
    ),
    "groups in a machine token, which have no effect": (
        lambda pool: {"username": ABSENT, "cognito:groups": ["admins"]},
        lambda pool: {"username": "", "policy_subjects": (f"client:{pool.client_id}",)},
    ),
    "a user name equal to the app client id": (
        lambda pool: {"username": pool.client_id, "sub": pool.client_id},
        lambda pool: {"username": pool.client_id, "subject": pool.client_id},
    ),
    "an e-mail address as user name": (
        lambda pool: {"username": "clerk@olympus.example"},
        lambda pool: {"username": "clerk@olympus.example"},
    ),
    "a space as subject": (lambda pool: {"sub": " "}, lambda pool: {"subject": " "}),
    "no scope": (lambda pool: {"scope": ABSENT}, lambda pool: {"scopes": frozenset()}),
    "an empty scope": (lambda pool: {"scope": ""}, lambda pool: {"scopes": frozenset()}),
    "scopes that are separated by commas": (
        lambda pool: {"scope": "a,b"},
        lambda pool: {"scopes": frozenset({"a,b"})},
    ),
    "no origin_jti": (lambda pool: {"origin_jti": ABSENT}, lambda pool: {"session": ""}),
}
