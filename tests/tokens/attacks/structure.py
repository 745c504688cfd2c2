"""Tokens that are not three parts joined by dots, or have something around them."""

import json
from collections.abc import Callable

from tests import mint
from tests.tokens.attack import LIMIT, Attack, Pool, encode


def _jwe(pool: Pool, algorithm: str) -> str:
    """The compact form of an encrypted token, of which Cognito's refresh tokens are examples."""
    header = encode({"alg": algorithm, "enc": "A256GCM", "kid": pool.kid})
    return ".".join(map(mint.base64url, (header, bytes(256), bytes(12), bytes(600), bytes(16))))


def _as_json(pool: Pool) -> str:
    """The same token in the other serialisation of RFC 7515, which not everyone knows to refuse."""
    protected, payload, signature = pool.parts()
    return json.dumps({"payload": payload, "protected": protected, "signature": signature})


def _token_in_a_token(pool: Pool) -> str:
    return mint.sign(encode(pool.header({"cty": "JWT"})), pool.token().encode(), pool.private_key)


# What becomes of a good token → how. Nothing is signed anew: a good signature is part of what is taken apart.
_BROKEN: dict[str, Callable[[str, str, str], str]] = {
    "the header alone": lambda h, p, s: h,
    "the header and a dot": lambda h, p, s: f"{h}.",
    "header and payload": lambda h, p, s: f"{h}.{p}",
    "header and payload, and a dot": lambda h, p, s: f"{h}.{p}.",
    "payload and signature": lambda h, p, s: f"{p}.{s}",
    "an empty header": lambda h, p, s: f".{p}.{s}",
    "an empty signature, with two dots": lambda h, p, s: f"{h}.{p}..",
    "an empty part in front": lambda h, p, s: f".{h}.{p}.{s}",
    "an empty part at the end": lambda h, p, s: f"{h}.{p}.{s}.",
    "parts joined by commas": lambda h, p, s: f"{h},{p},{s}",
    "parts joined by percent-encoded dots": lambda h, p, s: f"{h}%2E{p}%2E{s}",
    "parts joined by fullwidth dots": lambda h, p, s: f"{h}\uff0e{p}\uff0e{s}",
    "parts joined by one-dot leaders": lambda h, p, s: f"{h}\u2024{p}\u2024{s}",
    "spaces around the dots": lambda h, p, s: f"{h} . {p} . {s}",
    "a line break behind each dot": lambda h, p, s: f"{h}.\n{p}.\n{s}",
}

# The same, where the signature is well written and stands behind everything else, which it does not belong to.
_REJOINED: dict[str, Callable[[str, str, str], str]] = {
    "an empty part in the middle": lambda h, p, s: f"{h}..{p}.{s}",
    "a fourth part": lambda h, p, s: f"{h}.{p}.{s}.e30",
    "the signature twice": lambda h, p, s: f"{h}.{p}.{s}.{s}",
    "five parts": lambda h, p, s: f"{h}.{p}.{s}.e30.e30",
    "two tokens joined by a dot": lambda h, p, s: f"{h}.{p}.{s}.{h}.{p}.{s}",
    "two tokens joined by nothing": lambda h, p, s: f"{h}.{p}.{s}{h}.{p}.{s}",
    "two tokens joined by a comma": lambda h, p, s: f"{h}.{p}.{s},{h}.{p}.{s}",
    "two tokens joined by a comma and a space": lambda h, p, s: f"{h}.{p}.{s}, {h}.{p}.{s}",
    "two tokens joined by a space": lambda h, p, s: f"{h}.{p}.{s} {h}.{p}.{s}",
    "two credentials in one header": lambda h, p, s: f"{h}.{p}.{s}, Bearer {h}.{p}.{s}",
}

# What stands around a good token → how; `{}` is the token.
_AROUND = {
    "a space in front": " {}",
    "a space behind": "{} ",
    "a tab in front": "\t{}",
    "a tab behind": "{}\t",
    "a line feed in front": "\n{}",
    "a line feed behind": "{}\n",
    "a carriage return and line feed behind": "{}\r\n",
    "another header line behind": "{}\r\nX-Role: admin",
    "a NUL in front": "\0{}",
    "a NUL behind": "{}\0",
    "a DEL behind": "{}\x7f",
    "a no-break space behind": "{}\xa0",
    "a zero-width space behind": "{}\u200b",
    "a byte order mark in front": "\ufeff{}",
    "a right-to-left override in front": "\u202e{}",
    "an accented letter behind": "{}é",
    "a Cyrillic letter behind": "{}\u0435",
    "a character beyond 16 bits behind": "{}\U0001f511",
    "half a surrogate pair behind": "{}\udc80",
    "the scheme Bearer once more": "Bearer {}",
    "the scheme in lower case once more": "bearer {}",
    "the scheme and a tab": "Bearer\t{}",
    "the scheme of another protocol": "Basic {}",
    "the name of a parameter": "token={}",
    "double quotes around": '"{}"',
    "single quotes around": "'{}'",
    "angle brackets around": "<{}>",
    "square brackets around": "[{}]",
    "Python's spelling of bytes": "b'{}'",
    "a comma behind": "{},",
    "a semicolon behind": "{};",
    "a colon in front": ":{}",
    "a query behind": "{}?x=1",
    "a fragment behind": "{}#",
    "a path in front": "/{}",
    "a backslash behind": "{}\\",
    "a shell's command behind": "{};id",
    "a percent-encoded NUL behind": "{}%00",
    "a percent-encoded line break behind": "{}%0d%0a",
}

_MALFORMED: dict[str, Callable[[Pool], str]] = {
    "nothing at all": lambda pool: "",
    "a space": lambda pool: " ",
    "a dot": lambda pool: ".",
    "two dots": lambda pool: "..",
    "three dots": lambda pool: "...",
    "as many dots as are read": lambda pool: "." * LIMIT,
    "as many letters as are read": lambda pool: "A" * LIMIT,
    "as many characters of two bytes as are read": lambda pool: "é" * LIMIT,
    "three letters": lambda pool: "a.b.c",
    "the word null": lambda pool: "null",
    "the word undefined, three times": lambda pool: "undefined.undefined.undefined",
    "what JavaScript writes for an object": lambda pool: "[object Object]",
    "a user name and a password": lambda pool: "Y2xlcms6c2VjcmV0",
    "the JSON serialisation": _as_json,
    "the payload that nobody encoded": lambda pool: pool.signed(f"{pool.parts()[0]}.{json.dumps(pool.claims())}"),
    "an empty payload": lambda pool: pool.signed(f"{pool.parts()[0]}."),
    "a dot within the payload": lambda pool: pool.signed(f"{pool.parts()[0]}.e30.e30"),
    "a token as the payload of a token": _token_in_a_token,
    "a good token in upper case": lambda pool: pool.token().upper(),
    "a good token backwards": lambda pool: pool.token()[::-1],
}

_TOO_LARGE: dict[str, Callable[[Pool], str]] = {
    "a good token, but for one character too many": lambda pool: pool.token_of(LIMIT + 1),
    "a letter more than is read": lambda pool: "A" * (LIMIT + 1),
    "a dot more than is read": lambda pool: "." * (LIMIT + 1),
    "a megabyte": lambda pool: "A" * 2**20,
    "a character of two bytes more than is read": lambda pool: "é" * (LIMIT + 1),
    "a token for each second of a minute": lambda pool: ",".join([pool.token()] * 60),
}


def _broken(break_up: Callable[[str, str, str], str]) -> Callable[[Pool], str]:
    return lambda pool: break_up(*pool.parts())


def _around(pattern: str) -> Callable[[Pool], str]:
    return lambda pool: pattern.format(pool.token())


ATTACKS = [
    *(Attack(f"a good token as {what}", "malformed_token", _broken(how)) for what, how in _BROKEN.items()),
    *(Attack(f"a good token as {what}", "bad_signature", _broken(how)) for what, how in _REJOINED.items()),
    *(Attack(f"a good token with {what}", "malformed_token", _around(pattern)) for what, pattern in _AROUND.items()),
    *(Attack(what, "malformed_token", make) for what, make in _MALFORMED.items()),
    *(Attack(what, "token_too_large", make) for what, make in _TOO_LARGE.items()),
    Attack("an encrypted token", "wrong_algorithm", lambda pool: _jwe(pool, "RSA-OAEP")),
    Attack("an encrypted token that claims RS256", "bad_signature", lambda pool: _jwe(pool, "RS256")),
    Attack("a good token behind an empty object", "wrong_algorithm", lambda pool: f"e30.{pool.token()}"),
]
