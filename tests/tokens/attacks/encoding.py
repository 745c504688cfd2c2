"""Valid tokens with a wrong encoding: of base64url, or of the JSON in it. Each is signed as it is encoded."""

import base64
import json
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from tests import mint
from tests.tokens.attack import Attack, Pool, decode_base64url, encode, replaced

HEADER, PAYLOAD, SIGNATURE = range(3)
_PARTS = {HEADER: "header", PAYLOAD: "payload", SIGNATURE: "signature"}
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Text whose base64url contains `-` and `_` at every offset. Standard base64 uses other characters there.
_BOTH_SPECIAL_CHARACTERS = {"note": "?????>>>>>"}


def first_token(pool: Pool, condition: Callable[[list[str]], bool]) -> list[str]:
    """Returns the parts of the first valid token that fulfils the condition."""
    series = (
        pool.parts(_BOTH_SPECIAL_CHARACTERS | {"jti": str(number)}, _BOTH_SPECIAL_CHARACTERS) for number in count()
    )
    return next(parts for parts in series if condition(parts))


# --- base64url ---


def _with_unused(bits: int, segment: str) -> str:
    """Returns the same JSON with trailing spaces, so that two or four bits of its encoding are unused."""
    text = decode_base64url(segment)
    return mint.base64url(text + b" " * ((3 - bits // 2 - len(text)) % 3))


def _loose_end(bits: int) -> Callable[[str], str]:
    def spell(segment: str) -> str:
        segment = _with_unused(bits, segment)
        return segment[:-1] + _ALPHABET[_ALPHABET.index(segment[-1]) + 1]

    return spell


def _padded(bits: int) -> Callable[[str], str]:
    return lambda segment: _with_unused(bits, segment) + "=" * (bits // 2)


def _within(text: str) -> Callable[[str], str]:
    return lambda segment: segment[:16] + text + segment[16:]


SPELLINGS: dict[str, Callable[[str], str]] = {
    "is padded by one character": _padded(2),
    "is padded by two characters": _padded(4),
    "ends with an equals sign": lambda segment: segment + "=",
    "is padded by four characters": lambda segment: segment + "====",
    "contains padding in the middle": _within("="),
    "contains double padding": _within("=="),
    "has two unused bits that are not zero": _loose_end(2),
    "has four unused bits that are not zero": _loose_end(4),
    "has a length that base64 cannot have": lambda segment: segment + "A" * ((1 - len(segment)) % 4),
    "uses the plus sign of standard base64": lambda segment: segment.replace("-", "+"),
    "uses the slash of standard base64": lambda segment: segment.replace("_", "/"),
    "is written in lines": lambda segment: "\n".join(segment[at : at + 32] for at in range(0, len(segment), 32)),
    "contains a space": _within(" "),
    "contains a tab": _within("\t"),
    "contains a NUL": _within("\0"),
    "contains an exclamation mark": _within("!"),
    "contains a tilde": _within("~"),
    "contains an asterisk": _within("*"),
    "begins with a space": lambda segment: " " + segment,
    "ends with a line feed": lambda segment: segment + "\n",
    "ends with a space": lambda segment: segment + " ",
    "begins with a percent-encoded character": lambda segment: f"%{ord(segment[0]):02x}{segment[1:]}",
    "is written in base 32": lambda segment: base64.b32encode(decode_base64url(segment)).decode(),
}


def _respelled(part: int, spell: Callable[[str], str]) -> Callable[[Pool], str]:
    def make(pool: Pool) -> str:
        parts = first_token(pool, lambda parts: {"-", "_"} <= set(parts[SIGNATURE]))
        parts = replaced(parts, part, spell(parts[part]))
        return ".".join(parts) if part == SIGNATURE else pool.signed(".".join(parts[:SIGNATURE]))

    return make


# --- JSON ---


def _with(value: str) -> Callable[[str], bytes]:
    """Adds a field whose JSON value is written literally."""
    return lambda text: f'{text[:-1]}, "more": {value}}}'.encode()


def _more(field: bytes) -> Callable[[str], bytes]:
    return lambda text: text[:-1].encode() + b", " + field + b"}"


_TEXTS: dict[str, Callable[[str], bytes]] = {
    "is in UTF-16": lambda text: text.encode("utf-16"),
    "is in UTF-16 without a byte order mark": lambda text: text.encode("utf-16-le"),
    "is in UTF-32": lambda text: text.encode("utf-32"),
    "is in UTF-7": lambda text: text.replace("{", "+AHs-").encode(),
    "begins with a byte order mark": lambda text: text.encode("utf-8-sig"),
    "contains an invalid UTF-8 byte": _more(b'"more": "\xff"'),
    "contains a letter in Latin-1": _more(b'"more": "\xe9"'),
    "contains an overlong slash": _more(b'"more": "\xc0\xaf"'),
    "contains an overlong NUL": _more(b'"more": "\xc0\x80"'),
    "contains a lone surrogate": _more(b'"more": "\xed\xa0\x80"'),
    "contains a lone surrogate as an escape": _with(r'"\ud800"'),
    "contains a lone low surrogate as an escape": _with(r'"\udd11"'),
    "contains a surrogate pair in reverse order": _with(r'"\udd11\ud83d"'),
    "has a name that is a lone surrogate": _with(r'1, "\ud800": 1'),
    "contains a character beyond Unicode": _more(b'"more": "\xf4\x90\x80\x80"'),
    "contains NaN": _with("NaN"),
    "contains Infinity": _with("Infinity"),
    "contains -Infinity": _with("-Infinity"),
    "contains a number that overflows": _with("1e999"),
    "contains a negative number that overflows": _with("-1e999"),
    "contains a number just above the maximum float": _with("1.8e308"),
    "contains a number that begins with zero": _with("0123"),
    "contains a number that begins with a plus sign": _with("+1"),
    "contains a number that ends with a point": _with("1."),
    "contains a hexadecimal number": _with("0x1F"),
    "contains a number with underscores": _with("1_000"),
    "contains a whole number of 5,000 digits": _with("9" * 5000),
    "contains Python's True": _with("True"),
    "contains Python's None": _with("None"),
    "contains a word without quotes": _with("admin"),
    "contains a string in single quotes": _with("'admin'"),
    "contains a string that does not end": _with('"admin'),
    "contains a line feed in a string": _with('"ad\nmin"'),
    "contains a NUL in a string": _with('"ad\0min"'),
    "contains an escape that JSON does not know": _with(r'"\x41"'),
    "contains an incomplete escape": _with(r'"\u12"'),
    "contains a comment": _with("/* admin */ 1"),
    "ends with a comment": lambda text: f"{text}// admin".encode(),
    "ends with a comma": lambda text: f"{text[:-1]},}}".encode(),
    "ends with another bracket": lambda text: f"{text}}}".encode(),
    "ends with another object": lambda text: f"{text}{text}".encode(),
    "ends with another line": lambda text: f"{text}\n{text}".encode(),
    "ends with a NUL": lambda text: f"{text}\0".encode(),
    "ends with a no-break space": lambda text: f"{text}\xa0".encode(),
    "ends with a form feed": lambda text: f"{text}\f".encode(),
    "does not end": lambda text: text[:-1].encode(),
    "begins with an anti-hijacking prefix": lambda text: f")]}}',\n{text}".encode(),
    "has names without quotes": lambda text: text.replace('"kid"', "kid").replace('"sub"', "sub").encode(),
    "has single quotes": lambda text: text.replace('"', "'").encode(),
    "is a string": lambda text: json.dumps(text).encode(),
    "is a list of the object": lambda text: f"[{text}]".encode(),
    "is a list of pairs": lambda text: json.dumps(list(json.loads(text).items())).encode(),
    "is a number": lambda text: b"1800000000",
    "is true": lambda text: b"true",
    "is null": lambda text: b"null",
    "is an empty string": lambda text: b'""',
    "is an empty list": lambda text: b"[]",
    "is a space": lambda text: b" ",
    "is not JSON": lambda text: text.replace('"', "").encode(),
    "nests unclosed lists": lambda text: b"[" * 6000,
    "nests unclosed objects": lambda text: b'{"":' * 1500,
    "nests unclosed lists in a field": lambda text: f'{text[:-1]}, "more": {"[" * 6000}'.encode(),
    "repeats a field at the end": _with('1, "more": 1'),
    "repeats a field in a nested object": _with('{"in": [{"role": 1, "role": 1}]}'),
    "repeats the field with an empty name": _with('{"": 1, "": 2}'),
}


def _in_header(spell: Callable[[str], bytes]) -> Callable[[Pool], str]:
    return lambda pool: mint.sign(spell(json.dumps(pool.header())), encode(pool.claims()), pool.private_key)


def _in_payload(spell: Callable[[str], bytes]) -> Callable[[Pool], str]:
    return lambda pool: mint.sign(encode(pool.header()), spell(json.dumps(pool.claims())), pool.private_key)


# Fields that occur twice, with a second value that differs from the first one.
_TWICE: dict[int, Mapping[str, Any]] = {
    HEADER: {"alg": "none", "kid": "attacker"},
    PAYLOAD: {
        "exp": 4_000_000_000,
        "iat": 0,
        "iss": "https://attacker.example",
        "sub": "admin",
        "client_id": "attacker",
        "token_use": "id",
        "cognito:groups": ["admins"],
        "username": "admin",
        "scope": "aws.cognito.signin.user.admin",
        "origin_jti": "another",
    },
}


def _in_front(name: str, value: Any) -> Callable[[str], bytes]:
    return lambda text: f'{{"{name}": {json.dumps(value)}, {text[1:]}'.encode()


def _behind(name: str, value: Any) -> Callable[[str], bytes]:
    return lambda text: f'{text[:-1]}, "{name}": {json.dumps(value)}}}'.encode()


def _escaped_behind(name: str, value: Any) -> Callable[[str], bytes]:
    return _behind(f"\\u{ord(name[0]):04x}{name[1:]}", value)


def _twice(part: int, where: Callable[[str, Any], Callable[[str], bytes]], how: str) -> list[Attack]:
    into = _in_header if part == HEADER else _in_payload
    return [
        Attack(f"a {_PARTS[part]} that names {name} twice, {how}", "malformed_token", into(where(name, value)))
        for name, value in _TWICE[part].items()
    ]


ATTACKS = [
    *(
        Attack(f"a {_PARTS[part]} that {what}", "malformed_token", _respelled(part, spell))
        for part in _PARTS
        for what, spell in SPELLINGS.items()
    ),
    *(Attack(f"a header whose text {what}", "malformed_token", _in_header(spell)) for what, spell in _TEXTS.items()),
    *(Attack(f"a payload whose text {what}", "malformed_token", _in_payload(spell)) for what, spell in _TEXTS.items()),
    *_twice(HEADER, _in_front, "the wrong value first"),
    *_twice(HEADER, _behind, "the wrong value last"),
    *_twice(HEADER, _escaped_behind, "the second name with an escape"),
    *_twice(PAYLOAD, _in_front, "the wrong value first"),
    *_twice(PAYLOAD, _behind, "the wrong value last"),
    *_twice(PAYLOAD, _escaped_behind, "the second name with an escape"),
    Attack("an empty header object", "wrong_algorithm", _in_header(lambda text: b"{}")),
    Attack("an empty payload object", "malformed_claims", _in_payload(lambda text: b"{}")),
    Attack("a payload that nests lists 100,000 deep", "token_too_large", _in_payload(lambda text: b"[" * 100_000)),
]
