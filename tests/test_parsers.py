"""The parsers of the administration API refuse a body or a query of another form, by the name of the field."""

from __future__ import annotations

from typing import Any

import pytest
from chalice.app import MultiDict

from chalicelib.core.errors import InvalidInput
from chalicelib.core.user_search import UserSearch
from chalicelib.explain_routes import parse_question
from chalicelib.user_routes import parse_groups, parse_user_query

QUESTION: dict[str, Any] = {"method": "GET", "path": "/whoami"}
BAD = [
    pytest.param({"groups": ["a"], "user": "b"}, "user", id="an unknown field"),
    pytest.param({"method": None, "groups": []}, "method", id="no method"),
    pytest.param({"method": "get", "groups": []}, "method", id="a method in lower case"),
    pytest.param({"method": ["GET"], "groups": []}, "method", id="a list of methods"),
    pytest.param({}, "body", id="no caller"),
    pytest.param({"groups": ["a"], "client": "b"}, "body", id="two callers"),
    pytest.param({"token": "a", "scopes": []}, "scopes", id="scopes beside a token"),
    pytest.param({"groups": "clerks"}, "groups", id="groups as a text"),
    pytest.param({"groups": [1]}, "groups", id="a group that is a number"),
    pytest.param({"groups": ["a b"]}, "subject", id="a name that no group has"),
    pytest.param({"groups": ["g"] * 101}, "groups", id="too many groups"),
    pytest.param({"groups": [], "scopes": [""]}, "scopes", id="an empty scope"),
    pytest.param({"groups": [], "path": ""}, "path", id="an empty path"),
    pytest.param({"groups": [], "path": "/" + "a" * 2048}, "path", id="a path that is too long"),
    pytest.param({"groups": [], "path": 7}, "path", id="a path that is a number"),
    pytest.param({"client": "a b"}, "subject", id="a client that no pool has"),
    pytest.param({"client": {}}, "client", id="a client that is an object"),
    pytest.param({"username": "u" * 129}, "username", id="a username that is too long"),
    pytest.param({"token": "t" * 16_385}, "token", id="a token that is too long"),
]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": ["0"]},
        {"limit": ["61"]},
        {"limit": ["1", "2"]},
        {"token": [""]},
        {"token": ["a\n"]},
        {"page": ["1"]},
        {"begins_with": [""]},
        {"begins_with": ["c" * 101]},
        {"begins_with": ["clio", "urania"]},
        {"begins_with": ["a\nb"]},
        {"begins_with": ["a\u0000"]},
        {"begins_with": ["\u202egnp"]},
        {"attribute": ["sub"]},
        {"attribute": ['email ^= "a" or name']},
        {"group": ["a b"]},
        {"group": ["g" * 129]},
        {"status": ["confirmed"]},
        {"status": ['CONFIRMED" or "']},
        {"enabled": ["yes"]},
        {"enabled": [""]},
        {"filter": ['status = "Enabled"']},
    ],
    ids=str,
)
def test_the_refusal_of_an_invalid_page_names_the_field(query: dict[str, list[str]]) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_user_query(MultiDict(query))
    assert refused.value.field in query


def test_a_page_has_a_size_and_a_token() -> None:
    assert parse_user_query(MultiDict({"limit": ["5"], "token": ["abc"]})) == (5, "abc", UserSearch())
    assert parse_user_query(None) == (60, None, UserSearch())


def test_a_search_has_each_criterion() -> None:
    asked = {"begins_with": "Clio M", "attribute": "name", "group": "clerks", "status": "CONFIRMED"}
    query = MultiDict({name: [value] for name, value in {**asked, "enabled": "false"}.items()})
    expected = UserSearch("Clio M", "name", "clerks", "CONFIRMED", False)
    assert parse_user_query(query) == (60, None, expected)
    assert parse_user_query(MultiDict({"enabled": ["true"]}))[2] == UserSearch(enabled=True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "groups", id="no groups"),
        pytest.param({"groups": "clerks"}, "groups", id="a text"),
        pytest.param({"groups": [1]}, "groups", id="a number"),
        pytest.param({"groups": ["a", "a"]}, "groups", id="a repeated name"),
        pytest.param({"groups": ["a"] * 101}, "groups", id="too many names"),
        pytest.param({"groups": [], "force": "true"}, "force", id="a text for force"),
        pytest.param({"groups": [], "username": "clio"}, "username", id="an unknown field"),
    ],
)
def test_the_refusal_of_invalid_groups_names_the_field(body: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_groups(body)
    assert refused.value.field == field


@pytest.mark.parametrize(("fields", "field"), BAD)
def test_the_refusal_of_an_invalid_question_names_the_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_question({**QUESTION, **fields})
    assert refused.value.field == field
