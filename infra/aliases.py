"""Publishes each function of a packaged template as a version behind the alias `live`. Pure functions of templates.

Chalice writes plain function ARNs into the API's definition, which SAM's AutoPublishAlias does not reach. SAM also
publishes no version when only a parameter changes. So this module writes the versions and the aliases itself.
"""

from collections.abc import Mapping
from typing import Any

from infra.alias_calls import LIVE, alias_of, calling_aliases
from infra.errors import Refused
from infra.release_id import RELEASE, release_metadata
from infra.traffic_shift import deployment_group, shift_resources, update_policy

_FUNCTION, _MAPPING = "AWS::Serverless::Function", "AWS::Lambda::EventSourceMapping"
_SNAPSTART_FROM = (3, 12)
_STREAMS = ("DynamoDB", "Kinesis")  # types of SAM's events that have the same properties

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
    written |= shift_resources([name["Fn::Sub"] for name in names.values() if isinstance(name, dict)], LIVE)
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
            "UpdatePolicy": update_policy(group),
            "Properties": {
                "Name": LIVE,
                "FunctionName": {"Ref": key},
                "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
                **({"ProvisionedConcurrencyConfig": provisioned} if provisioned else {}),
            },
        },
        group: deployment_group(alarms),
        **{f"{key}{name}": _mapping(f"{key}: {name}", event, alias) for name, event in events.items()},
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
