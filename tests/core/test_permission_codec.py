"""Decoded permissions give the same decisions as the permissions that were encoded."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.decision import decide
from chalicelib.core.permission_codec import decode, encode
from chalicelib.core.statement import METHODS, Statement
from tests.fakes import allow, deny, statements
from tests.strategies import paths, repeatable, statement_tuples


@repeatable
@given(statement_tuples, st.lists(paths, min_size=1, max_size=5))
def test_decoded_permissions_decide_like_the_original_statements(
    original: tuple[Statement, ...], requested: list[str]
) -> None:
    read_back = decode(encode(original))
    assert {s.signed_in_within for s in read_back} == {s.signed_in_within for s in original}
    for method, path in product(METHODS, [*requested, "/", "/reports", "/reports/7", "/admin/reports/7"]):
        assert decide(read_back, method, path).allowed is decide(original, method, path).allowed


def test_a_rule_that_occurs_in_several_policies_is_encoded_once() -> None:
    once = encode(statements(allow("/reports", sid="one")))
    assert encode(statements(allow("/reports", sid="one"), allow("/reports", sid="two"))) == once


def test_a_deny_and_an_allow_of_the_same_path_are_both_encoded() -> None:
    authorization = encode(statements(allow("/reports"), deny("/reports")))
    assert not decide(decode(authorization), "GET", "/reports").allowed


def test_no_statements_are_encoded_as_an_empty_string_that_allows_nothing() -> None:
    assert encode(()) == ""
    assert decode("") == ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Allow", id="only an effect"),
        pytest.param("Allow GET", id="no path"),
        pytest.param("Allow GET /reports Deny", id="a truncated rule"),
        pytest.param("Permit GET /reports", id="an unknown effect"),
        pytest.param("allow GET /reports", id="an effect in lower case"),
        pytest.param("GET /reports Allow", id="fields in another order"),
        pytest.param("everything", id="one word"),
        pytest.param("Allow@ GET /reports", id="no age of the sign-in"),
        pytest.param("Allow@soon GET /reports", id="an age that is not a number"),
    ],
)
def test_text_that_does_not_encode_permissions_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - no caller reads the message
        decode(text)
