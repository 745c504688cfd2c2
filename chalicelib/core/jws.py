"""Parses the form of a signed token (JWS compact serialization). Accepts exactly one spelling of a token. Pure.

Many attacks on tokens use lenient parsers. PyJWT, which checks the signature, decodes base64 and JSON less strictly
than this module. `tests/tokens/` proves that this module accepts nothing that PyJWT refuses.
"""

import binascii
from typing import Any, NamedTuple

from chalicelib.core import strict_json
from chalicelib.core.errors import TokenRejected

MAX_TOKEN_BYTES = 10_240  # API Gateway's limit for all headers of a request

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Maps base64url to the standard alphabet. Maps every other byte to NUL, which is in neither alphabet.
_TO_STANDARD = bytes(byte if byte in _ALPHABET else 0 for byte in range(256)).translate(bytes.maketrans(b"-_", b"+/"))
# Length modulo 4 → the padding that base64url omits, and the final characters whose unused bits are all zero.
_ENDINGS = {0: (b"", _ALPHABET), 2: (b"==", b"AQgw"), 3: (b"=", b"AEIMQUYcgkosw048")}


class Jws(NamedTuple):
    """The parts of a token. Do not trust any part before the signature is verified."""

    header: bytes
    payload: bytes
    signing_input: bytes
    signature: bytes


def split(token: str) -> Jws:
    """Splits a token. The header and the payload remain encoded. Raises TokenRejected."""
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenRejected("token_too_large", f"the token has {len(token)} bytes; the limit is {MAX_TOKEN_BYTES}")
    if not token.isascii():
        raise TokenRejected("malformed_token", "the token has a character outside ASCII")
    signing_input, _, signature = token.encode().rpartition(b".")
    header, dot, payload = signing_input.partition(b".")
    if not dot:
        raise TokenRejected("malformed_token", "the token does not have three parts")
    return Jws(header, payload, signing_input, decode_base64url(signature))


def key_id(header: bytes) -> str:
    """Returns the key id from the encoded header of an RS256 token. Raises TokenRejected."""
    fields = decode_object(header)
    if fields.get("alg") != "RS256":
        raise TokenRejected("wrong_algorithm", "the token's algorithm is not RS256")
    if "crit" in fields or "b64" in fields:
        raise TokenRejected("malformed_token", "the token's header requires an extension that is not supported")
    kid = fields.get("kid")
    if type(kid) is not str:
        raise TokenRejected("unknown_key", "the token has no key id")
    return kid


def decode_object(segment: bytes) -> dict[str, Any]:
    """Returns the JSON object that a segment encodes. Raises TokenRejected."""
    try:
        parsed = strict_json.parse(decode_base64url(segment))
    except ValueError:
        raise TokenRejected("malformed_token", "a part of the token is not strict JSON") from None
    if type(parsed) is not dict:
        raise TokenRejected("malformed_token", "a part of the token is not a JSON object")
    return parsed


def decode_base64url(segment: bytes) -> bytes:
    """Decodes unpadded base64url. Refuses every spelling except the canonical one. Raises TokenRejected."""
    padding, last = _ENDINGS.get(len(segment) & 3, (b"", b""))
    # `in` on bytes searches for a substring. The empty substring would always be found.
    if not segment or segment[-1:] not in last:
        raise TokenRejected("malformed_token", "a part of the token is not canonical base64url")
    try:
        return binascii.a2b_base64(segment.translate(_TO_STANDARD) + padding, strict_mode=True)
    except ValueError:
        raise TokenRejected("malformed_token", "a part of the token is not base64url") from None
