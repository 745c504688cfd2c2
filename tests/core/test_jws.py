"""A token is parsed strictly before any part of it is trusted."""

import json

import pytest

from chalicelib.core.errors import TokenRejected
from chalicelib.core.jws import MAX_TOKEN_BYTES, decode_base64url, decode_object, key_id, split
from tests.mint import KID, base64url, person, token


def encoded(value: object) -> bytes:
    return base64url(json.dumps(value).encode()).encode()


def test_a_token_is_split_into_its_parts() -> None:
    whole = token(person())
    header, payload, signature = whole.encode().split(b".")
    jws = split(whole)
    assert (jws.header, jws.payload) == (header, payload)
    assert jws.signing_input == header + b"." + payload
    assert base64url(jws.signature) == signature.decode()
    assert len(jws.signature) == 256
    assert key_id(jws.header) == KID
    assert decode_object(jws.payload) == person()


def test_a_token_of_the_maximum_size_is_read_and_a_larger_one_is_refused() -> None:
    signature = "A" * (MAX_TOKEN_BYTES - len("e30.e30."))
    assert split(f"e30.e30.{signature}").signature
    with pytest.raises(
        TokenRejected, match=f"has {MAX_TOKEN_BYTES + 1} bytes; the limit is {MAX_TOKEN_BYTES}"
    ) as rejected:
        split(f"e30.e300.{signature}")
    assert rejected.value.code == "token_too_large"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("e30", id="one part"),
        pytest.param("e30.AAAA", id="two parts"),
        pytest.param("..", id="three empty parts"),
        pytest.param("e30.e30.", id="no signature"),
        pytest.param("e30.e30.AAA=", id="a padded signature"),
        pytest.param("e30.e30.AAAA ", id="a trailing space"),
        pytest.param("e30.e30.AAAÄ", id="a non-ASCII letter"),
        pytest.param("e30.e30.AAA\u0661", id="a non-ASCII digit"),
    ],
)
def test_text_that_does_not_have_three_base64url_parts_is_malformed(text: str) -> None:
    with pytest.raises(TokenRejected) as rejected:
        split(text)
    assert rejected.value.code == "malformed_token"


def test_a_token_with_four_parts_is_malformed() -> None:
    jws = split("e30.e30.e30.AAAA")
    with pytest.raises(TokenRejected) as rejected:
        decode_object(jws.payload)
    assert rejected.value.code == "malformed_token"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        pytest.param({"kid": KID}, "wrong_algorithm", id="no algorithm"),
        pytest.param({"kid": KID, "alg": "none"}, "wrong_algorithm", id="the algorithm none"),
        pytest.param({"kid": KID, "alg": "HS256"}, "wrong_algorithm", id="an algorithm with a shared secret"),
        pytest.param({"kid": KID, "alg": "RS512"}, "wrong_algorithm", id="another RSA algorithm"),
        pytest.param({"kid": KID, "alg": "rs256"}, "wrong_algorithm", id="the algorithm in lower case"),
        pytest.param({"kid": KID, "alg": ["RS256"]}, "wrong_algorithm", id="a list of algorithms"),
        pytest.param({"kid": KID, "alg": "RS256", "crit": []}, "malformed_token", id="a critical extension"),
        pytest.param({"kid": KID, "alg": "RS256", "b64": True}, "malformed_token", id="an unencoded payload"),
        pytest.param({"alg": "RS256"}, "unknown_key", id="no key id"),
        pytest.param({"kid": None, "alg": "RS256"}, "unknown_key", id="a key id that is null"),
        pytest.param({"kid": [KID], "alg": "RS256"}, "unknown_key", id="a list as key id"),
        pytest.param([], "malformed_token", id="not an object"),
    ],
)
def test_an_invalid_header_is_refused_with_its_code(header: object, code: str) -> None:
    with pytest.raises(TokenRejected) as rejected:
        key_id(encoded(header))
    assert rejected.value.code == code


def test_extra_header_fields_are_accepted_and_embedded_keys_are_ignored() -> None:
    assert key_id(encoded({"kid": KID, "alg": "RS256", "typ": "JWT", "jwk": {}, "jku": "https://evil.example"})) == KID


@pytest.mark.parametrize(
    ("segment", "content"),
    [(b"AA", b"\0"), (b"AAA", b"\0\0"), (b"AAAA", b"\0\0\0"), (b"_-8", b"\xff\xef"), (b"_w", b"\xff")],
)
def test_canonical_base64url_is_decoded(segment: bytes, content: bytes) -> None:
    assert decode_base64url(segment) == content


@pytest.mark.parametrize(
    "segment",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"A", id="a single character"),
        pytest.param(b"AAAAA", id="one extra character"),
        pytest.param(b"AB", id="one byte with unused bits"),
        pytest.param(b"AAB", id="two bytes with unused bits"),
        pytest.param(b"AA==", id="padding"),
        pytest.param(b"A/AA", id="a slash of the standard base64"),
        pytest.param(b"A+AA", id="a plus sign of the standard base64"),
        pytest.param(b"AA AA", id="a space inside"),
        pytest.param(b"AAAA\n", id="a line feed"),
        pytest.param(b"AA\0A", id="a zero byte"),
    ],
)
def test_base64url_that_is_not_canonical_is_malformed(segment: bytes) -> None:
    with pytest.raises(TokenRejected) as rejected:
        decode_base64url(segment)
    assert rejected.value.code == "malformed_token"


@pytest.mark.parametrize("value", [[], "text", 7, None, True])
def test_a_part_that_is_not_an_object_is_malformed(value: object) -> None:
    with pytest.raises(TokenRejected) as rejected:
        decode_object(encoded(value))
    assert rejected.value.code == "malformed_token"


@pytest.mark.parametrize("text", [b"", b"{", b'{"exp":1,"exp":2}', b'{"exp":NaN}', b"\xff", b"[" * 5_000])
def test_a_part_that_is_not_strict_json_is_malformed(text: bytes) -> None:
    with pytest.raises(TokenRejected) as rejected:
        decode_object(base64url(text).encode())
    assert rejected.value.code == "malformed_token"
