"""Tokens with a valid header and valid claims, but with a wrong signature."""

import hashlib
from collections.abc import Callable

from tests import mint
from tests.tokens.attack import Attack, Pool, decode_base64url, replaced
from tests.tokens.attacks.encoding import SIGNATURE, first_token

Forge = Callable[[bytes], bytes]


def _forged(forge: Forge) -> Callable[[Pool], str]:
    """A valid token, with a forged signature."""

    def make(pool: Pool) -> str:
        parts = pool.parts()
        return ".".join(replaced(parts, SIGNATURE, mint.base64url(forge(decode_base64url(parts[SIGNATURE])))))

    return make


def _flipped(bit: int) -> Forge:
    return lambda signature: (int.from_bytes(signature, "big") ^ 1 << bit).to_bytes(len(signature), "big")


_FORGERIES: dict[str, Forge] = {
    "without its first byte": lambda s: s[1:],
    "without its last byte": lambda s: s[:-1],
    "cut to half its length": lambda s: s[: len(s) // 2],
    "cut to one byte": lambda s: s[:1],
    "with a leading zero byte": lambda s: b"\0" + s,
    "with many leading zero bytes": lambda s: bytes(256) + s,
    "with a trailing zero byte": lambda s: s + b"\0",
    "with a trailing line feed": lambda s: s + b"\n",
    "written twice": lambda s: s + s,
    "with its first bit flipped": _flipped(2047),
    "with its last bit flipped": _flipped(0),
    "with a bit in the middle flipped": _flipped(1024),
    "backwards": lambda s: s[::-1],
    "in hexadecimal": lambda s: s.hex().encode(),
    "in base64url twice": lambda s: mint.base64url(s).encode(),
    "in a DER octet string": lambda s: b"\x04\x82" + len(s).to_bytes(2, "big") + s,
    "in a DER bit string": lambda s: b"\x03\x82" + (len(s) + 1).to_bytes(2, "big") + b"\0" + s,
    "of one zero byte": lambda s: b"\0",
    "of zero bytes": lambda s: bytes(len(s)),
    "of ones": lambda s: b"\xff" * len(s),
    "that is the number one": lambda s: b"\1".rjust(len(s), b"\0"),
    "that is the number one, in one byte": lambda s: b"\1",
    "that is the hash of itself": lambda s: hashlib.sha256(s).digest(),
}


def _without_leading_zero(pool: Pool) -> str:
    parts = first_token(pool, lambda parts: decode_base64url(parts[SIGNATURE])[0] == 0)
    shorter = decode_base64url(parts[SIGNATURE])[1:]
    return ".".join(replaced(parts, SIGNATURE, mint.base64url(shorter)))


# --- arithmetic: numbers derived from the signature ---


def _modulus_added(pool: Pool) -> str:
    """Adds the modulus, without a change of the length. The number modulo n stays the same."""
    modulus, size = pool.private_key.public_key().public_numbers().n, pool.private_key.key_size // 8

    def number(parts: list[str]) -> int:
        return int.from_bytes(decode_base64url(parts[SIGNATURE]), "big") + modulus

    parts = first_token(pool, lambda parts: number(parts) < 256**size)
    return ".".join(replaced(parts, SIGNATURE, mint.base64url(number(parts).to_bytes(size, "big"))))


def _number(choose: Callable[[int, int], int]) -> Callable[[Pool], str]:
    """Makes a token whose signature is a number derived from the signature and the modulus."""

    def make(pool: Pool) -> str:
        modulus = pool.private_key.public_key().public_numbers().n
        forge = _as_bytes(lambda signature: choose(signature, modulus))
        return _forged(forge)(pool)

    return make


def _as_bytes(choose: Callable[[int], int]) -> Forge:
    return lambda signature: choose(int.from_bytes(signature, "big")).to_bytes(len(signature), "big")


_NUMBERS: dict[str, Callable[[int, int], int]] = {
    "the modulus": lambda s, n: n,
    "the modulus less one": lambda s, n: n - 1,
    "the modulus and one": lambda s, n: n + 1,
    "the modulus less the signature": lambda s, n: n - s,
    "twice the signature": lambda s, n: 2 * s % n,
    "the signature's square": lambda s, n: s * s % n,
    "the signature's inverse": lambda s, n: pow(s, -1, n),
}

# --- other messages, signed by the pool's key ---

_MESSAGES: dict[str, Callable[[str, str], str]] = {
    "the header": lambda h, p: h,
    "the payload": lambda h, p: p,
    "header and payload without a dot": lambda h, p: h + p,
    "header and payload with a trailing dot": lambda h, p: f"{h}.{p}.",
    "payload and header": lambda h, p: f"{p}.{h}",
    "header and payload with a trailing line feed": lambda h, p: f"{h}.{p}\n",
    "header and payload in upper case": lambda h, p: f"{h}.{p}".upper(),
    "header and payload before encoding": lambda h, p: f"{decode_base64url(h)!r}.{decode_base64url(p)!r}",
    "the hash of header and payload": lambda h, p: hashlib.sha256(f"{h}.{p}".encode()).hexdigest(),
    "nothing": lambda h, p: "",
}


def _signed_instead(message: Callable[[str, str], str]) -> Callable[[Pool], str]:
    def make(pool: Pool) -> str:
        header, payload, _ = pool.parts()
        return f"{header}.{payload}.{mint.base64url(pool.signature(message(header, payload).encode()))}"

    return make


def _part_of_another(part: int) -> Callable[[Pool], str]:
    """One part taken from another valid token, which an administrator has."""

    def make(pool: Pool) -> str:
        theirs = pool.parts({"sub": "admin", "cognito:groups": ["admins"]}, {"typ": "JWT"})
        return ".".join(replaced(pool.parts(), part, theirs[part]))

    return make


# --- blocks that PKCS 1 does not allow, signed by the pool's key ---

SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
_INFO_WITHOUT_NULL = bytes.fromhex("302f300b0609608648016503040201 0420")
_INFO_OF_SHA512 = bytes.fromhex("3051300d060960864801650304020305000440")
_INFO_IN_LONG_FORM = bytes.fromhex("308131300d060960864801650304020105000420")
_INFO_WITH_SPACE = bytes.fromhex("3081a230 7e06096086480165030402010471") + bytes(0x71) + b"\x04\x20"


def block(size: int, info: bytes, kind: bytes = b"\0\1", padding: bytes = b"\xff", end: bytes = b"\0") -> bytes:
    return kind + padding * (size - len(kind) - len(end) - len(info)) + end + info


_BLOCKS: dict[str, Callable[[int, bytes], bytes]] = {
    "has short padding and bytes after the hash": lambda size, digest: (
        b"\0\1" + b"\xff" * 8 + b"\0" + SHA256_INFO + digest
    ).ljust(size, b"\xaa"),
    "has no padding": lambda size, digest: (b"\0\1\0" + SHA256_INFO + digest).ljust(size, b"\0"),
    "has one byte after the hash": lambda size, digest: block(size, SHA256_INFO + digest + b"\0"),
    "has additional bytes in the algorithm parameters": lambda size, digest: block(size, _INFO_WITH_SPACE + digest),
    "omits the algorithm parameters": lambda size, digest: block(size, _INFO_WITHOUT_NULL + digest),
    "names another algorithm": lambda size, digest: block(size, _INFO_OF_SHA512 + digest),
    "names another algorithm and has its hash length": lambda size, digest: block(
        size, _INFO_OF_SHA512 + digest + digest
    ),
    "names no algorithm": lambda size, digest: block(size, digest),
    "encodes a length in two bytes": lambda size, digest: block(size, _INFO_IN_LONG_FORM + digest),
    "is padded with zeros": lambda size, digest: block(size, SHA256_INFO + digest, padding=b"\0"),
    "is padded with 0xfe": lambda size, digest: block(size, SHA256_INFO + digest, padding=b"\xfe"),
    "is padded as for encryption": lambda size, digest: block(size, SHA256_INFO + digest, kind=b"\0\2"),
    "is of type zero": lambda size, digest: block(size, SHA256_INFO + digest, kind=b"\0\0"),
    "does not end its padding": lambda size, digest: block(size, SHA256_INFO + digest, end=b""),
    "begins one byte too early": lambda size, digest: block(size, SHA256_INFO + digest, kind=b"\1"),
    "is the hash alone": lambda size, digest: digest,
}


def raised(build: Callable[[int, bytes], bytes]) -> Callable[[Pool], str]:
    """Signs a block with the pool's key. The public key turns the signature back into that block."""

    def make(pool: Pool) -> str:
        header, payload, _ = pool.parts()
        numbers, size = pool.private_key.private_numbers(), pool.private_key.key_size // 8
        content = build(size, hashlib.sha256(f"{header}.{payload}".encode()).digest())
        power = pow(int.from_bytes(content, "big"), numbers.d, numbers.public_numbers.n)
        return f"{header}.{payload}.{mint.base64url(power.to_bytes(size, 'big'))}"

    return make


def _cube_root(pool: Pool) -> str:
    """Returns a number whose cube begins like a signed block. It deceives weak verifiers of keys with exponent 3."""
    header, payload, _ = pool.parts()
    size = pool.private_key.key_size // 8
    digest = hashlib.sha256(f"{header}.{payload}".encode()).digest()
    target = int.from_bytes((b"\0\1\xff\0" + SHA256_INFO + digest).ljust(size, b"\xff"), "big")
    low, high = 0, 1 << pool.private_key.key_size // 3 + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**3 <= target else (low, middle)
    return f"{header}.{payload}.{mint.base64url(low.to_bytes(size, 'big'))}"


ATTACKS = [
    *(Attack(f"a signature {what}", "bad_signature", _forged(forge)) for what, forge in _FORGERIES.items()),
    Attack("a signature without its leading zero", "bad_signature", _without_leading_zero),
    Attack("a signature with the modulus added", "bad_signature", _modulus_added),
    *(Attack(f"a signature that is {what}", "bad_signature", _number(choose)) for what, choose in _NUMBERS.items()),
    *(
        Attack(f"a signature of {what}", "bad_signature", _signed_instead(message))
        for what, message in _MESSAGES.items()
    ),
    *(
        Attack(f"a valid token with the {name} of another", "bad_signature", _part_of_another(part))
        for part, name in enumerate(("header", "payload", "signature"))
    ),
    *(Attack(f"a signed block that {what}", "bad_signature", raised(build)) for what, build in _BLOCKS.items()),
    Attack("a signature for keys of exponent 3", "bad_signature", _cube_root),
]
