"""A statement covers methods and paths, and can require a scope."""

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
