"""A body is an object with exactly the fields that its route takes, or it is refused by the name of a field."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.admin_routes import parse_policy, parse_revocation
from chalicelib.core.errors import InvalidInput
from chalicelib.request_body import texts
from tests.fakes import allow, statements

ORDER = {"title": "Orders", "body": "many"}
READ = allow("/orders", sid="read")
CLERK = "c1e7c000-0000-4000-8000-00000000c1e7"


def refused_field(parse: Callable[[Any], object], body: object) -> str:
    with pytest.raises(InvalidInput) as refused:
        parse(body)
    return refused.value.field


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(None, "body", id="nothing"),
        pytest.param([], "body", id="a list"),
        pytest.param({"title": "t"}, "body", id="a text is missing"),
        pytest.param({**ORDER, "id": "r9"}, "id", id="an unknown field"),
        pytest.param({**ORDER, "title": 7}, "title", id="a number"),
        pytest.param({**ORDER, "body": None}, "body", id="null"),
    ],
)
def test_texts_that_are_wrong_are_refused_by_their_field(body: object, field: str) -> None:
    assert refused_field(lambda read: texts(read, "title", "body"), body) == field


def test_texts_are_returned_by_their_names() -> None:
    assert texts(ORDER, "title", "body") == ORDER


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(None, "body", id="nothing"),
        pytest.param([READ], "body", id="a bare list"),
        pytest.param("{}", "body", id="a text"),
        pytest.param({}, "statements", id="no statements"),
        pytest.param({"version": 1}, "statements", id="a version alone"),
        pytest.param({"statements": [READ], "subject": "group:clerks"}, "subject", id="an unknown field"),
        pytest.param({"statements": {}}, "statements", id="statements that are no list"),
        pytest.param(
            {"statements": [READ, {**READ, "effect": "allow"}]}, "statements[1].effect", id="a wrong statement"
        ),
        pytest.param({"statements": [READ], "version": -1}, "version", id="a negative version"),
        pytest.param({"statements": [READ], "version": "1"}, "version", id="a version that is a text"),
        pytest.param({"statements": [READ], "version": 1.0}, "version", id="a version that is no whole number"),
        pytest.param({"statements": [READ], "version": True}, "version", id="a version that is a boolean"),
    ],
)
def test_a_policy_that_is_wrong_is_refused_by_its_field(body: object, field: str) -> None:
    assert refused_field(parse_policy, body) == field


@pytest.mark.parametrize(
    ("body", "version"),
    [({}, None), ({"version": None}, None), ({"version": 0}, 0), ({"version": 7}, 7)],
    ids=["no version", "null", "zero", "seven"],
)
def test_a_policy_has_the_version_that_it_replaces(body: dict[str, object], version: int | None) -> None:
    assert parse_policy({"statements": [READ], **body}) == (statements(READ), version)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(None, "body", id="nothing"),
        pytest.param("clerk", "body", id="a text"),
        pytest.param({}, "body", id="none of the three"),
        pytest.param({"sub": "clerk", "client": "robot"}, "body", id="two of the three"),
        pytest.param({"user": "clerk"}, "user", id="an unknown field"),
        pytest.param({"sub": "clerk", "until": 1}, "until", id="an unknown field beside a known one"),
        pytest.param({"sub": ""}, "sub", id="an empty text"),
        pytest.param({"sub": None}, "sub", id="null"),
        pytest.param({"client": 7}, "client", id="a number"),
        pytest.param({"session": ["a"]}, "session", id="a list"),
        pytest.param({"sub": "s" * 257}, "sub", id="an endless text"),
        pytest.param({"sub": "a\nb"}, "sub", id="a line's end"),
        pytest.param({"sub": "\ud800"}, "sub", id="half a character"),
    ],
)
def test_a_revocation_of_what_is_not_exactly_one_thing_is_refused(body: object, field: str) -> None:
    assert refused_field(parse_revocation, body) == field


@pytest.mark.parametrize(
    ("kind", "value"), [("sub", CLERK), ("client", "webclientofolympus"), ("session", CLERK), ("sub", "s" * 256)]
)
def test_a_revocation_names_one_kind_and_one_value(kind: str, value: str) -> None:
    assert parse_revocation({kind: value}) == (kind, value)
