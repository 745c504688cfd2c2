"""A list of statements is parsed completely or refused. The refusal names the invalid field."""

import json
from typing import Any

import pytest
from hypothesis import given

from chalicelib.core.errors import InvalidInput
from chalicelib.core.policy_json import parse_statements, read_statements, to_json
from chalicelib.core.statement import METHODS, Effect, Statement
from tests.fakes import allow, deny
from tests.strategies import repeatable, statement_tuples

GOOD = allow("/reports", sid="good")
HERE = "statements[1]"  # each invalid statement below follows a valid one


def without(rule: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in rule.items() if name != field}


def test_a_list_is_refused_if_two_of_it_do_not_fit_into_one_dynamodb_item() -> None:
    """An audit entry has the statements before and after a change. Scopes take no room in an authorizer's result."""
    scopes = [f"scope-{number:0250}" for number in range(600)]
    with pytest.raises(InvalidInput, match=r"^statements: \d+ characters of JSON, at most 150000 are allowed$"):
        parse_statements([allow("/reports", scopes=scopes)])
    half = parse_statements([allow("/reports", scopes=scopes[:500])])
    assert read_statements(to_json(half)) == half


def test_a_field_that_is_nested_too_deeply_to_be_shown_is_refused() -> None:
    for depth in range(10, 1000, 20):
        nested: list[Any] = []
        for _ in range(depth):
            nested = [nested]
        with pytest.raises(InvalidInput, match=r"^statements\[0\].effect: expected Allow or Deny"):
            parse_statements([{"effect": nested}])


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param(None, "nothing", id="null"),
        pytest.param({"statements": [GOOD]}, "an object", id="an object that contains the list"),
        pytest.param("[]", "a string", id="a list written as a string"),
        pytest.param(7, "a number", id="a number"),
        pytest.param(True, "a boolean", id="a boolean"),
    ],
)
def test_a_value_that_is_not_a_list_of_statements_is_refused_with_its_type(value: object, kind: str) -> None:
    with pytest.raises(InvalidInput, match=f"^statements: expected a list, got {kind}$") as refused:
        parse_statements(value)
    assert refused.value.field == "statements"


@pytest.mark.parametrize(
    ("wrong", "field", "hint"),
    [
        pytest.param("Allow", HERE, "expected an object, got a string", id="a statement that is a string"),
        pytest.param(None, HERE, "expected an object, got nothing", id="a statement that is null"),
        pytest.param([GOOD], HERE, "expected an object, got a list", id="a statement that is a list"),
        pytest.param({**GOOD, "path": "/x"}, f"{HERE}.path", "no such field", id="an unknown field"),
        pytest.param({**GOOD, "Effect": "Deny"}, f"{HERE}.Effect", "no such field", id="a field in another case"),
        pytest.param(allow("/x", sid=""), f"{HERE}.sid", "1 to 64", id="an empty sid"),
        pytest.param(allow("/x", sid="s" * 65), f"{HERE}.sid", "1 to 64", id="a sid of 65 characters"),
        pytest.param(allow("/x", sid="read all"), f"{HERE}.sid", "1 to 64", id="a sid with a space"),
        pytest.param(allow("/x", sid="read\n"), f"{HERE}.sid", "1 to 64", id="a sid with a line feed"),
        pytest.param({**allow("/x"), "sid": 7}, f"{HERE}.sid", "1 to 64", id="a sid that is a number"),
        pytest.param(allow("/x", sid="good"), "statements", 'the sid "good" appears twice', id="a repeated sid"),
        pytest.param(without(allow("/x"), "effect"), f"{HERE}.effect", "got null", id="no effect"),
        pytest.param({**allow("/x"), "effect": "allow"}, f"{HERE}.effect", 'got "allow"', id="an effect in lower case"),
        pytest.param({**allow("/x"), "effect": "Permit"}, f"{HERE}.effect", 'got "Permit"', id="an unknown effect"),
        pytest.param({**allow("/x"), "effect": ["Allow"]}, f"{HERE}.effect", "Allow or Deny", id="a list as effect"),
        pytest.param(without(allow("/x"), "methods"), f"{HERE}.methods", "got null", id="no methods"),
        pytest.param(allow("/x", methods=[]), f"{HERE}.methods", "at least one", id="an empty list of methods"),
        pytest.param({**allow("/x"), "methods": "GET"}, f"{HERE}.methods", 'got "GET"', id="methods as one string"),
        pytest.param(allow("/x", methods=["GET", "get"]), f"{HERE}.methods[1]", '"get"', id="a method in lower case"),
        pytest.param(allow("/x", methods=["FETCH"]), f"{HERE}.methods[0]", '"FETCH"', id="an unknown method"),
        pytest.param(allow("/x", methods=["ANY"]), f"{HERE}.methods[0]", '"ANY"', id="API Gateway's ANY"),
        pytest.param({**allow("/x"), "methods": ["GET", 7]}, f"{HERE}.methods[1]", "a number", id="a number as method"),
        pytest.param(
            allow("/x", methods=["GET", "GET"]), f"{HERE}.methods", '"GET" appears twice', id="a repeated method"
        ),
        pytest.param(without(GOOD, "paths") | {"sid": "x"}, f"{HERE}.paths", "got null", id="no paths"),
        pytest.param(allow(), f"{HERE}.paths", "at least one", id="an empty list of paths"),
        pytest.param({**allow("/x"), "paths": "/x"}, f"{HERE}.paths", 'got "/x"', id="paths as one string"),
        pytest.param({**allow(), "paths": ["/x", None]}, f"{HERE}.paths[1]", "got nothing", id="null as path"),
        pytest.param(allow("/x", "/y", "/x"), f"{HERE}.paths", '"/x" appears twice', id="a repeated path"),
        pytest.param(allow("reports"), f"{HERE}.paths[0]", "begin with a slash", id="a path without a leading slash"),
        pytest.param(allow("*"), f"{HERE}.paths[0]", "begin with a slash", id="only a star"),
        pytest.param(allow(""), f"{HERE}.paths[0]", "begin with a slash", id="an empty path"),
        pytest.param(allow("/a$b"), f"{HERE}.paths[0]", "may not have", id="a dollar sign"),
        pytest.param(allow("/{id}"), f"{HERE}.paths[0]", "may not have", id="braces"),
        pytest.param(allow("/a{"), f"{HERE}.paths[0]", "may not have", id="an opening brace alone"),
        pytest.param(allow("/a}"), f"{HERE}.paths[0]", "may not have", id="a closing brace alone"),
        pytest.param(allow("/a%20b"), f"{HERE}.paths[0]", "may not have", id="a percent sign"),
        pytest.param(allow("/a b"), f"{HERE}.paths[0]", "may not have", id="a space"),
        pytest.param(allow("/a\n"), f"{HERE}.paths[0]", "may not have", id="a line feed"),
        pytest.param(allow('/a"b'), f"{HERE}.paths[0]", "may not have", id="a quote"),
        pytest.param(allow("/a\\b"), f"{HERE}.paths[0]", "may not have", id="a backslash"),
        pytest.param(allow("/größe"), f"{HERE}.paths[0]", "may not have", id="a non-ASCII letter"),
        pytest.param(allow("/x", "/a//b"), f"{HERE}.paths[1]", "empty or relative", id="an empty segment"),
        pytest.param(allow("/a/../b"), f"{HERE}.paths[0]", "empty or relative", id="a parent segment"),
        pytest.param(allow("/a/./b"), f"{HERE}.paths[0]", "empty or relative", id="a current segment"),
        pytest.param(allow("/a/.."), f"{HERE}.paths[0]", "empty or relative", id="a parent segment at the end"),
        pytest.param(allow("/x", scopes=[]), f"{HERE}.scopes", "at least one", id="an empty list of scopes"),
        pytest.param(allow("/x", scopes=None), f"{HERE}.scopes", "got null", id="null as scopes"),
        pytest.param(allow("/x", scopes="openid"), f"{HERE}.scopes", 'got "openid"', id="scopes as one string"),
        pytest.param(allow("/x", scopes=["a b"]), f"{HERE}.scopes[0]", "not a scope", id="a scope with a space"),
        pytest.param(allow("/x", scopes=["a", ""]), f"{HERE}.scopes[1]", "not a scope", id="an empty scope"),
        pytest.param(allow("/x", scopes=["a", 'b"']), f"{HERE}.scopes[1]", "not a scope", id="a scope with a quote"),
        pytest.param(
            allow("/x", scopes=["s" * 257]), f"{HERE}.scopes[0]", "not a scope", id="a scope of 257 characters"
        ),
        pytest.param(allow("/x", scopes=["a", "a"]), f"{HERE}.scopes", '"a" appears twice', id="a repeated scope"),
        *(
            pytest.param(allow("/x", signed_in_within=age), f"{HERE}.signed_in_within", "from 60 to", id=f"age {age!r}")
            for age in (59, 2_592_001, 0, -900, "900", 900.0, True, None, [900])
        ),
        pytest.param(deny("/x", signed_in_within=900), f"{HERE}.signed_in_within", "only an Allow", id="a Deny"),
    ],
)
def test_an_invalid_statement_is_refused_with_its_field_and_no_statement_is_returned(
    wrong: object, field: str, hint: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_statements([GOOD, wrong])
    assert refused.value.field == field
    assert refused.value.message.startswith(f"{field}: ")
    assert hint in refused.value.message
    assert refused.value.code == "invalid_input"


def test_a_long_invalid_value_is_truncated_in_the_message() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_statements([{**GOOD, "effect": "x" * 10_000}])
    assert len(refused.value.message) < 200


def test_every_field_is_parsed_unchanged() -> None:
    rules = [
        allow("/reports", "/reports/*", methods=["GET", "HEAD"], sid="read", scopes=["openid", "file.read"]),
        deny("/reports/annual", methods=["DELETE"], sid="keep"),
    ]
    assert parse_statements(rules) == (
        Statement("read", Effect.ALLOW, ("GET", "HEAD"), ("/reports", "/reports/*"), ("openid", "file.read")),
        Statement("keep", Effect.DENY, ("DELETE",), ("/reports/annual",), ()),
    )


def test_a_statement_without_a_sid_gets_a_sid_from_its_position() -> None:
    unnamed = without(GOOD, "sid")
    assert [statement.sid for statement in parse_statements([GOOD, unnamed])] == ["good", "statement2"]


def test_a_generated_sid_that_another_statement_already_has_is_refused() -> None:
    with pytest.raises(InvalidInput, match="statement2"):
        parse_statements([allow("/x", sid="statement2"), without(GOOD, "sid")])


@pytest.mark.parametrize("methods", [["*"], ["GET", "*"], list(METHODS)])
def test_a_star_in_the_methods_means_every_method(methods: list[str]) -> None:
    assert parse_statements([allow("/x", methods=methods)])[0].methods == METHODS


def test_one_hundred_statements_are_accepted_and_101_are_refused() -> None:
    # equal except for their sids
    rules = [allow("/x", sid=f"rule{number}") for number in range(101)]
    assert len(parse_statements(rules[:100])) == 100
    with pytest.raises(InvalidInput, match="101 statements, at most 100"):
        parse_statements(rules)


def test_an_empty_list_of_statements_is_valid() -> None:
    assert parse_statements([]) == ()


def test_a_segment_with_dots_in_a_name_is_not_relative() -> None:
    assert parse_statements([allow("/.well-known/a.b/..c/d..")])[0].paths == ("/.well-known/a.b/..c/d..",)


@repeatable
@given(statement_tuples)
def test_statements_are_equal_after_writing_and_parsing_their_json(statements: tuple[Statement, ...]) -> None:
    assert parse_statements(json.loads(to_json(statements))) == statements
