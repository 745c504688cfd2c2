"""Defines an attack on a user pool: its description, a function that makes the token, and the expected reason code."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from tests import mint

LIMIT = 10_240  # characters of a token
ABSENT = object()  # the new value of a field that is removed
UNCHANGED: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Pool:
    """The user pool under attack.

    private_key      the key of `kid`. An attacker does not have it. With it, a token has exactly one fault
    other_client_id  an app client of the same pool that is not in the allowed list
    now              start of the attack, in seconds since 1970
    slack            maximum seconds from the start until the last token is verified
    groups           the groups of the user whose tokens are attacked
    """

    issuer: str
    client_id: str
    other_client_id: str
    kid: str
    private_key: RSAPrivateKey
    now: int
    slack: int = 0
    groups: tuple[str, ...] = ("clerks",)

    def claims(self, changes: Mapping[str, Any] = UNCHANGED) -> dict[str, Any]:
        """Returns the claims of a valid token, with changes."""
        valid = mint.person(
            iss=self.issuer,
            client_id=self.client_id,
            auth_time=self.now - 60,
            iat=self.now - 60,
            exp=self.now + self.slack + 840,
        )
        return _changed({**valid, "cognito:groups": list(self.groups)}, changes)

    def header(self, changes: Mapping[str, Any] = UNCHANGED) -> dict[str, Any]:
        """Returns the header of a valid token, with changes."""
        return _changed({"kid": self.kid, "alg": "RS256"}, changes)

    def token(
        self,
        claims: Mapping[str, Any] = UNCHANGED,
        header: Mapping[str, Any] = UNCHANGED,
        key: RSAPrivateKey | None = None,
    ) -> str:
        """Returns a valid token with changes. The pool's key signs it, unless another key is given."""
        return mint.sign(encode(self.header(header)), encode(self.claims(claims)), key or self.private_key)

    def signed(self, signing_input: str) -> str:
        """Adds the pool's signature to a header and a payload that are already encoded, correctly or not."""
        return f"{signing_input}.{mint.base64url(self.signature(signing_input.encode()))}"

    def signature(self, message: bytes) -> bytes:
        return self.private_key.sign(message, PKCS1v15(), SHA256())

    def token_of(self, length: int) -> str:
        """Returns a valid token of exactly that many characters, padded with spaces around its JSON."""
        signature = len(mint.base64url(bytes(self.private_key.key_size // 8)))
        for spaces in range(3):
            header = encode(self.header()) + b" " * spaces
            payload = length - len(mint.base64url(header)) - signature - 2
            if payload % 4 != 1:  # base64 text cannot have that length
                break
        return mint.sign(header, encode(self.claims()).ljust(payload * 3 // 4), self.private_key)

    def parts(self, claims: Mapping[str, Any] = UNCHANGED, header: Mapping[str, Any] = UNCHANGED) -> list[str]:
        """Returns the three parts of a token."""
        return self.token(claims, header).split(".")


class Attack(NamedTuple):
    """A token that must be refused.

    description  unique
    code         the reason code of the refusal
    """

    description: str
    code: str
    make: Callable[[Pool], str]


def jwk(key: RSAPrivateKey, kid: str) -> dict[str, str]:
    """Returns the public key in the form that a user pool publishes."""
    numbers = key.public_key().public_numbers()
    modulus, exponent = (
        mint.base64url(number.to_bytes((number.bit_length() + 7) // 8, "big")) for number in (numbers.n, numbers.e)
    )
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": modulus, "e": exponent}


def encode(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields).encode()


def decode_base64url(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def replaced(parts: list[str], part: int, by: str) -> list[str]:
    return [*parts[:part], by, *parts[part + 1 :]]


def _changed(fields: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (fields | dict(changes)).items() if value is not ABSENT}
