"""Tokens that look odd and are admitted all the same: what they say is what counts, and odd is not untrue."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from chalicelib.core.principal import Principal
from tests import mint
from tests.tokens.attack import ABSENT, LIMIT, Pool, encode, jwk


class Strange(NamedTuple):
    """What a token is, and whom it must be taken for."""

    sentence: str
    token: str
    principal: Principal


def strange_but_valid(pool: Pool) -> list[Strange]:
    person = principal(pool)
    return [
        *(Strange(what, make(pool), person) for what, make in _INDIFFERENT.items()),
        *(Strange(what, pool.token(claims(pool)), person) for what, claims in _UNUSED.items()),
        *(Strange(what, pool.token(header=header), person) for what, header in _HEADERS.items()),
        *(
            Strange(what, pool.token(claims(pool)), replace(person, **changes(pool)))
            for what, (claims, changes) in _TELLING.items()
        ),
    ]


def principal(pool: Pool) -> Principal:
    """Whom a good token of the pool describes."""
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
    )


Fields = Callable[[Pool], Mapping[str, Any]]


def _spelled(header: bytes, payload: bytes) -> Callable[[Pool], str]:
    """The same JSON, where `@` stands for what is in an object's brackets."""

    def make(pool: Pool) -> str:
        return mint.sign(
            header.replace(b"@", encode(pool.header())[1:-1]),
            payload.replace(b"@", encode(pool.claims())[1:-1]),
            pool.private_key,
        )

    return make


def _escaped(pool: Pool) -> str:
    texts = (
        encode(fields).replace(b'"kid"', rb'"k\u0069d"').replace(b'"exp"', rb'"\u0065xp"')
        for fields in (pool.header(), pool.claims())
    )
    return mint.sign(*texts, pool.private_key)


_INDIFFERENT: dict[str, Callable[[Pool], str]] = {
    "a token that is as long as tokens may be": lambda pool: pool.token_of(LIMIT),
    "spaces and line breaks around the JSON": _spelled(b" {@}\r\n", b"\n\t{@} "),
    "names with escapes": _escaped,
    "a surrogate pair of escapes": _spelled(rb'{@, "more": "\ud83d\udd11"}', rb'{@, "more": "\ud83d\udd11"}'),
    "half a surrogate pair of which the backslash is a text": _spelled(b"{@}", rb'{@, "more": "\\ud800"}'),
    "numbers that are very large and very small": _spelled(b"{@}", b'{@, "more": [1.7e308, -1e308, 1e-999, -0]}'),
    "a field without a name": _spelled(b'{@, "": 1}', b'{@, "": 1}'),
    "fields that differ in case": _spelled(b'{@, "ALG": "none"}', b'{@, "EXP": 1, "Sub": "admin"}'),
    "the same name in different objects": _spelled(
        b'{@, "more": {"alg": 1}}', b'{@, "more": [{"exp": 1}, {"exp": 2}]}'
    ),
    "a key in the header that is the pool's": lambda pool: pool.token(header={"jwk": jwk(pool.private_key, pool.kid)}),
}

_UNUSED: dict[str, Fields] = {
    "claims that nobody reads": lambda pool: {
        "admin": True,
        "role": "admin",
        "permissions": ["*"],
        "groups": ["admins"],
    },
    "roles that are not groups": lambda pool: {"cognito:roles": ["arn:aws:iam::123456789012:role/admin"]},
    "no moment of sign-in": lambda pool: {"auth_time": ABSENT},
    "a moment of sign-in that is yet to come": lambda pool: {"auth_time": pool.now + 10_000},
    "no id": lambda pool: {"jti": ABSENT},
    "a beginning long ago": lambda pool: {"nbf": 0},
    "a beginning before 1970": lambda pool: {"nbf": -1},
    "a beginning this very second": lambda pool: {"nbf": pool.now},
    "a scope written with more spaces": lambda pool: {"scope": "  https://gatehouse.example/file.read \t openid\n"},
    "a scope named twice": lambda pool: {"scope": "openid openid https://gatehouse.example/file.read openid"},
    "a group named twice": lambda pool: {"cognito:groups": [*pool.groups, *pool.groups]},
    "an ID token's claims as well": lambda pool: {"cognito:username": "admin", "email": "admin@olympus.example"},
}

# Whatever a header says beyond algorithm and key id is not looked at, let alone followed.
_HEADERS: dict[str, Mapping[str, Any]] = {
    "the type that every token has": {"typ": "JWT"},
    "the type of access tokens": {"typ": "at+jwt"},
    "the type of encrypted tokens": {"typ": "JWE"},
    "a content type": {"cty": "JWT"},
    "a compression that was not used": {"zip": "DEF"},
    "an encryption that was not used": {"enc": "A256GCM"},
    "an attacker's key in the header": {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
    "an attacker's address of keys": {"jku": "https://attacker.example/keys"},
    "an attacker's address of a certificate": {"x5u": "https://attacker.example/keys"},
    "a certificate that is none": {"x5c": ["bm9uZQ=="]},
    "claims in the header": {"exp": 0, "iss": "https://attacker.example", "sub": "admin"},
    "fields in the header that nobody reads": {"more": [{"nested": [None, True, -0.0, 1e3]}]},
}

# What is odd shows in the principal.
_TELLING: dict[str, tuple[Fields, Fields]] = {
    "an issue this very second": (lambda pool: {"iat": pool.now}, lambda pool: {"issued_at": pool.now}),
    "an issue a minute ahead": (lambda pool: {"iat": pool.now + 60}, lambda pool: {"issued_at": pool.now + 60}),
    "an issue before 1970": (lambda pool: {"iat": -1}, lambda pool: {"issued_at": -1}),
    "a second to live": (
        lambda pool: {"exp": pool.now + pool.slack + 1},
        lambda pool: {"expires_at": pool.now + pool.slack + 1},
    ),
    "a life beyond 64 bits": (lambda pool: {"exp": 2**64}, lambda pool: {"expires_at": 2**64}),
    "no groups": (lambda pool: {"cognito:groups": ABSENT}, lambda pool: {"policy_subjects": ()}),
    "an empty list of groups": (lambda pool: {"cognito:groups": []}, lambda pool: {"policy_subjects": ()}),
    "a group without a name": (lambda pool: {"cognito:groups": [""]}, lambda pool: {"policy_subjects": ("group:",)}),
    "a group that is named like a client's policy": (
        lambda pool: {"cognito:groups": [f"client:{pool.client_id}"]},
        lambda pool: {"policy_subjects": (f"group:client:{pool.client_id}",)},
    ),
    "a group that is named like two": (
        lambda pool: {"cognito:groups": ["clerks,admins"]},
        lambda pool: {"policy_subjects": ("group:clerks,admins",)},
    ),
    "a group in Greek": (lambda pool: {"cognito:groups": ["θεοί"]}, lambda pool: {"policy_subjects": ("group:θεοί",)}),
    "groups in an order": (
        lambda pool: {"cognito:groups": ["b", "a", "b"]},
        lambda pool: {"policy_subjects": ("group:b", "group:a")},
    ),
    "no user name, so that it is a machine's": (
        lambda pool: {"username": ABSENT, "cognito:groups": ABSENT},
        lambda pool: {"username": "", "policy_subjects": (f"client:{pool.client_id}",)},
    ),
    "an empty user name, so that it is a machine's": (
        lambda pool: {"username": ""},
        lambda pool: {"username": "", "policy_subjects": (f"client:{pool.client_id}",)},
    ),
    "a machine's groups, which give it nothing": (
        lambda pool: {"username": ABSENT, "cognito:groups": ["admins"]},
        lambda pool: {"username": "", "policy_subjects": (f"client:{pool.client_id}",)},
    ),
    "a user name that is the app client's": (
        lambda pool: {"username": pool.client_id, "sub": pool.client_id},
        lambda pool: {"username": pool.client_id, "subject": pool.client_id},
    ),
    "a user name that is an address": (
        lambda pool: {"username": "clerk@olympus.example"},
        lambda pool: {"username": "clerk@olympus.example"},
    ),
    "a subject that is a space": (lambda pool: {"sub": " "}, lambda pool: {"subject": " "}),
    "no scope": (lambda pool: {"scope": ABSENT}, lambda pool: {"scopes": frozenset()}),
    "an empty scope": (lambda pool: {"scope": ""}, lambda pool: {"scopes": frozenset()}),
    "scopes that are separated by commas": (
        lambda pool: {"scope": "a,b"},
        lambda pool: {"scopes": frozenset({"a,b"})},
    ),
    "no sign-in that it descends from": (lambda pool: {"origin_jti": ABSENT}, lambda pool: {"session": ""}),
}
