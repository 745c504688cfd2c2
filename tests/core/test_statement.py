"""A statement covers methods and paths, and can require a scope."""

from typing import Any

import pytest

from chalicelib.core.policy_json import parse_statements
from tests.fakes import allow


@pytest.mark.parametrize(
    ("statement", "scopes", "counts"),
    [
        pytest.param(allow("/x"), set(), True, id="no scopes asked, none carried"),
        pytest.param(allow("/x"), {"openid"}, True, id="no scopes asked, one carried"),
        pytest.param(allow("/x", scopes=["read"]), {"openid", "read"}, True, id="the scope asked is carried"),
        pytest.param(allow("/x", scopes=["read", "write"]), {"write"}, True, id="any one of those asked will do"),
        pytest.param(allow("/x", scopes=["read"]), {"openid"}, False, id="another scope is carried"),
        pytest.param(allow("/x", scopes=["read"]), set(), False, id="no scope is carried"),
        pytest.param(allow("/x", scopes=["read"]), {"reader"}, False, id="a longer scope is another"),
    ],
)
def test_a_statement_with_scopes_counts_for_a_token_with_one_of_them(
    statement: dict[str, Any], scopes: set[str], counts: bool
) -> None:
    assert parse_statements([statement])[0].counts_for(frozenset(scopes)) is counts
