"""A plan of a deployment. tests/rehearsal/test_rehearsal.py compares a plan with the deployment in the local cloud."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.application import without_value
from infra.deploy import Deploy, Options
from infra.errors import Refused
from infra.progress import Progress
from infra.stacks import LARGEST_BODY
from infra.stage import Stage
from tests.infra.account import Account
from tests.infra.stages import OUTPUTS, TRIAL, project_in

UNCHANGED = {"Status": "FAILED", "StatusReason": "The submitted information didn't contain changes."}


DEPLOYED = {**OUTPUTS, "UserPoolId": "pool1", "ArtifactBucketName": "carts"}


def planned(folder: Path, outputs: Mapping[str, str] = DEPLOYED, stage: Stage = TRIAL, **parameters: Any) -> list[str]:
    """Plans an application with these parameters, after a deployment of the identity stack with these outputs."""
    return plan_with(account_with(outputs), folder, stage, **parameters)


def account_with(outputs: Mapping[str, str] = DEPLOYED, identity_change: Mapping[str, Any] = UNCHANGED) -> Account:
    """Returns an account with a deployed stage. `identity_change` describes the change set of the identity stack."""

    def change_set(StackName: str, ChangeSetName: str) -> Mapping[str, Any]:
        return identity_change if StackName == TRIAL.stack else UNCHANGED

    stack = {
        "StackStatus": "UPDATE_COMPLETE",
        "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
    }
    cloudformation = {
        "describe_stacks": {"Stacks": [stack]},
        "get_template_summary": {"Parameters": []},
        "describe_change_set": change_set,
    }
    s3 = {"head_object": {}, "generate_presigned_url": "https://carts.s3.example/one"}
    pool = {"describe_user_pool": {"UserPool": {"Domain": "merchants"}}}
    account = Account(cognito_idp=pool, cloudformation=cloudformation, s3=s3)
    account("cognito-idp").meta = SimpleNamespace(endpoint_url="https://cognito-idp.eu-central-1.amazonaws.com")
    return account


def plan_with(account: Account, folder: Path, stage: Stage = TRIAL, **parameters: Any) -> list[str]:
    project = project_in(folder)
    packaged = {"Parameters": parameters, "Resources": {"RestAPI": {"Type": "Api", "Properties": {}}}}
    packaged["Resources"]["RestAPI"]["Properties"]["DefinitionBody"] = {"paths": {}}
    (project / "policies").mkdir()
    (project / "sam.json").write_text(json.dumps(packaged), encoding="utf-8")
    (project / "deployment.zip").write_bytes(b"wheels")
    return Deploy(project, stage, account, Progress(lambda _: None), Options(package=project)).preview()


def test_a_plan_names_the_outputs_that_the_identity_stack_does_not_have_yet(tmp_path: Path) -> None:
    """CloudFormation refuses a change set without a value for each parameter."""
    assert planned(tmp_path, Horses={"Type": "String"}, UserPoolArn={"Type": "String"}) == [
        "gatehouse-trial-application: the changes are unknown until the identity stack has the outputs Horses"
    ]


def test_a_plan_with_all_outputs_asks_cloudformation(tmp_path: Path) -> None:
    assert planned(tmp_path, UserPoolArn={"Type": "String"}) == []


def test_a_plan_of_an_identity_stack_without_an_artifact_bucket_names_the_bucket(tmp_path: Path) -> None:
    """The identity stack of an early release has no such output."""
    outputs = {name: value for name, value in DEPLOYED.items() if name != "ArtifactBucketName"}
    assert planned(tmp_path, outputs) == [
        "gatehouse-trial-application: the changes are unknown until the identity stack has the outputs"
        " ArtifactBucketName"
    ]


def test_a_plan_refuses_what_the_deployment_would_refuse(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="the user pool has the domain 'merchants'"):
        planned(tmp_path, stage=replace(TRIAL, identity={"DomainPrefix": "carters"}))


def test_a_plan_uses_the_new_values_that_the_stage_file_gives_to_outputs(tmp_path: Path) -> None:
    """The deployment updates the identity stack first, so that the application's stack gets these values."""
    outputs = {name: value for name, value in DEPLOYED.items() if name != "ResourceServerIdentifier"}
    assert planned(tmp_path, outputs, ResourceServerIdentifier={"Type": "String"}) == []


def test_a_plan_says_that_an_update_of_the_identity_stack_can_cause_more_changes(tmp_path: Path) -> None:
    change = {"Action": "Modify", "LogicalResourceId": "UserPool", "ResourceType": "AWS::Cognito::UserPool"}
    changed = {"Status": "CREATE_COMPLETE", "Changes": [{"ResourceChange": change}]}
    assert plan_with(account_with(identity_change=changed), tmp_path) == [
        "gatehouse-trial-identity: modify UserPool (AWS::Cognito::UserPool)",
        "gatehouse-trial-application: more can change, if the update of the identity stack changes an output",
    ]


def test_a_plan_of_a_large_application_writes_only_to_its_folder_of_the_bucket(tmp_path: Path) -> None:
    account = account_with()
    plan_with(account, tmp_path, UserPoolArn={"Type": "String", "Description": "x" * LARGEST_BODY})
    (stored,) = [arguments["Key"] for operation, arguments in account.calls if operation == "put_object"]
    assert stored.startswith("plan/")


@pytest.mark.parametrize(
    ("declared", "given"), [({}, {"Horses": "2"}), ({"Default": "2"}, {}), ({"Default": ""}, {}), ({"Default": 0}, {})]
)
def test_a_parameter_with_a_default_or_a_value_is_not_missing(declared: dict[str, Any], given: dict[str, str]) -> None:
    assert without_value(json.dumps({"Parameters": {"Horses": {"Type": "String", **declared}}}), given) == []
