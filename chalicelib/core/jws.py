"""The form of a signed token, taken apart strictly: one spelling per token, or none. Pure.

Leniency is what token attacks are made of. PyJWT, which checks the signature, reads base64 and JSON a little more
generously than this; `tests/tokens/` holds that nothing is accepted here that PyJWT refuses.
"""

import binascii
from typing import Any, NamedTuple

from chalicelib.core import strict_json
from chalicelib.core.errors import TokenRejected

MAX_TOKEN_BYTES = 10_240  # API Gateway accepts no more than this for all headers together

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# To the standard alphabet, and whatever is not base64url to a byte that is in no alphabet.
_TO_STANDARD = bytes(byte if byte in _ALPHABET else 0 for byte in range(256)).translate(bytes.maketrans(b"-_", b"+/"))
# Length modulo 4 → the padding that base64url leaves out, and the last characters whose unused bits are all zero.
_ENDINGS = {0: (b"", _ALPHABET), 2: (b"==", b"AQgw"), 3: (b"=", b"AEIMQUYcgkosw048")}


class Jws(NamedTuple):
    """A token taken apart; nothing in it is to be believed before its signature is verified."""

    header: bytes
    payload: bytes
    signing_input: bytes
    signature: bytes


def split(token: str) -> Jws:
    """Take a token apart; its header and payload are still encoded. Raises TokenRejected."""
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenRejected("token_too_large", f"the token has {len(token)} bytes, at most {MAX_TOKEN_BYTES} are read")
    if not token.isascii():
        raise TokenRejected("malformed_token", "the token has characters other than ASCII")
    signing_input, _, signature = token.encode().rpartition(b".")
    header, dot, payload = signing_input.partition(b".")
    if not dot:
        raise TokenRejected("malformed_token", "the token does not have three parts")
    return Jws(header, payload, signing_input, decode_base64url(signature))


def key_id(header: bytes) -> str:
    """Read the encoded header of an RS256 token for the id of its key. Raises TokenRejected."""
    fields = decode_object(header)
    if fields.get("alg") != "RS256":
        raise TokenRejected("wrong_algorithm", "the token's algorithm is not RS256")
    if "crit" in fields or "b64" in fields:
        raise TokenRejected("malformed_token", "the token's header demands an extension that is not understood")
    kid = fields.get("kid")
    if type(kid) is not str:
        raise TokenRejected("unknown_key", "the token does not name its key")
    return kid


def decode_object(segment: bytes) -> dict[str, Any]:
    """Decode a JSON object, strictly. Raises TokenRejected."""
    try:
        parsed = strict_json.parse(decode_base64url(segment))
    except ValueError:
        raise TokenRejected("malformed_token", "a part of the token is not strict JSON") from None
    if type(parsed) is not dict:
        raise TokenRejected("malformed_token", "a part of the token is not a JSON object")
    return parsed


def decode_base64url(segment: bytes) -> bytes:
    """Decode unpadded base64url, refusing every second way to write the same bytes. Raises TokenRejected."""
    padding, last = _ENDINGS.get(len(segment) & 3, (b"", b""))
    # `in` on bytes searches a substring, and finds the empty one everywhere.
    if not segment or segment[-1:] not in last:
        raise TokenRejected("malformed_token", "a part of the token is not canonical base64url")
    try:
        return binascii.a2b_base64(segment.translate(_TO_STANDARD) + padding, strict_mode=True)
    except ValueError:
        raise TokenRejected("malformed_token", "a part of the token is not base64url") from None
