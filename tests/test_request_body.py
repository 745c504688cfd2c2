"""A body must be an object with exactly the fields of its route. The refusal names the field."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any, NotRequired, TypedDict

import pytest

from chalicelib.admin_routes import parse_policy, parse_revocation
from chalicelib.api import Api
from chalicelib.core.errors import InvalidInput
from chalicelib.request_body import fields_of, read_json, texts
from tests.authorizers.events import proxy_event
from tests.fakes import allow, statements


class Order(TypedDict):
    title: str
    body: str


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
        pytest.param(None, "body", id="an empty body"),
        pytest.param([], "body", id="a list"),
        pytest.param({"title": "t"}, "body", id="a missing field"),
        pytest.param({**ORDER, "id": "r9"}, "id", id="an unknown field"),
        pytest.param({**ORDER, "title": 7}, "title", id="a number"),
        pytest.param({**ORDER, "body": None}, "body", id="null"),
    ],
)
def test_an_invalid_string_field_is_refused_with_its_name(body: object, field: str) -> None:
    assert refused_field(lambda read: texts(read, Order), body) == field


def test_a_body_that_the_gateway_encodes_as_base64_is_read() -> None:
    """With an upstream, API Gateway treats all bodies as binary content and encodes them for the Lambda."""
    app = Api("shop")
    app.route("/orders", methods=["PUT"])(lambda: read_json(app.request))
    event = proxy_event("PUT", "/orders", body=b64encode(b'{"title": "Orders"}').decode())
    assert json.loads(app({**event, "isBase64Encoded": True}, None)["body"]) == {"title": "Orders"}


def test_valid_string_fields_are_returned_by_their_names() -> None:
    assert texts(ORDER, Order) == ORDER


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(None, "body", id="an empty body"),
        pytest.param([READ], "body", id="a bare list"),
        pytest.param("{}", "body", id="a string"),
        pytest.param({}, "statements", id="no statements"),
        pytest.param({"version": 1}, "statements", id="only a version"),
        pytest.param({"statements": [READ], "subject": "group:clerks"}, "subject", id="an unknown field"),
        pytest.param({"statements": {}}, "statements", id="statements that are not a list"),
        pytest.param(
            {"statements": [READ, {**READ, "effect": "allow"}]}, "statements[1].effect", id="an invalid statement"
        ),
        pytest.param({"statements": [READ], "version": -1}, "version", id="a negative version"),
        pytest.param({"statements": [READ], "version": "1"}, "version", id="a version that is a string"),
        pytest.param({"statements": [READ], "version": 1.0}, "version", id="a version that is not an integer"),
        pytest.param({"statements": [READ], "version": True}, "version", id="a version that is a boolean"),
    ],
)
def test_an_invalid_policy_is_refused_with_the_field_name(body: object, field: str) -> None:
    assert refused_field(parse_policy, body) == field


@pytest.mark.parametrize(
    ("body", "version"),
    [({}, None), ({"version": None}, None), ({"version": 0}, 0), ({"version": 7}, 7)],
    ids=["no version", "null", "zero", "seven"],
)
def test_the_parsed_policy_contains_the_version_that_it_replaces(body: dict[str, object], version: int | None) -> None:
    assert parse_policy({"statements": [READ], **body}) == (statements(READ), version, False)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(None, "body", id="an empty body"),
        pytest.param("clerk", "body", id="a string"),
        pytest.param({}, "body", id="no field"),
        pytest.param({"sub": "clerk", "client": "robot"}, "body", id="two fields"),
        pytest.param({"user": "clerk"}, "user", id="an unknown field"),
        pytest.param({"sub": "clerk", "until": 1}, "until", id="a known and an unknown field"),
        pytest.param({"sub": ""}, "sub", id="an empty string"),
        pytest.param({"sub": None}, "sub", id="null"),
        pytest.param({"client": 7}, "client", id="a number"),
        pytest.param({"session": ["a"]}, "session", id="a list"),
        pytest.param({"sub": "s" * 257}, "sub", id="a string of 257 characters"),
        pytest.param({"sub": "a\nb"}, "sub", id="a line feed"),
        pytest.param({"sub": "\ud800"}, "sub", id="a lone surrogate"),
    ],
)
def test_a_revocation_without_exactly_one_valid_field_is_refused(body: object, field: str) -> None:
    assert refused_field(parse_revocation, body) == field


@pytest.mark.parametrize(
    ("kind", "value"), [("sub", CLERK), ("client", "webclientofolympus"), ("session", CLERK), ("sub", "s" * 256)]
)
def test_a_revocation_is_parsed_as_its_kind_and_its_value(kind: str, value: str) -> None:
    assert parse_revocation({kind: value}) == (kind, value)


class Late(TypedDict):
    """As in a module with `from __future__ import annotations`."""

    name: "str"
    size: "NotRequired[int]"


def test_a_form_names_the_fields_that_are_required_and_optional() -> None:
    assert fields_of({"name": "a"}, Late) == {"name": "a"}
    assert refused_field(lambda read: fields_of(read, Late), {"size": 1}) == "name"
    assert refused_field(lambda read: fields_of(read, Late), {"name": "a", "weight": 1}) == "weight"
