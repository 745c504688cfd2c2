"""The resolver reads a template as CloudFormation does, and refuses what it does not support."""

from typing import Any

import pytest

from tests.infra.intrinsics import Unresolvable
from tests.infra.matrix import pairs
from tests.infra.parameters import Refused
from tests.infra.resolve import Template

TEXT = {"Type": "String", "Default": ""}


def resolved(value: Any, given: dict[str, str] | None = None) -> Any:
    """Resolves a property in a template whose queue exists only if Expected is `yes`."""
    template = Template(
        {
            "Parameters": {
                "Expected": {**TEXT, "Default": "yes"},
                "Days": {"Type": "Number", "Default": 7},
                "Gods": {"Type": "CommaDelimitedList", "Default": "zeus, hera"},
            },
            "Conditions": {
                "Expected": {"Fn::Equals": [{"Ref": "Expected"}, "yes"]},
                "Unwanted": {"Fn::Not": [{"Condition": "Expected"}]},
                "Both": {"Fn::And": [{"Condition": "Expected"}, {"Condition": "Unwanted"}]},
                "Either": {"Fn::Or": [{"Condition": "Expected"}, {"Condition": "Unwanted"}]},
                "Week": {"Fn::Equals": [{"Ref": "Days"}, "7"]},
            },
            "Resources": {
                "Queue": {"Type": "AWS::SQS::Queue", "Condition": "Expected"},
                "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"Value": value}},
            },
        }
    )
    return template.resolve(given or {}).resources["Topic"].properties.get("Value", "no value")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"Ref": "Days"}, 7, id="a number is a number"),
        pytest.param({"Ref": "Gods"}, ["zeus", "hera"], id="a list is a list without spaces"),
        pytest.param({"Ref": "AWS::Region"}, "mars-west-1", id="what AWS knows is invented"),
        pytest.param({"Ref": "Queue"}, "<Queue>", id="a resource is a symbol"),
        pytest.param({"Fn::GetAtt": ["Queue", "Arn"]}, "<Queue.Arn>", id="an attribute is a symbol"),
        pytest.param({"Fn::GetAtt": "Queue.Arn"}, "<Queue.Arn>", id="an attribute in one word"),
        pytest.param({"Fn::Sub": "${Expected}-${Queue.Arn}"}, "yes-<Queue.Arn>", id="a text is filled in"),
        pytest.param({"Fn::Sub": "${!Expected}"}, "${Expected}", id="an exclamation mark keeps it as it is"),
        pytest.param({"Fn::Sub": ["${Own}", {"Own": {"Ref": "Queue"}}]}, "<Queue>", id="a text with names of its own"),
        pytest.param({"Fn::Join": ["+", {"Ref": "Gods"}]}, "zeus+hera", id="a list is joined"),
        pytest.param({"Fn::Select": ["1", {"Ref": "Gods"}]}, "hera", id="one of a list"),
        pytest.param({"Fn::If": ["Expected", "a", "b"]}, "a", id="a condition that holds"),
        pytest.param({"Fn::If": ["Unwanted", "a", "b"]}, "b", id="a condition that does not"),
        pytest.param({"Fn::If": ["Both", "a", "b"]}, "b", id="and"),
        pytest.param({"Fn::If": ["Either", "a", "b"]}, "a", id="or"),
        pytest.param({"Fn::If": ["Week", "a", "b"]}, "a", id="a number equals its text"),
        pytest.param({"Ref": "AWS::NoValue"}, "no value", id="no value is no property"),
        pytest.param([1, {"Ref": "AWS::NoValue"}], [1], id="no value is no item"),
        pytest.param({"Fn::If": ["Unwanted", {"Ref": "Nothing"}, 1]}, 1, id="the way not taken is not looked at"),
        pytest.param({"Ref": "x", "also": 1}, {"Ref": "x", "also": 1}, id="two keys are no function"),
    ],
)
def test_a_value_resolves_as_in_cloudformation(value: Any, expected: Any) -> None:
    assert resolved(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"Ref": "Queue"}, id="a Ref"),
        pytest.param({"Fn::GetAtt": ["Queue", "Arn"]}, id="an attribute"),
        pytest.param({"Fn::Sub": "${Queue.Arn}"}, id="a text"),
    ],
)
def test_a_reference_to_a_resource_that_does_not_exist_is_refused(value: Any) -> None:
    with pytest.raises(Unresolvable, match="Queue"):
        resolved(value, {"Expected": "no"})


@pytest.mark.parametrize(
    "value", [{"Ref": "Nothing"}, {"Fn::ImportValue": "elsewhere"}, {"Fn::If": ["Nothing", 1, 2]}], ids=str
)
def test_an_unsupported_function_is_refused(value: Any) -> None:
    with pytest.raises(Unresolvable):
        resolved(value)


@pytest.mark.parametrize(
    ("slot", "value"),
    [
        pytest.param({"AllowedValues": ["a", "b"]}, "c", id="none of the choices"),
        pytest.param({"AllowedPattern": "[a-z]+"}, "abc1", id="a pattern has to fit the whole"),
        pytest.param({"AllowedPattern": "[a-z]+"}, "abc\n", id="a pattern has to fit to the very end"),
        pytest.param({"Type": "CommaDelimitedList", "AllowedPattern": "[a-z]+"}, "a,2", id="and each value of a list"),
        pytest.param({"Type": "Number", "MinValue": 5}, "4", id="too little"),
        pytest.param({"Type": "Number", "MaxValue": 5}, "6", id="too much"),
        pytest.param({"Type": "Number"}, "five", id="no number"),
        pytest.param({"Type": "Number", "AllowedValues": [7, 30]}, "8", id="none of the numbers"),
    ],
)
def test_a_parameter_that_cloudformation_refuses_is_refused_here(slot: dict[str, Any], value: str) -> None:
    template = Template({"Parameters": {"Wish": {"Type": "String", **slot}}, "Resources": {}})
    with pytest.raises(Refused, match="Wish"):
        template.resolve({"Wish": value})
    assert not template.accepts("Wish", value)


def test_a_missing_or_unknown_parameter_is_refused() -> None:
    template = Template({"Parameters": {"Wish": {"Type": "String"}}, "Resources": {}})
    with pytest.raises(Refused, match="Wish is required"):
        template.resolve({})
    with pytest.raises(Refused, match="Other"):
        template.resolve({"Wish": "a", "Other": "b"})


def test_an_unsupported_constraint_is_reported() -> None:
    template = Template({"Parameters": {"Wish": {**TEXT, "MinLength": 1}}, "Resources": {}})
    with pytest.raises(AssertionError, match="MinLength"):
        template.resolve({})


def test_a_rule_applies_only_under_its_condition() -> None:
    rule = {
        "RuleCondition": {"Fn::Equals": [{"Ref": "Phase"}, "complete"]},
        "Assertions": [
            {"Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Api"}, ""]}]}, "AssertDescription": "Api is required"}
        ],
    }
    template = Template({"Parameters": {"Phase": TEXT, "Api": TEXT}, "Rules": {"Whole": rule}, "Resources": {}})
    with pytest.raises(Refused, match="Api is required"):
        template.resolve({"Phase": "complete"})
    assert template.resolve({"Phase": "complete", "Api": "a"})
    assert template.resolve({"Phase": "foundation"})


def test_an_output_exists_only_under_its_condition() -> None:
    outputs = {"Arn": {"Condition": "Expected", "Value": {"Ref": "Wish"}}}
    conditions = {"Expected": {"Fn::Equals": [{"Ref": "Wish"}, "yes"]}}
    template = Template({"Parameters": {"Wish": TEXT}, "Conditions": conditions, "Resources": {}, "Outputs": outputs})
    assert template.resolve({"Wish": "yes"}).outputs == {"Arn": "yes"}
    assert template.resolve({"Wish": "no"}).outputs == {}


def test_a_cached_resource_is_not_used_for_other_parameters(
    identity_source: dict[str, Any],
) -> None:
    """The cache key of a resource contains all parameters that the resource depends on."""
    shared = Template(identity_source)
    for given in pairs():
        alone = Template(identity_source).resolve(given).resources
        together = shared.resolve(given).resources
        assert {name: one.properties for name, one in together.items()} == {
            name: one.properties for name, one in alone.items()
        }


def test_a_cached_resource_is_not_used_if_a_referenced_resource_is_missing() -> None:
    template = Template(
        {
            "Parameters": {"Wish": TEXT},
            "Conditions": {"Expected": {"Fn::Equals": [{"Ref": "Wish"}, "yes"]}},
            "Resources": {
                "Queue": {"Type": "AWS::SQS::Queue", "Condition": "Expected"},
                "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"Value": {"Fn::Sub": "${Queue.Arn}"}}},
            },
        }
    )
    assert template.resolve({"Wish": "yes"}).resources["Topic"].properties == {"Value": "<Queue.Arn>"}
    with pytest.raises(Unresolvable, match="Queue"):
        template.resolve({"Wish": "no"})
