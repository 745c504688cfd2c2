"""A statement covers methods and paths, and can require a scope and a recent sign-in."""

from typing import Any

import pytest

from chalicelib.core.policy_json import parse_statements
from tests.fakes import allow


@pytest.mark.parametrize(
    ("statement", "scopes", "applies"),
    [
        pytest.param(allow("/x"), set(), True, id="no scope required, token without scopes"),
        pytest.param(allow("/x"), {"openid"}, True, id="no scope required, token with a scope"),
        pytest.param(allow("/x", scopes=["read"]), {"openid", "read"}, True, id="token with the required scope"),
        pytest.param(
            allow("/x", scopes=["read", "write"]), {"write"}, True, id="token with one of two required scopes"
        ),
        pytest.param(allow("/x", scopes=["read"]), {"openid"}, False, id="token with another scope"),
        pytest.param(allow("/x", scopes=["read"]), set(), False, id="token without scopes"),
        pytest.param(allow("/x", scopes=["read"]), {"reader"}, False, id="token with a longer scope"),
    ],
)
def test_a_statement_with_scopes_applies_to_a_token_with_one_of_them(
    statement: dict[str, Any], scopes: set[str], applies: bool
) -> None:
    assert parse_statements([statement])[0].counts_for(frozenset(scopes)) is applies


@pytest.mark.parametrize(
    ("seconds", "applies"),
    [
        pytest.param(0, True, id="at the sign-in"),
        pytest.param(-30, True, id="a sign-in that our clock has not reached"),
        pytest.param(900, True, id="at the limit"),
        pytest.param(900.001, False, id="after the limit"),
        pytest.param(1_800_000_000, False, id="an unknown sign-in"),
    ],
)
def test_a_statement_applies_until_the_sign_in_is_older_than_its_limit(seconds: float, applies: bool) -> None:
    assert parse_statements([allow("/x", signed_in_within=900)])[0].counts_after(seconds) is applies
    assert parse_statements([allow("/x")])[0].counts_after(seconds)
