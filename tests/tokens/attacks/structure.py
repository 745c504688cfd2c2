"""Tokens that are not exactly three parts joined by dots."""

import json
from collections.abc import Callable

from tests import mint
from tests.tokens.attack import LIMIT, Attack, Pool, encode


def _jwe(pool: Pool, algorithm: str) -> str:
    """Returns the compact form of an encrypted token. Cognito's refresh tokens have this form."""
    header = encode({"alg": algorithm, "enc": "A256GCM", "kid": pool.kid})
    return ".".join(map(mint.base64url, (header, bytes(256), bytes(12), bytes(600), bytes(16))))


def _as_json(pool: Pool) -> str:
    """Returns the token in the JSON serialization of RFC 7515."""
    protected, payload, signature = pool.parts()
    return json.dumps({"payload": payload, "protected": protected, "signature": signature})


def _token_in_a_token(pool: Pool) -> str:
    return mint.sign(encode(pool.header({"cty": "JWT"})), pool.token().encode(), pool.private_key)


# The parts of a valid token in a wrong arrangement. The signature is not computed again.
_BROKEN: dict[str, Callable[[str, str, str], str]] = {
    "only the header": lambda h, p, s: h,
    "the header and a dot": lambda h, p, s: f"{h}.",
    "header and payload": lambda h, p, s: f"{h}.{p}",
    "header and payload, and a dot": lambda h, p, s: f"{h}.{p}.",
    "payload and signature": lambda h, p, s: f"{p}.{s}",
    "an empty header": lambda h, p, s: f".{p}.{s}",
    "an empty signature, with two dots": lambda h, p, s: f"{h}.{p}..",
    "a leading empty part": lambda h, p, s: f".{h}.{p}.{s}",
    "a trailing empty part": lambda h, p, s: f"{h}.{p}.{s}.",
    "parts joined by commas": lambda h, p, s: f"{h},{p},{s}",
    "parts joined by percent-encoded dots": lambda h, p, s: f"{h}%2E{p}%2E{s}",
    "parts joined by fullwidth dots": lambda h, p, s: f"{h}\uff0e{p}\uff0e{s}",
    "parts joined by one-dot leaders": lambda h, p, s: f"{h}\u2024{p}\u2024{s}",
    "spaces around the dots": lambda h, p, s: f"{h} . {p} . {s}",
    "a line break after each dot": lambda h, p, s: f"{h}.\n{p}.\n{s}",
}

# The same, where the last part is a well-formed signature that does not match the text before it.
_REJOINED: dict[str, Callable[[str, str, str], str]] = {
    "an empty part in the middle": lambda h, p, s: f"{h}..{p}.{s}",
    "a fourth part": lambda h, p, s: f"{h}.{p}.{s}.e30",
    "the signature twice": lambda h, p, s: f"{h}.{p}.{s}.{s}",
    "five parts": lambda h, p, s: f"{h}.{p}.{s}.e30.e30",
    "two tokens joined by a dot": lambda h, p, s: f"{h}.{p}.{s}.{h}.{p}.{s}",
    "two tokens without a separator": lambda h, p, s: f"{h}.{p}.{s}{h}.{p}.{s}",
    "two tokens joined by a comma": lambda h, p, s: f"{h}.{p}.{s},{h}.{p}.{s}",
    "two tokens joined by a comma and a space": lambda h, p, s: f"{h}.{p}.{s}, {h}.{p}.{s}",
    "two tokens joined by a space": lambda h, p, s: f"{h}.{p}.{s} {h}.{p}.{s}",
    "two credentials in one header": lambda h, p, s: f"{h}.{p}.{s}, Bearer {h}.{p}.{s}",
}

# Text around a valid token. `{}` is the token.
_AROUND = {
    "a leading space": " {}",
    "a trailing space": "{} ",
    "a leading tab": "\t{}",
    "a trailing tab": "{}\t",
    "a leading line feed": "\n{}",
    "a trailing line feed": "{}\n",
    "a trailing carriage return and line feed": "{}\r\n",
    "another header line after it": "{}\r\nX-Role: admin",
    "a leading NUL": "\0{}",
    "a trailing NUL": "{}\0",
    "a trailing DEL": "{}\x7f",
    "a trailing no-break space": "{}\xa0",
    "a trailing zero-width space": "{}\u200b",
    "a leading byte order mark": "\ufeff{}",
    "a leading right-to-left override": "\u202e{}",
    "a trailing accented letter": "{}é",
    "a trailing Cyrillic letter": "{}\u0435",
    "a trailing character beyond 16 bits": "{}\U0001f511",
    "a trailing lone surrogate": "{}\udc80",
    "a second scheme Bearer": "Bearer {}",
    "a second scheme in lower case": "bearer {}",
    "a second scheme and a tab": "Bearer\t{}",
    "the scheme of another protocol": "Basic {}",
    "the name of a parameter": "token={}",
    "surrounding double quotes": '"{}"',
    "surrounding single quotes": "'{}'",
    "surrounding angle brackets": "<{}>",
    "surrounding square brackets": "[{}]",
    "Python's spelling of bytes": "b'{}'",
    "a trailing comma": "{},",
    "a trailing semicolon": "{};",
    "a leading colon": ":{}",
    "a trailing query": "{}?x=1",
    "a trailing fragment": "{}#",
    "a leading path": "/{}",
    "a trailing backslash": "{}\\",
    "a trailing shell command": "{};id",
    "a trailing percent-encoded NUL": "{}%00",
    "a trailing percent-encoded line break": "{}%0d%0a",
}

_MALFORMED: dict[str, Callable[[Pool], str]] = {
    "an empty string": lambda pool: "",
    "a space": lambda pool: " ",
    "a dot": lambda pool: ".",
    "two dots": lambda pool: "..",
    "three dots": lambda pool: "...",
    "the maximum number of dots": lambda pool: "." * LIMIT,
    "the maximum number of letters": lambda pool: "A" * LIMIT,
    "the maximum number of two-byte characters": lambda pool: "é" * LIMIT,
    "three letters": lambda pool: "a.b.c",
    "the word null": lambda pool: "null",
    "the word undefined, three times": lambda pool: "undefined.undefined.undefined",
    "the text of a JavaScript object": lambda pool: "[object Object]",
    "a user name and a password": lambda pool: "Y2xlcms6c2VjcmV0",
    "the JSON serialisation": _as_json,
    "an unencoded payload": lambda pool: pool.signed(f"{pool.parts()[0]}.{json.dumps(pool.claims())}"),
    "an empty payload": lambda pool: pool.signed(f"{pool.parts()[0]}."),
    "a dot within the payload": lambda pool: pool.signed(f"{pool.parts()[0]}.e30.e30"),
    "a token as the payload of a token": _token_in_a_token,
    "a valid token in upper case": lambda pool: pool.token().upper(),
    "a valid token in reverse order": lambda pool: pool.token()[::-1],
}

_TOO_LARGE: dict[str, Callable[[Pool], str]] = {
    "a valid token that is one character too long": lambda pool: pool.token_of(LIMIT + 1),
    "one letter more than the maximum": lambda pool: "A" * (LIMIT + 1),
    "one dot more than the maximum": lambda pool: "." * (LIMIT + 1),
    "a megabyte": lambda pool: "A" * 2**20,
    "one two-byte character more than the maximum": lambda pool: "é" * (LIMIT + 1),
    "a token for each second of a minute": lambda pool: ",".join([pool.token()] * 60),
}


def _broken(break_up: Callable[[str, str, str], str]) -> Callable[[Pool], str]:
    return lambda pool: break_up(*pool.parts())


def _around(pattern: str) -> Callable[[Pool], str]:
    return lambda pool: pattern.format(pool.token())


ATTACKS = [
    *(Attack(f"a valid token as {what}", "malformed_token", _broken(how)) for what, how in _BROKEN.items()),
    *(Attack(f"a valid token as {what}", "bad_signature", _broken(how)) for what, how in _REJOINED.items()),
    *(Attack(f"a valid token with {what}", "malformed_token", _around(pattern)) for what, pattern in _AROUND.items()),
    *(Attack(what, "malformed_token", make) for what, make in _MALFORMED.items()),
    *(Attack(what, "token_too_large", make) for what, make in _TOO_LARGE.items()),
    Attack("an encrypted token", "wrong_algorithm", lambda pool: _jwe(pool, "RSA-OAEP")),
    Attack("an encrypted token with the algorithm RS256", "bad_signature", lambda pool: _jwe(pool, "RS256")),
    Attack("a valid token after an empty object", "wrong_algorithm", lambda pool: f"e30.{pool.token()}"),
]
