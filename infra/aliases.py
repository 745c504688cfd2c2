"""Publishes each function of a packaged template as a version behind the alias `live`. Pure functions of templates.

Chalice writes plain function ARNs into the API's definition, which SAM's AutoPublishAlias does not reach. SAM also
publishes no version when only a parameter changes. So this module writes the versions and the aliases itself.

The release identifies the code, the template and the parameters. It is part of the logical id of each version, so
CloudFormation publishes a version if and only if the release changes. It is also the function's description, because
Lambda refuses to publish a function that did not change.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from infra.errors import Refused

LIVE = "live"

_FUNCTION, _MAPPING = "AWS::Serverless::Function", "AWS::Lambda::EventSourceMapping"
_RELEASE, _PACKAGE = "Release", "Package"
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
    package = _digest(code_sha256, template)
    release = _digest(package)
    written: Json = {}
    for key, resource in resources.items():
        called = _calling_aliases(resource, names)
        written |= _published(key, called, release, alarms) if key in names else {key: called}
    metadata = {**template.get("Metadata", {}), _PACKAGE: package, _RELEASE: release}
    return {**template, "Metadata": metadata, "Parameters": _parameters(template), "Resources": written}


def with_release(template: str, given: Mapping[str, str]) -> str:
    """Returns the text of a template with the release of these parameters. Returns another template unchanged.

    given  parameters of the deployment; a parameter that the template does not declare is ignored
    """
    if f'"{_RELEASE}"' not in template:
        return template
    parsed = json.loads(template)
    metadata, declared = parsed["Metadata"], parsed.get("Parameters", {})
    values = {name: str(given.get(name, parameter.get("Default", ""))) for name, parameter in declared.items()}
    return template.replace(metadata[_RELEASE], _digest(metadata[_PACKAGE], values))


def without_release(template: Mapping[str, Any]) -> Json:
    """Returns a template whose logical ids and descriptions name no release, for a comparison."""
    release = template.get("Metadata", {}).get(_RELEASE, _RELEASE)
    compared: Json = json.loads(json.dumps(template).replace(release, ""))
    return {key: value for key, value in compared.items() if key != "Metadata"}


def alias_of(function: str) -> str:
    """Returns the logical id of a function's alias."""
    return f"{function}Live"


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


def _calling_aliases(resource: Json, names: Mapping[str, Any]) -> Json:
    """Returns a resource that refers to the alias of each function that it calls.

    The ARN of a function is always replaced. Its name is replaced where Lambda invokes it. Elsewhere the name stays,
    because the metrics and the logs of all versions have the function's name.
    """
    if resource["Type"].startswith("AWS::IAM::"):
        return resource  # the actions of a role can be on the function, on its alias, or on both
    replaced: Json = _with_alias_arns(resource, names)
    properties = replaced.get("Properties", {})
    if not resource["Type"].startswith("AWS::Lambda::") or "FunctionName" not in properties:
        return replaced
    called = properties["FunctionName"]
    alias = next(({"Ref": alias_of(key)} for key, name in names.items() if called in ({"Ref": key}, name)), called)
    return {**replaced, "Properties": {**properties, "FunctionName": alias}}


def _with_alias_arns(value: Any, names: Mapping[str, Any]) -> Any:
    match value:
        case {"Fn::GetAtt": [key, "Arn"]} if key in names:
            return {"Ref": alias_of(key)}
        case {"Fn::Sub": str(text)}:
            return {"Fn::Sub": _text_with_aliases(text, names)}
        case {"Fn::Sub": [text, variables]}:
            return {"Fn::Sub": [_text_with_aliases(text, names), _with_alias_arns(variables, names)]}
        case dict():
            return {key: _with_alias_arns(inner, names) for key, inner in value.items()}
        case list():
            return [_with_alias_arns(inner, names) for inner in value]
        case _:
            return value


def _text_with_aliases(text: str, names: Mapping[str, Any]) -> str:
    for key, name in names.items():
        text = text.replace(f"${{{key}.Arn}}", f"${{{alias_of(key)}}}")
        if isinstance(name, dict) and isinstance(name.get("Fn::Sub"), str):
            spelled = re.escape(f":function:{name['Fn::Sub']}")
            text = re.sub(rf"({spelled})(?![\w$:*-])", rf"\1:{LIVE}", text)
    return text


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
