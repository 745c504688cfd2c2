"""Ambiguous JSON is refused."""

import pytest

from chalicelib.core import strict_json


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (b'{"a": [1, 2.5, "x", true, null]}', {"a": [1, 2.5, "x", True, None]}),
        (b' "gr\xc3\xb6\xc3\x9fe" ', "größe"),
        (b'{"a": {"b": 1}, "b": {"b": 2}}', {"a": {"b": 1}, "b": {"b": 2}}),
        (b"{}", {}),
    ],
)
def test_valid_json_is_parsed(text: bytes, meaning: object) -> None:
    assert strict_json.parse(text) == meaning


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="an empty text"),
        pytest.param(b"{'a': 1}", id="single quotes"),
        pytest.param(b"[1,]", id="a trailing comma"),
        pytest.param(b"{} {}", id="two values"),
        pytest.param(b"NaN", id="NaN"),
        pytest.param(b'{"exp": Infinity}', id="infinity"),
        pytest.param(b'{"exp": -Infinity}', id="minus infinity"),
        pytest.param(b'{"exp": 1e999}', id="a number too large for a float"),
        pytest.param(b'{"a": 1, "a": 1}', id="a repeated field"),
        pytest.param(b'[{"b": {"a": 1, "c": 0, "a": 2}}]', id="a repeated field in a nested object"),
        pytest.param(b'{"a": 1, "\\u0061": 2}', id="a repeated field with an escaped name"),
        pytest.param(b'"\xff"', id="bytes that are not UTF-8"),
        pytest.param(b'"\xed\xa0\x80"', id="a lone surrogate as bytes"),
        pytest.param('"größe"'.encode("latin-1"), id="another encoding"),
        pytest.param('"a"'.encode("utf-16"), id="UTF-16, which json.loads would guess"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
        pytest.param(b"[" * 50_000, id="deeply nested lists"),
        pytest.param(b'{"a":' * 50_000, id="deeply nested objects"),
        pytest.param(b"9" * 5_000, id="a number of 5000 digits"),
    ],
)
def test_invalid_and_ambiguous_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the caller adds the field
        strict_json.parse(text)
