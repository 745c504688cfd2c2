"""The OpenAPI document names every route, its authorizer, its forms and its answers, also the routes of a fork."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest
from openapi_spec_validator import validate

from app import app
from authorizers.cognito import requires
from authorizers.policy import policy_authorizer
from chalicelib.api import Api
from chalicelib.core.route import Authorizer
from chalicelib.describe import describe, description_of
from chalicelib.json_schema import Schemas
from chalicelib.openapi import document
from chalicelib.route_table import read_routes
from operations.command_line import main
from tests.api_document import api_document
from tests.public_routes import is_public

# Not the routes of a fork, which can be without a description.
DESCRIBED = {f"chalicelib.{name}" for name in ("admin_routes", "explain_routes", "user_routes", "sample.routes")}
PROJECT = Path(__file__).resolve().parents[1]


def operations(of: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(method.upper(), path): item for path, methods in of["paths"].items() for method, item in methods.items()}


def test_the_document_is_valid_openapi() -> None:
    validate(api_document())


def test_every_route_is_in_the_document_with_its_authorizer() -> None:
    found = operations(api_document())
    assert {(route.method, route.path.replace("+}", "}")) for route in read_routes(app)} == found.keys()
    for route in read_routes(app):
        security = found[route.method, route.path.replace("+}", "}")]["security"]
        expected: dict[Authorizer, list[Any]] = {
            Authorizer.NONE: [],
            Authorizer.SCOPES: [{"scopes": [scope]} for scope in route.scopes],
            Authorizer.POLICIES: [{"policies": []}],
        }
        assert security == expected[route.authorizer], route
        assert (security == []) == is_public(route.method, route.path)


def test_every_route_of_this_repository_is_described() -> None:
    views = [entry.view_function for methods in app.routes.values() for entry in methods.values()]
    ours = [view for view in views if view.__module__ in DESCRIBED]
    assert len(ours) > 15
    assert [view.__name__ for view in ours if description_of(view) is None] == []
    names = [operation["operationId"] for operation in operations(api_document()).values()]
    assert len(set(names)) == len(names)


def test_a_request_that_needs_a_token_can_be_refused_and_a_body_can_be_too_large() -> None:
    put = operations(api_document())["PUT", "/admin/policies/{kind}/{name}"]["responses"]
    assert put.keys() == {"200", "400", "401", "403", "404", "409", "413", "415", "429", "500", "504"}
    welcome = operations(api_document())["GET", "/"]["responses"]
    assert welcome.keys() == {"200", "429", "500", "504"}


def test_the_document_is_built_on_request_and_no_start_pays_for_it() -> None:
    source = (PROJECT / "chalicelib/openapi_routes.py").read_text(encoding="utf-8")
    at_import = [ast.unparse(node) for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert at_import
    assert [line for line in at_import if "chalicelib" in line] == []


def test_the_command_prints_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openapi", "--base-path", "/v1"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == {**api_document(), "servers": [{"url": "/v1"}]}


# --- the routes of a fork ---


def fork() -> Api:
    harbour = Api("harbour")

    class Berth(TypedDict):
        name: Annotated[str, {"maxLength": 40}]
        draught: NotRequired[float]

    class Filter(TypedDict):
        free: NotRequired[bool]

    class Place(TypedDict):
        pier: Literal["north", "south"]

    harbour.route("/berths/{proxy+}", authorizer=policy_authorizer)(lambda proxy: proxy)

    @harbour.route("/berths", methods=["POST"], authorizer=requires("berth.write", "berth.admin"))
    def add_berth() -> None: ...

    @harbour.route("/piers/{pier}", methods=["PUT"], authorizer=policy_authorizer)
    @describe(path=Place, query=Filter, body=Berth, answer=list[Berth], status=201, errors=(409,))
    def moor(pier: str) -> None: ...

    return harbour


def test_a_route_without_a_description_appears_with_what_chalice_knows() -> None:
    written = document(fork())
    validate(written)
    found = operations(written)
    greedy = found["GET", "/berths/{proxy}"]
    assert [parameter["name"] for parameter in greedy["parameters"]] == ["proxy"]
    assert greedy["security"] == [{"policies": []}]
    added = found["POST", "/berths"]
    assert [sorted(one) for one in added["security"]] == [["scopes"], ["scopes"]]
    assert added["requestBody"]["content"]["application/json"]["schema"] == {}
    assert {"default", "401", "403", "413"} <= added["responses"].keys()


def test_a_described_route_has_its_forms() -> None:
    written = document(fork())
    moored = operations(written)["PUT", "/piers/{pier}"]
    path, query = moored["parameters"]
    assert (path["schema"], query["schema"], query["required"]) == (
        {"enum": ["north", "south"]},
        {"type": "boolean"},
        False,
    )
    assert moored["requestBody"]["required"]
    assert {"201", "409"} <= moored["responses"].keys()
    assert written["components"]["schemas"]["Berth"] == {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 40}, "draught": {"type": "number"}},
        "required": ["name"],
        "additionalProperties": False,
    }


# --- types ---


class Colour(Enum):
    RED = "red"


@dataclass
class Ship:
    name: str
    mates: list[Ship]
    flag: str = "white"


class Two(TypedDict):
    ship: Ship


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (dict[str, bool], {"type": "object", "additionalProperties": {"type": "boolean"}}),
        (tuple[str, ...], {"type": "array", "items": {"type": "string"}}),
        (Literal["a", "b"], {"enum": ["a", "b"]}),
        (Colour, {"enum": ["red"]}),
        (Any, {}),
        (Ship, {"$ref": "#/components/schemas/Ship"}),
    ],
)
def test_a_type_has_a_schema(kind: Any, schema: Any) -> None:
    assert Schemas().of(kind) == schema


def test_a_dataclass_requires_the_fields_without_a_default() -> None:
    schemas = Schemas()
    schemas.of(Two)
    assert schemas.named["Ship"]["required"] == ["name", "mates"]
    assert schemas.named["Ship"]["properties"]["mates"]["items"] == {"$ref": "#/components/schemas/Ship"}


@pytest.mark.parametrize("kind", [bytes, object, lambda: 1])
def test_the_refusal_of_a_type_that_is_not_json_names_the_type(kind: Any) -> None:
    with pytest.raises(TypeError, match="has no JSON schema"):
        Schemas().of(kind)


def test_two_forms_of_one_name_are_refused() -> None:
    def other() -> Any:
        class Two(TypedDict):
            boat: str

        return Two

    schemas = Schemas()
    schemas.of(Two)
    with pytest.raises(TypeError, match="two classes have the name Two"):
        schemas.of(other())
