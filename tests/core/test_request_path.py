"""The paths that a view can derive from the path of a request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.request_path import decode, spellings


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param("/", {"/"}, id="the root"),
        pytest.param("/docs/a.b-c", {"/docs/a.b-c"}, id="an ordinary path"),
        pytest.param("/docs/.hidden", {"/docs/.hidden"}, id="a name that begins with a dot"),
        pytest.param("/docs/...", {"/docs/..."}, id="three dots"),
        pytest.param("/docs/%41", {"/docs/%41", "/docs/A"}, id="encoded"),
        pytest.param("/docs/%2541", {"/docs/%2541", "/docs/%41", "/docs/A"}, id="encoded twice"),
        pytest.param("/docs/a+b", {"/docs/a+b"}, id="a plus sign is not a space"),
        pytest.param("/docs/50%", {"/docs/50%"}, id="a percent sign that encodes nothing"),
        pytest.param("/docs/a/", {"/docs/a/", "/docs/a"}, id="a slash at the end"),
        pytest.param("/docs/a%2F", {"/docs/a%2F", "/docs/a/", "/docs/a"}, id="an encoded slash at the end"),
    ],
)
def test_the_spellings_of_a_path_are_its_decoded_forms_with_and_without_a_trailing_slash(
    path: str, found: set[str]
) -> None:
    assert set(spellings(path)) == found


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), max_size=20))
def test_the_first_spelling_is_the_path_itself_and_the_fully_decoded_path_is_included(name: str) -> None:
    path = f"/docs/{name}"
    try:
        found = spellings(path)
    except ValueError:
        return
    assert found[0] == path
    decoded = path
    while decode(decoded) != decoded:
        decoded = decode(decoded)
    assert decoded in found


@pytest.mark.parametrize("text", ["%FF", "a%00", "%0a", "%7F", "%C2%85", "%ED%A0%80", "a\x00"])
def test_an_encoding_of_invalid_utf8_or_of_a_control_character_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"UTF-8|control character"):
        decode(text)


def test_a_doubly_encoded_character_is_decoded_once() -> None:
    assert decode("ops%40example.com") == "ops@example.com"
    assert decode("%C3%A9quipe") == "équipe"
    assert decode("%2541") == "%41"
