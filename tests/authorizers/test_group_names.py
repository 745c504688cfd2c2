"""The list of groups for the upstream is complete, or it is no list."""

import json

import pytest

from authorizers.group_names import MAX_BYTES, encode


@pytest.mark.parametrize(
    ("subjects", "expected"),
    [
        ((), []),
        (("client:machine",), []),
        (("group:readers", "group:a,b", 'group:"q"', "group:équipe"), ["readers", "a,b", '"q"', "équipe"]),
    ],
)
def test_the_list_contains_the_groups_in_ascii_and_is_never_an_empty_text(
    subjects: tuple[str, ...], expected: list[str]
) -> None:
    text = encode(subjects, MAX_BYTES)
    assert json.loads(text) == expected
    assert text.isascii()


@pytest.mark.parametrize("room", [MAX_BYTES, 40, 0])
def test_a_list_that_is_too_long_becomes_null_and_not_a_shorter_list(room: int) -> None:
    assert encode([f"group:{number}-{'x' * 100}" for number in range(20)], room) == "null"
