"""Checks the identity stack: its status, its template, its parameters and its drift."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from infra.checks.check import Check
from infra.checks.compare import differing
from infra.checks.expected import parameter_values
from infra.checks.live import Live

_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
_PAUSE = 2.0  # seconds


def _status(live: Live) -> Iterator[str]:
    if live.stack["StackStatus"] not in _GOOD:
        expected = ", ".join(_GOOD)
        yield f"The status of {live.stage.stack} is {live.stack['StackStatus']}. Expected: one of {expected}."


def _template(live: Live) -> Iterator[str]:
    deployed = live.ask("cloudformation", "get_template", StackName=live.stage.stack, TemplateStage="Original")
    text = (live.project / "infra/identity.yaml").read_text(encoding="utf-8")
    if str(deployed["TemplateBody"]).strip() != text.strip():
        yield "The deployed template differs from infra/identity.yaml."


def _parameters(live: Live) -> Iterator[str]:
    definitions = live.template["Parameters"]
    expected = parameter_values(definitions, live.expected_parameters)
    yield from differing("The stack's parameters", parameter_values(definitions, live.parameters), expected)


def drift(sleep: Callable[[float], None] = time.sleep) -> Check:
    """CloudFormation's own drift detection, which takes minutes."""

    def differences(live: Live) -> Iterator[str]:
        cloudformation = live.client("cloudformation")
        detection = cloudformation.detect_stack_drift(StackName=live.stage.stack)["StackDriftDetectionId"]
        status = _detected(cloudformation, detection, sleep)
        if status["DetectionStatus"] != "DETECTION_COMPLETE":
            yield f"Drift detection failed: {status.get('DetectionStatusReason', status['DetectionStatus'])}."
        for item in _drifts(cloudformation, live.stage.stack):
            if item["StackResourceDriftStatus"] in ("MODIFIED", "DELETED"):
                paths = ", ".join(part["PropertyPath"] for part in item.get("PropertyDifferences", []))
                status_of = f"{item['LogicalResourceId']} is {item['StackResourceDriftStatus'].lower()}"
                yield f"{status_of}: {paths}." if paths else f"{status_of}."

    return Check("stack-drift", "CloudFormation detects no drift of the identity stack.", differences)


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
        "The identity stack can be updated.",
        _status,
        'See "Recover a failed deployment" in docs/runbook.md.',
    ),
    Check(
        "stack-template",
        "The identity stack has the template infra/identity.yaml.",
        _template,
        "Run `manage.py deploy` with the intended commit.",
    ),
    Check(
        "stack-parameters",
        "The identity stack has the parameters of the stage file, and the id of the REST API.",
        _parameters,
        "Run `manage.py deploy`.",
    ),
)
