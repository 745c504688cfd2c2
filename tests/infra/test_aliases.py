"""The packaged template publishes each function, and everything that calls a function calls its alias."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra.alias_calls import alias_of
from infra.aliases import with_aliases
from infra.errors import Refused
from infra.release_id import with_release, without_release

NAME = {"Fn::Sub": "${AppName}-${Stage}-carter"}
ALIAS = {"Ref": "CarterLive"}


def template(**resources: Any) -> dict[str, Any]:
    carter = {"Runtime": "python3.12", "CodeUri": "./deployment.zip", "FunctionName": NAME}
    function = {"Type": "AWS::Serverless::Function", "Properties": carter}
    parameters = {"Horses": {"Type": "Number", "Default": 2}, "CarterSnapStart": {"AllowedValues": ["true", "false"]}}
    return {"Parameters": parameters, "Resources": {"Carter": function, **resources}}


def published(code: str = "a", **resources: Any) -> dict[str, Any]:
    return with_aliases(template(**resources), code)


def version_in(template: dict[str, dict[str, dict[str, Any]]]) -> str:
    (version,) = (key for key, it in template["Resources"].items() if it["Type"] == "AWS::Lambda::Version")
    return version


def released(template: dict[str, Any], **given: str) -> str:
    return version_in(json.loads(with_release(json.dumps(template), given)))


def test_the_alias_points_to_the_version_of_this_release() -> None:
    template = published()
    alias = template["Resources"]["CarterLive"]["Properties"]
    assert alias["Name"] == "live"
    assert alias["FunctionName"] == {"Ref": "Carter"}
    assert alias["FunctionVersion"] == {"Fn::GetAtt": [version_in(template), "Version"]}


def test_the_same_code_gives_the_same_version() -> None:
    assert released(published("a")) == released(published("a"))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(published("b"), id="the code"),
        pytest.param(published(Other={"Type": "AWS::SNS::Topic"}), id="another resource"),
        pytest.param(with_aliases({**template(), "Parameters": {}}, "a"), id="a default"),
    ],
)
def test_a_change_of_the_package_gives_another_version(other: dict[str, Any]) -> None:
    assert released(published("a")) != released(other)


def test_a_change_of_a_parameter_gives_another_version() -> None:
    """SAM's AutoPublishAliasAllProperties does not. Source: serverless-application-model issue 3820."""
    assert released(published(), Horses="4") != released(published())


def test_the_default_of_a_parameter_is_the_same_as_its_value() -> None:
    assert released(published(), Horses="2") == released(published())


def test_a_parameter_of_another_template_changes_nothing() -> None:
    assert released(published(), Wheels="4") == released(published())


def test_a_released_template_can_be_released_again() -> None:
    """A command can deploy the template of the stack again, with other parameters."""
    once = with_release(json.dumps(published()), {"Horses": "4"})
    assert with_release(once, {"Horses": "4"}) == once
    assert with_release(once, {}) == with_release(json.dumps(published()), {})


RELEASE_WITHOUT_A_PACKAGE = {**template(Other={"Type": "AWS::SNS::Topic"}), "Metadata": {"Release": "Other"}}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Resources: {}\n", id="YAML"),
        pytest.param(json.dumps(template()), id="no metadata"),
        pytest.param(json.dumps(template(Release={"Type": "AWS::SNS::Topic"})), id="a resource of this name"),
        pytest.param(json.dumps(RELEASE_WITHOUT_A_PACKAGE), id="metadata of another tool"),
    ],
)
def test_a_template_without_a_release_stays_as_it_is(text: str) -> None:
    assert with_release(text, {"Horses": "4"}) == text


def test_a_comparison_ignores_the_release_and_nothing_else() -> None:
    released = json.loads(with_release(json.dumps(published()), {"Horses": "4"}))
    assert released != published()
    assert without_release(released) == without_release(published())
    unpublished = template(Other={"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "Release"}})
    assert without_release(unpublished) == unpublished


def test_a_release_changes_the_function_because_lambda_publishes_no_unchanged_function() -> None:
    """Source: Lambda Developer Guide, "Creating function versions"; serverless-application-model issue 3281."""
    before, after = (json.loads(with_release(json.dumps(published()), {"Horses": horses})) for horses in "24")
    functions = [it["Resources"]["Carter"]["Properties"] for it in (before, after)]
    assert functions[0]["Description"] != functions[1]["Description"]
    assert functions[0]["Description"].removeprefix("Release ") in version_in(before)


def test_earlier_versions_stay_and_versions_of_failed_deployments_go() -> None:
    template = published()
    version = template["Resources"][version_in(template)]
    assert (version["DeletionPolicy"], version["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


@pytest.mark.parametrize("called", [{"Ref": "Carter"}, {"Fn::GetAtt": ["Carter", "Arn"]}, NAME])
def test_a_permission_is_for_the_alias(called: Any) -> None:
    permission = {"Type": "AWS::Lambda::Permission", "Properties": {"FunctionName": called}}
    assert published(Allowed=permission)["Resources"]["Allowed"]["Properties"]["FunctionName"] == ALIAS


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"Fn::GetAtt": ["Carter", "Arn"]}, ALIAS),
        ({"Fn::Sub": "functions/${Carter.Arn}/invocations"}, {"Fn::Sub": "functions/${CarterLive}/invocations"}),
        (
            {"Fn::Sub": ["${Carter.Arn} ${X}", {"X": {"Fn::GetAtt": ["Carter", "Arn"]}}]},
            {"Fn::Sub": ["${CarterLive} ${X}", {"X": ALIAS}]},
        ),
        (
            {"Fn::Sub": "arn:aws:lambda:x:1:function:${AppName}-${Stage}-carter/invocations"},
            {"Fn::Sub": "arn:aws:lambda:x:1:function:${AppName}-${Stage}-carter:live/invocations"},
        ),
        ({"Fn::GetAtt": ["Carter", "SnapStartResponse"]}, {"Fn::GetAtt": ["Carter", "SnapStartResponse"]}),
    ],
)
def test_an_arn_becomes_the_arn_of_the_alias_wherever_it_stands(written: Any, expected: Any) -> None:
    body = {"paths": [{"uri": written}]}
    api = {"Type": "AWS::Serverless::Api", "Properties": {"DefinitionBody": body}}
    assert published(Api=api)["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"][0]["uri"] == expected


@pytest.mark.parametrize(
    "text", ["function:${AppName}-${Stage}-carter-2", "a:function:${AppName}-${Stage}-carter:live", "carter"]
)
def test_another_function_and_a_qualified_function_stay_as_they_are(text: str) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::Sub": text}}}
    assert published(Topic=topic)["Resources"]["Topic"] == topic


def test_alarms_and_roles_keep_the_name_of_the_function() -> None:
    """The metrics of all versions have the name. The actions of a role can be on the function or on the alias."""
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Dimensions": [{"Value": {"Ref": "Carter"}}]}}
    role = {"Type": "AWS::IAM::Role", "Properties": {"Resource": {"Fn::GetAtt": ["Carter", "Arn"]}}}
    resources = published(Alarm=alarm, Role=role)["Resources"]
    assert (resources["Alarm"], resources["Role"]) == (alarm, role)


def test_a_stream_event_becomes_a_mapping_of_the_alias() -> None:
    source = template()
    event = {"Stream": {"Ref": "Stream"}, "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": "here"}}}
    source["Resources"]["Carter"]["Properties"]["Events"] = {"Orders": {"Type": "DynamoDB", "Properties": event}}
    resources = with_aliases(source, "a")["Resources"]
    assert "Events" not in resources["Carter"]["Properties"]
    assert resources["CarterOrders"] == {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "EventSourceArn": {"Ref": "Stream"},
            "FunctionName": ALIAS,
            "DestinationConfig": {"OnFailure": {"Destination": "here"}},
        },
    }


@pytest.mark.parametrize("kind", ["Schedule", "SQS", "SNS"])
def test_an_event_that_would_call_the_function_itself_is_refused(kind: str) -> None:
    source = template()
    source["Resources"]["Carter"]["Properties"]["Events"] = {"Nightly": {"Type": kind, "Properties": {}}}
    with pytest.raises(
        Refused, match=f"^Carter: Nightly: got an event of the type {kind}, expected DynamoDB or Kinesis"
    ):
        with_aliases(source, "a")


def test_provisioned_concurrency_is_of_the_alias() -> None:
    """Lambda refuses it for $LATEST."""
    source = template()
    source["Resources"]["Carter"]["Properties"]["ProvisionedConcurrencyConfig"] = {"Fn::If": ["Busy", 2, 1]}
    resources = with_aliases(source, "a")["Resources"]
    assert "ProvisionedConcurrencyConfig" not in resources["Carter"]["Properties"]
    assert resources["CarterLive"]["Properties"]["ProvisionedConcurrencyConfig"] == {"Fn::If": ["Busy", 2, 1]}


def test_every_alarm_stops_the_shift_of_every_function() -> None:
    source = template(Late={"Type": "AWS::CloudWatch::Alarm", "Properties": {}})
    source["Parameters"]["LostAlarmName"] = {"Type": "String"}
    group = with_aliases(source, "a")["Resources"]["CarterShift"]["Properties"]
    alarms = group["AlarmConfiguration"]["Alarms"]
    assert alarms == [{"Name": {"Ref": "LostAlarmName"}}, {"Name": {"Ref": "Late"}}]
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]


@pytest.mark.parametrize(
    ("runtime", "allowed"),
    [("python3.9", ["false"]), ("python3.11", ["false"]), ("python3.12", ["true", "false"])],
)
def test_snapstart_is_refused_for_a_python_without_it(runtime: str, allowed: list[str]) -> None:
    source = template()
    source["Resources"]["Carter"]["Properties"]["Runtime"] = runtime
    assert with_aliases(source, "a")["Parameters"]["CarterSnapStart"]["AllowedValues"] == allowed


def test_the_template_that_is_given_stays_as_it_is() -> None:
    source = template()
    before = json.dumps(source)
    with_aliases(source, "a")
    assert json.dumps(source) == before


def test_the_packaged_application_calls_aliases_only(application_source: dict[str, Any]) -> None:
    resources = application_source["Resources"]
    functions = [key for key, it in resources.items() if it["Type"] == "AWS::Serverless::Function"]
    assert {alias_of(key) for key in functions} == {
        key for key, it in resources.items() if it["Type"] == "AWS::Lambda::Alias"
    }
    calls = [text for key, it in resources.items() if key not in functions for text in _texts(it)]
    assert not [text for text in calls if re.search(r"\$\{\w+\.Arn\}", text)]
    permissions = [it["Properties"] for it in resources.values() if it["Type"] == "AWS::Lambda::Permission"]
    assert permissions
    assert all(it["FunctionName"]["Ref"].endswith("Live") for it in permissions)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)
