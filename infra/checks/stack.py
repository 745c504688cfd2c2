"""Checks both stacks: their status, their templates, their parameters and their drift."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from infra.checks.check import Check
from infra.checks.compare import differing
from infra.checks.deployed_stack import DeployedStack
from infra.checks.live import Live
from infra.expected import parameter_values
from infra.release_id import without_release
from infra.templates import read_yaml

_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
_PAUSE = 2.0  # seconds
_INTENDED = "Run `manage.py deploy` with the intended commit."


def _stacks(live: Live) -> tuple[DeployedStack, DeployedStack]:
    return live.identity, live.application


def _status(live: Live) -> Iterator[str]:
    for stack in _stacks(live):
        status = stack.description["StackStatus"]
        if status not in _GOOD:
            yield f"The status of {stack.name} is {status}. Expected: one of {', '.join(_GOOD)}."


def _identity_template(live: Live) -> Iterator[str]:
    if live.identity.template != read_yaml(live.project, "infra/identity.yaml"):
        yield "The deployed template differs from infra/identity.yaml."


def _application_template(live: Live) -> Iterator[str]:
    deployed = live.application.template
    uris = {item["Properties"]["CodeUri"] for item in deployed["Resources"].values() if "CodeUri" in item["Properties"]}
    if len(uris) != 1:
        yield f"The functions of the deployed template have {len(uris)} bundles. Expected: 1."
        return
    # This checkout is packaged without dependencies, so its release differs. Other checks compare code and parameters.
    deployed, packaged = without_release(deployed), without_release(live.packaged(uris.pop()))
    for part in sorted(deployed.keys() | packaged.keys()):
        if deployed.get(part) != packaged.get(part):
            yield f"{part} of the deployed template{_names(deployed.get(part), packaged.get(part))} differs."


def _names(one: Any, other: Any) -> str:
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return ""
    differing_names = sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))
    return f" ({', '.join(differing_names)})"


def _parameters(live: Live) -> Iterator[str]:
    stage = live.stage
    for stack, given in zip(
        _stacks(live), (stage.identity_parameters, stage.application_parameters(live.outputs)), strict=True
    ):
        expected = parameter_values(stack.template["Parameters"], given)
        yield from differing(f"The parameters of {stack.name}", stack.parameters, expected)


def drift(sleep: Callable[[float], None] = time.sleep) -> Check:
    """CloudFormation's own drift detection, which takes minutes."""

    def differences(live: Live) -> Iterator[str]:
        cloudformation = live.client("cloudformation")
        for stack in _stacks(live):
            detection = cloudformation.detect_stack_drift(StackName=stack.name)["StackDriftDetectionId"]
            status = _detected(cloudformation, detection, sleep)
            if status["DetectionStatus"] != "DETECTION_COMPLETE":
                yield f"Drift detection failed: {status.get('DetectionStatusReason', status['DetectionStatus'])}."
            for item in _drifts(cloudformation, stack.name):
                if item["StackResourceDriftStatus"] in ("MODIFIED", "DELETED"):
                    paths = ", ".join(part["PropertyPath"] for part in item.get("PropertyDifferences", []))
                    status_of = f"{item['LogicalResourceId']} is {item['StackResourceDriftStatus'].lower()}"
                    yield f"{status_of}: {paths}." if paths else f"{status_of}."

    return Check("stack-drift", "CloudFormation detects no drift of the two stacks.", differences)


def _drifts(cloudformation: Any, stack: str) -> Iterator[dict[str, Any]]:
    page: dict[str, Any] = cloudformation.describe_stack_resource_drifts(StackName=stack)
    yield from page["StackResourceDrifts"]
    while "NextToken" in page:
        page = cloudformation.describe_stack_resource_drifts(StackName=stack, NextToken=page["NextToken"])
        yield from page["StackResourceDrifts"]


def _detected(cloudformation: Any, detection: str, sleep: Callable[[float], None]) -> dict[str, Any]:
    while True:
        status: dict[str, Any] = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        if status["DetectionStatus"] != "DETECTION_IN_PROGRESS":
            return status
        sleep(_PAUSE)


CHECKS = (
    Check(
        "stack-status",
        "Both stacks can be updated.",
        _status,
        "See docs/runbook/failed-deployment.md.",
    ),
    Check("stack-template", "The identity stack has the template infra/identity.yaml.", _identity_template, _INTENDED),
    Check(
        "application-template",
        "The application's stack has the template that packaging writes, with one bundle for all functions.",
        _application_template,
        _INTENDED,
    ),
    Check(
        "stack-parameters",
        "Both stacks have the parameters of the stage file.",
        _parameters,
        "Run `manage.py deploy`.",
    ),
)
