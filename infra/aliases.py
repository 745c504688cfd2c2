"""Publishes each function of a packaged template as a version behind the alias `live`. Pure functions of templates.

Chalice writes plain function ARNs into the API's definition, which SAM's AutoPublishAlias does not reach. SAM also
publishes no version when only a parameter changes. So this module writes the versions and the aliases itself.
"""

from collections.abc import Mapping
from typing import Any

from infra.alias_calls import LIVE, alias_of, calling_aliases
from infra.errors import Refused
from infra.release_id import RELEASE, release_metadata

_FUNCTION, _MAPPING = "AWS::Serverless::Function", "AWS::Lambda::EventSourceMapping"
_SNAPSTART_FROM = (3, 12)
_STREAMS = ("DynamoDB", "Kinesis")  # types of SAM's events that have the same properties
_SHIFTED = "ShiftsTraffic"  # the condition of .chalice/package.json

Json = dict[str, Any]


def with_aliases(template: Mapping[str, Any], code_sha256: str) -> Json:
    """Returns the template with a version and an alias for each function. Its other resources call the aliases.

    code_sha256  of the bundle

    Raises:  Refused for an event source that is not a stream: it would call the function and not the alias
    """
    resources: Json = template["Resources"]
    names = {key: it["Properties"].get("FunctionName") for key, it in resources.items() if it["Type"] == _FUNCTION}
    alarms = [{"Ref": key} for key in _alarms(template)]
    release = release_metadata(template, code_sha256)
    written: Json = {}
    for key, resource in resources.items():
        called = calling_aliases(resource, names)
        written |= _published(key, called, release[RELEASE], alarms) if key in names else {key: called}
    metadata = {**template.get("Metadata", {}), **release}
    return {**template, "Metadata": metadata, "Parameters": _parameters(template), "Resources": written}


def _alarms(template: Mapping[str, Any]) -> list[str]:
    """Returns the alarms that stop a shift of traffic: those of this template, and those whose names are parameters."""
    named = [name for name in template.get("Parameters", {}) if name.endswith("AlarmName")]
    return named + [key for key, it in template["Resources"].items() if it["Type"] == "AWS::CloudWatch::Alarm"]


def _parameters(template: Mapping[str, Any]) -> Json:
    """Returns the parameters. They refuse SnapStart for a Python that does not support it."""
    runtimes = {it["Properties"]["Runtime"] for it in template["Resources"].values() if it["Type"] == _FUNCTION}
    declared: Json = template.get("Parameters", {})
    if all(_version(runtime) >= _SNAPSTART_FROM for runtime in runtimes):
        return declared
    return {
        name: {**parameter, "AllowedValues": ["false"]} if name.endswith("SnapStart") else parameter
        for name, parameter in declared.items()
    }


def _version(runtime: str) -> tuple[int, ...]:
    return tuple(map(int, runtime.removeprefix("python").split(".")))


def _published(key: str, function: Json, release: str, alarms: list[Json]) -> Json:
    """Returns the function, its version, its alias, its event source mappings, and its group for shifts of traffic."""
    properties = dict(function["Properties"])
    provisioned = properties.pop("ProvisionedConcurrencyConfig", None)
    events = properties.pop("Events", {})
    version, alias, group = f"{key}Version{release}", alias_of(key), f"{key}Shift"
    return {
        key: {**function, "Properties": {**properties, "Description": f"Release {release}"}},
        version: {
            "Type": "AWS::Lambda::Version",
            # A version of an earlier release stays, for a rollback. A version of a failed deployment does not stay.
            "DeletionPolicy": "RetainExceptOnCreate",
            "UpdateReplacePolicy": "Retain",
            "Properties": {"FunctionName": {"Ref": key}},
        },
        alias: {
            "Type": "AWS::Lambda::Alias",
            "UpdatePolicy": {"CodeDeployLambdaAliasUpdate": _if_shifted(_shift(group))},
            "Properties": {
                "Name": LIVE,
                "FunctionName": {"Ref": key},
                "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
                **({"ProvisionedConcurrencyConfig": provisioned} if provisioned else {}),
            },
        },
        group: _deployment_group(alarms),
        **{f"{key}{name}": _mapping(f"{key}: {name}", event, alias) for name, event in events.items()},
    }


def _shift(group: str) -> Json:
    return {"ApplicationName": {"Ref": "TrafficShift"}, "DeploymentGroupName": {"Ref": group}}


def _if_shifted(value: Json) -> Json:
    return {"Fn::If": [_SHIFTED, value, {"Ref": "AWS::NoValue"}]}


def _deployment_group(alarms: list[Json]) -> Json:
    return {
        "Type": "AWS::CodeDeploy::DeploymentGroup",
        "Condition": _SHIFTED,
        "Properties": {
            "ApplicationName": {"Ref": "TrafficShift"},
            "ServiceRoleArn": {"Fn::GetAtt": ["TrafficShiftRole", "Arn"]},
            "DeploymentConfigName": {"Fn::Sub": "CodeDeployDefault.Lambda${TrafficShiftType}"},
            "DeploymentStyle": {"DeploymentType": "BLUE_GREEN", "DeploymentOption": "WITH_TRAFFIC_CONTROL"},
            "AlarmConfiguration": {"Enabled": True, "Alarms": [{"Name": alarm} for alarm in alarms]},
            "AutoRollbackConfiguration": {
                "Enabled": True,
                "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
            },
        },
    }


def _mapping(name: str, event: Mapping[str, Any], alias: str) -> Json:
    """Returns the mapping that SAM would write for the event of a stream, with the alias."""
    if event["Type"] not in _STREAMS:
        raise Refused(
            f"{name}: got an event of the type {event['Type']}, expected {' or '.join(_STREAMS)}. Its events would not"
            " reach the alias. Remove it from app.py, or add its resource to infra/aliases.py."
        )
    settings = event["Properties"]
    properties = {key: value for key, value in settings.items() if key not in ("Stream", "DestinationConfig")}
    if "DestinationConfig" in settings:
        on_failure = settings["DestinationConfig"]["OnFailure"]
        properties["DestinationConfig"] = {"OnFailure": {"Destination": on_failure["Destination"]}}
    source = {"EventSourceArn": settings["Stream"], "FunctionName": {"Ref": alias}}
    return {"Type": _MAPPING, "Properties": {**properties, **source}}
