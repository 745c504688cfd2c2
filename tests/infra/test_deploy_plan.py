"""A plan of a deployment. tests/rehearsal/test_rehearsal.py compares a plan with the deployment in the local cloud."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.application import without_value
from infra.deploy import Deploy, Options
from infra.progress import Progress
from tests.infra.account import Account
from tests.infra.stages import OUTPUTS, TRIAL, project_in

UNCHANGED = {"Status": "FAILED", "StatusReason": "The submitted information didn't contain changes."}


def planned(folder: Path, **parameters: Any) -> list[str]:
    """Plans an application with these parameters, after a deployment of the identity stack that has OUTPUTS."""
    outputs = {**OUTPUTS, "UserPoolId": "pool1", "ArtifactBucketName": "carts"}
    stack = {
        "StackStatus": "UPDATE_COMPLETE",
        "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
    }
    cloudformation = {
        "describe_stacks": {"Stacks": [stack]},
        "get_template_summary": {"Parameters": []},
        "describe_change_set": UNCHANGED,
    }
    s3 = {"head_object": {}, "generate_presigned_url": "https://carts.s3.example/one"}
    account = Account(cognito_idp={}, cloudformation=cloudformation, s3=s3)
    account("cognito-idp").meta = SimpleNamespace(endpoint_url="https://cognito-idp.eu-central-1.amazonaws.com")
    project = project_in(folder)
    packaged = {"Parameters": parameters, "Resources": {"RestAPI": {"Type": "Api", "Properties": {}}}}
    packaged["Resources"]["RestAPI"]["Properties"]["DefinitionBody"] = {"paths": {}}
    (project / "policies").mkdir()
    (project / "sam.json").write_text(json.dumps(packaged), encoding="utf-8")
    (project / "deployment.zip").write_bytes(b"wheels")
    return Deploy(project, TRIAL, account, Progress(lambda _: None), Options(package=project)).preview()


def test_a_plan_names_the_outputs_that_the_identity_stack_does_not_have_yet(tmp_path: Path) -> None:
    """CloudFormation refuses a change set without a value for each parameter."""
    assert planned(tmp_path, Horses={"Type": "String"}, UserPoolArn={"Type": "String"}) == [
        "gatehouse-trial-application: the changes are unknown until the identity stack has the outputs Horses"
    ]


def test_a_plan_with_all_outputs_asks_cloudformation(tmp_path: Path) -> None:
    assert planned(tmp_path, UserPoolArn={"Type": "String"}) == []


@pytest.mark.parametrize(
    ("declared", "given"), [({}, {"Horses": "2"}), ({"Default": "2"}, {}), ({"Default": ""}, {}), ({"Default": 0}, {})]
)
def test_a_parameter_with_a_default_or_a_value_is_not_missing(declared: dict[str, Any], given: dict[str, str]) -> None:
    assert without_value(json.dumps({"Parameters": {"Horses": {"Type": "String", **declared}}}), given) == []
