"""The names of policies fit into the remaining bytes and can be decoded."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authorizers.policy_names import decode, encode

THREE = ["group:a@1", "group:b@2", "client:c@3"]
names = st.lists(st.text(st.characters(categories=["L", "M", "S", "N", "P"]), min_size=1), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("max_bytes", "text"),
    [
        pytest.param(100, "group:a@1, group:b@2, client:c@3", id="more than enough for all"),
        pytest.param(34, "group:a@1, group:b@2, client:c@3", id="exactly enough for all"),
        pytest.param(33, "group:a@1, and 2 more", id="one byte too little"),
        pytest.param(23, "group:a@1, and 2 more", id="exactly enough for one"),
        pytest.param(22, "3 in number", id="not enough for one"),
        pytest.param(-100, "3 in number", id="a negative number of bytes"),
    ],
)
def test_only_the_names_that_fit_are_encoded(max_bytes: int, text: str) -> None:
    assert encode(THREE, max_bytes) == text


def test_no_policies_are_encoded_as_an_empty_text() -> None:
    assert encode([], 100) == ""


@given(names, st.integers(20, 400))
def test_encoded_names_fit_and_can_be_decoded(policies: list[str], max_bytes: int) -> None:
    text = encode(policies, max_bytes)
    assert len(json.dumps(text)) <= max_bytes
    assert json.loads(f'"{text}"') == text
    named = decode(text)
    if named == policies:
        return
    assert named[-1] in (f"and {len(policies) - len(named) + 1} more", f"{len(policies)} in number")
    assert named[:-1] == policies[: len(named) - 1]
