"""The code of an authenticator (RFC 6238), so that tests do not use the implementation that they test."""

import base64
import hmac
import struct
import time


def totp(secret: str, steps: int = 0) -> str:
    """Returns the code that an authenticator shows now, or some steps of 30 s later or earlier."""
    counter = struct.pack(">Q", int(time.time() // 30) + steps)
    mac = hmac.new(base64.b32decode(secret), counter, "sha1").digest()
    start = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[start : start + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"
