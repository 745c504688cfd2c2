"""How `verify` resolves the template, reads the routes, compares values and prints findings."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.checks.attributes import attribute
from infra.checks.check import Check
from infra.checks.compare import covers, differing, same, shown, unexpected
from infra.checks.deployed_stack import Missing, Names
from infra.checks.routes import PUBLIC, RouteAuthorizer, authorizer_names, expected_authorizers
from infra.errors import PackagingFailed
from infra.expected import Expected, parameter_values
from infra.package import PROJECT, package_without_dependencies
from infra.verify import Finding, table

NO_STAGE: Any = None  # for checks that do not read a stage
TEMPLATE = {
    "Conditions": {
        "Rich": {"Fn::Equals": [{"Ref": "Gold"}, "much"]},
        "Poor": {"Fn::Not": [{"Condition": "Rich"}]},
        "RichAndWise": {"Fn::And": [{"Condition": "Rich"}, {"Fn::Equals": [{"Ref": "Wits"}, "many"]}]},
        "RichOrWise": {"Fn::Or": [{"Condition": "Rich"}, {"Fn::Equals": [{"Ref": "Wits"}, "many"]}]},
    },
    "Resources": {
        "Temple": {
            "Type": "AWS::Temple",
            "Properties": {
                "Name": {"Fn::Sub": "${App}-${AWS::Region}-${Altar.Arn}"},
                "Roof": {"Fn::If": ["Rich", "marble", {"Ref": "AWS::NoValue"}]},
                "Gods": ["Zeus", {"Fn::If": ["RichOrWise", "Athena", {"Ref": "AWS::NoValue"}]}],
                "Statement": {"Effect": "Allow", "Condition": {"StringEquals": {"who": {"Ref": "App"}}}},
                "Altar": {"Fn::GetAtt": "Altar.Arn"},
                "Steps": {"Fn::GetAtt": ["Altar", "Arn"]},
                "Sign": {"Fn::Sub": ["${God} of ${App}", {"God": {"Ref": "Gold"}}]},
            },
        },
        "Treasury": {"Type": "AWS::Temple", "Condition": "RichAndWise", "Properties": {}},
        "Hut": {"Type": "AWS::Hut", "Condition": "Poor"},
    },
}


def resolved(gold: str, wits: str) -> Expected:
    values = Names("olympus", {"App": "olympus", "AWS::Region": "mars-west-1", "Gold": gold, "Wits": wits})
    return Expected(TEMPLATE, values, lambda name, what: f"{name}'s {what}")


def test_a_resource_is_resolved_under_its_conditions() -> None:
    assert resolved("much", "none")["Temple"] == {
        "Name": "olympus-mars-west-1-Altar's Arn",
        "Roof": "marble",
        "Gods": ["Zeus", "Athena"],
        "Statement": {"Effect": "Allow", "Condition": {"StringEquals": {"who": "olympus"}}},
        "Altar": "Altar's Arn",
        "Steps": "Altar's Arn",
        "Sign": "much of olympus",
    }


def test_a_property_with_no_value_is_absent() -> None:
    temple = resolved("none", "none")["Temple"]
    assert "Roof" not in temple
    assert temple["Gods"] == ["Zeus"]


@pytest.mark.parametrize(
    ("gold", "wits", "present"),
    [
        ("much", "many", {"Temple", "Treasury"}),
        ("much", "none", {"Temple"}),
        ("none", "many", {"Temple", "Hut"}),
    ],
)
def test_a_resource_exists_only_if_its_condition_holds(gold: str, wits: str, present: set[str]) -> None:
    expected = resolved(gold, wits)
    assert expected.of("AWS::Temple").keys() | expected.of("AWS::Hut").keys() == present


def test_an_unknown_name_is_reported() -> None:
    with pytest.raises(Missing, match="the stack olympus has no parameter and no resource Wits"):
        Expected(TEMPLATE, Names("olympus", {"App": "a", "AWS::Region": "b", "Gold": "none"}), lambda *_: "").of(
            "AWS::Temple"
        )


def test_a_comma_delimited_parameter_becomes_a_list() -> None:
    definitions = {"Urls": {"Type": "CommaDelimitedList", "Default": "a,b"}, "Name": {"Type": "String"}}
    assert parameter_values(definitions, {}) == {"Urls": ["a", "b"], "Name": ""}
    assert parameter_values(definitions, {"Urls": "c", "Name": "d"}) == {"Urls": ["c"], "Name": "d"}


@pytest.mark.parametrize(
    ("actual", "expected"),
    [(True, "true"), (15, "15"), (0.0, "0"), (["b", "a"], ["a", "b"]), ({"n": 1}, {"n": "1"})],
)
def test_a_number_or_boolean_equals_its_text(actual: object, expected: object) -> None:
    assert same(actual, expected)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [(False, "true"), (["a", "b"], ["a"]), (["a"], ["a", "b"]), (None, "a"), ({"n": 1}, {"n": 1, "m": 2}), (0.5, "0")],
)
def test_a_different_value_is_neither_the_same_nor_covered(actual: object, expected: object) -> None:
    assert not same(actual, expected)
    assert not covers(actual, expected)


def test_the_order_of_keys_does_not_matter_in_a_list() -> None:
    assert same([{"a": 1, "b": 2}, {"b": 1, "a": 0}], [{"a": 1, "b": 2}, {"a": 0, "b": 1}])


def test_additional_settings_are_ignored_and_additional_list_items_are_not() -> None:
    assert covers({"mine": {"a": 1, "b": 2}, "yours": 3}, {"mine": {"a": "1"}})
    assert not covers({"mine": ["a", "b"]}, {"mine": ["a"]})


def test_a_list_that_aws_leaves_out_equals_an_empty_one() -> None:
    assert covers(None, [])
    assert not covers(None, ["a"])


def test_a_difference_names_the_actual_and_the_expected_value() -> None:
    assert list(differing("The gate", {"open": True, "bars": 3}, {"open": False, "bars": 3})) == [
        'The gate: open is "true". Expected: "false".'
    ]


def test_missing_and_unexpected_names_are_reported() -> None:
    assert list(unexpected("god", {"Zeus", "Loki"}, {"Zeus", "Hera"})) == [
        "The god Hera is missing.",
        "The god Loki is unexpected.",
    ]
    assert list(unexpected("god", set(), {"Zeus"}, of="Olympus")) == ["The god Zeus of Olympus is missing."]


def test_a_long_value_is_cut() -> None:
    assert len(shown("o" * 1000)) < 250


def test_an_unsupported_attribute_raises_an_error() -> None:
    with pytest.raises(KeyError):
        attribute("AWS::Temple", "Arn", "parthenon", lambda service, resource: f"{service}:{resource}")


@pytest.fixture(scope="module")
def definition(tmp_path_factory: pytest.TempPathFactory) -> Any:
    template = json.loads(package_without_dependencies(tmp_path_factory.mktemp("package"), PROJECT)[0])
    return template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]


def test_each_route_has_its_authorizer(definition: Any) -> None:
    authorizers = expected_authorizers(definition)
    assert authorizers["GET", "/"] == PUBLIC
    assert authorizers["GET", "/whoami"] == RouteAuthorizer("CUSTOM", "policy_authorizer")
    assert authorizer_names(definition) == {route.name for route in authorizers.values() if route.name}


def test_the_packaged_routes_are_those_of_the_application(definition: Any) -> None:
    from app import app

    assert expected_authorizers(definition).keys() == {
        (method, path) for path, methods in app.routes.items() for method in methods
    }


def test_a_preflight_is_not_a_route(definition: Any) -> None:
    paths = {**definition["paths"], "/": {**definition["paths"]["/"], "options": {}}}
    assert expected_authorizers({**definition, "paths": paths}) == expected_authorizers(definition)


def test_the_table_lists_failed_checks_last() -> None:
    lines = table([Finding("a", False, "Bad."), Finding("bb", True, "Good.")]).splitlines()
    assert lines == ["ok   bb: Good.", "FAIL a: Bad.", "1 of 2 checks passed"]


def test_a_failed_check_names_the_difference_and_the_remedy() -> None:
    check = Check("gate", "The gate is closed.", lambda _: ["The gate is open."], "Close it.")
    assert check(NO_STAGE) == Finding("gate", False, "The gate is open. Close it.")


def test_a_check_without_a_difference_shows_its_title() -> None:
    assert Check("gate", "The gate is closed.", lambda _: [])(NO_STAGE) == Finding("gate", True, "The gate is closed.")


def test_a_check_fails_when_the_application_cannot_be_packaged() -> None:
    def unpackaged(_: Any) -> Iterator[str]:
        raise PackagingFailed("app.py has a syntax error")
        yield ""

    finding = Check("gate", "The gate is closed.", unpackaged)(NO_STAGE)
    assert finding == Finding("gate", False, "The check did not complete: app.py has a syntax error")


def test_infra_does_not_import_the_application() -> None:
    imported = {
        name
        for path in PROJECT.glob("infra/**/*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else _names_of(node))
    }
    assert "infra.stage" in imported
    # policy_document imports the core only. The other modules build authorizers when they are imported.
    assert {name for name in imported if name.split(".")[0] in ("app", "authorizers")} == {
        "authorizers.policy_document"
    }


def _names_of(node: ast.AST) -> list[str]:
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
