"""What `verify` compares with: the template, resolved; and how it compares."""

from __future__ import annotations

import pytest

from infra.checks.attributes import attribute
from infra.checks.compare import covers, differing, same, shown, unexpected
from infra.checks.expected import Expected, parameter_values
from infra.checks.live import Names, NotThere
from infra.checks.routes import PUBLIC, RouteAuthorizer, expected_authorizers
from infra.verify import Finding, table

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
            },
        },
        "Treasury": {"Type": "AWS::Temple", "Condition": "RichAndWise", "Properties": {}},
        "Hut": {"Type": "AWS::Hut", "Condition": "Poor"},
    },
}


def resolved(gold: str, wits: str) -> Expected:
    values = Names({"App": "olympus", "AWS::Region": "mars-west-1", "Gold": gold, "Wits": wits})
    return Expected(TEMPLATE, values, lambda name, what: f"{name}'s {what}")


def test_a_resource_is_resolved_under_its_conditions():
    assert resolved("much", "none")["Temple"] == {
        "Name": "olympus-mars-west-1-Altar's Arn",
        "Roof": "marble",
        "Gods": ["Zeus", "Athena"],
        "Statement": {"Effect": "Allow", "Condition": {"StringEquals": {"who": "olympus"}}},
        "Altar": "Altar's Arn",
    }


def test_what_a_condition_leaves_out_is_not_there():
    temple = resolved("none", "none")["Temple"]
    assert "Roof" not in temple
    assert temple["Gods"] == ["Zeus"]


@pytest.mark.parametrize(
    ("gold", "wits", "there"),
    [
        ("much", "many", {"Temple", "Treasury"}),
        ("much", "none", {"Temple"}),
        ("none", "many", {"Temple", "Hut"}),
    ],
)
def test_a_stage_has_the_resources_whose_conditions_hold(gold: str, wits: str, there: set[str]):
    expected = resolved(gold, wits)
    assert expected.of("AWS::Temple").keys() | expected.of("AWS::Hut").keys() == there


def test_a_name_that_the_stack_lacks_is_said():
    with pytest.raises(NotThere, match="the stack has no Wits"):
        Expected(TEMPLATE, Names({"App": "a", "AWS::Region": "b", "Gold": "none"}), lambda *_: "").of("AWS::Temple")


def test_a_list_is_given_or_defaults_as_a_list():
    definitions = {"Urls": {"Type": "CommaDelimitedList", "Default": "a,b"}, "Name": {"Type": "String"}}
    assert parameter_values(definitions, {}) == {"Urls": ["a", "b"], "Name": ""}
    assert parameter_values(definitions, {"Urls": "c", "Name": "d"}) == {"Urls": ["c"], "Name": "d"}


@pytest.mark.parametrize(
    ("actual", "expected"),
    [(True, "true"), (15, "15"), (0.0, "0"), (["b", "a"], ["a", "b"]), ({"n": 1}, {"n": "1"})],
)
def test_what_a_template_spells_as_text_is_the_same(actual: object, expected: object):
    assert same(actual, expected)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [(False, "true"), (["a", "b"], ["a"]), (["a"], ["a", "b"]), (None, "a"), ({"n": 1}, {"n": 1, "m": 2}), (0.5, "0")],
)
def test_what_is_more_or_less_than_wanted_is_not_the_same(actual: object, expected: object):
    assert not same(actual, expected)
    assert not covers(actual, expected)


def test_further_settings_do_no_harm_and_further_items_of_a_list_do():
    assert covers({"mine": {"a": 1, "b": 2}, "yours": 3}, {"mine": {"a": "1"}})
    assert not covers({"mine": ["a", "b"]}, {"mine": ["a"]})


def test_a_list_that_aws_leaves_out_is_empty():
    assert covers(None, [])
    assert not covers(None, ["a"])


def test_a_difference_says_what_is_and_what_should_be():
    assert list(differing("the gate", {"open": True, "bars": 3}, {"open": False, "bars": 3})) == [
        'the gate: open is "true" instead of "false"'
    ]


def test_both_the_missing_and_the_unknown_are_strangers():
    assert list(unexpected("god", {"Zeus", "Loki"}, {"Zeus", "Hera"})) == [
        "there is no god Hera",
        "there is another god, Loki",
    ]


def test_a_long_value_is_cut():
    assert len(shown("o" * 1000)) < 250


def test_an_attribute_that_no_check_needs_is_an_error():
    with pytest.raises(KeyError):
        attribute("AWS::Temple", "Arn", "parthenon", lambda service, resource: f"{service}:{resource}")


def test_the_routes_have_the_scopes_of_the_stage():
    authorizers = expected_authorizers("https://olympus.example")
    assert authorizers["GET", "/"] == PUBLIC
    assert authorizers["PUT", "/files/{name}"] == RouteAuthorizer(
        "COGNITO_USER_POOLS", "pool", ("https://olympus.example/file.write",)
    )
    assert authorizers["GET", "/whoami"] == RouteAuthorizer("CUSTOM", "policy_authorizer")


def test_the_table_tells_of_what_failed_at_its_end():
    lines = table([Finding("a", False, "bad"), Finding("bb", True, "good")]).splitlines()
    assert lines == ["ok  bb  good", "NOT a   bad", "1 of 2 controls hold"]
