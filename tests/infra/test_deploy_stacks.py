"""Deploying stacks with a fake CloudFormation whose statuses each test chooses."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError

from infra.artifacts import Artifacts
from infra.change_sets import Change, plan
from infra.errors import DeploymentFailed, Refused
from infra.stacks import LARGEST_BODY, Deployed, Stacks


class CloudFormation:
    """A CloudFormation with one stack, `trial`.

    statuses  of the stack: now, and after each operation that is awaited
    """

    def __init__(self, *statuses: str, change_set: str = "CREATE_COMPLETE", reason: str = "") -> None:
        self.statuses = list(statuses)
        self.change_set = {"Status": change_set, "StatusReason": reason}
        self.changes: list[list[dict[str, Any]]] = [[]]  # by pages
        self.events: list[dict[str, str]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.awaited: list[str] = []

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        if not self.statuses:
            raise ClientError(
                {"Error": {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}},
                "Describe",
            )
        outputs = [{"OutputKey": "Carts", "OutputValue": "2"}]
        return {"Stacks": [{"StackStatus": self.statuses[0], "StackId": "arn:trial", "Outputs": outputs}]}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "describe_change_set"
        return SimpleNamespace(paginate=lambda **_: [{**self.change_set, "Changes": page} for page in self.changes])

    def get_waiter(self, operation: str) -> Any:
        def wait(**_: Any) -> None:
            self.awaited.append(operation)
            if operation.startswith("stack_") and len(self.statuses) > 1:
                self.statuses.pop(0)
            if self.statuses and not self.statuses[0].endswith(
                ("UPDATE_COMPLETE", "CREATE_COMPLETE", "DELETE_COMPLETE")
            ):
                raise WaiterError(operation, "Waiter encountered a terminal failure state", {})

        return SimpleNamespace(wait=wait)

    def describe_stack_events(self, **_: str) -> dict[str, Any]:
        return {"StackEvents": self.events}

    def get_template_summary(self, **_: str) -> dict[str, Any]:
        return {"Parameters": [{"ParameterKey": "Stage"}]}

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> None:
            self.calls.append((operation, arguments))

        return call

    def called(self, operation: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == operation]


def deploy(cloudformation: CloudFormation, template: str = "{}", keep: tuple[str, ...] = (), **given: str) -> Deployed:
    return Stacks(cloudformation).deploy("trial", template, given, keep)


def failed(status: str, resource: str, reason: str) -> dict[str, str]:
    return {
        "ResourceType": "AWS::SQS::Queue",
        "LogicalResourceId": resource,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def begun(status: str) -> dict[str, str]:
    return {"ResourceType": "AWS::CloudFormation::Stack", "LogicalResourceId": "trial", "ResourceStatus": status}


@pytest.mark.parametrize(
    ("status", "kind"), [("REVIEW_IN_PROGRESS", "CREATE"), ("UPDATE_COMPLETE", "UPDATE"), ("CREATE_COMPLETE", "UPDATE")]
)
def test_a_missing_stack_is_created_and_an_existing_one_updated(status: str, kind: str) -> None:
    cloudformation = CloudFormation(status, "UPDATE_COMPLETE")
    deploy(cloudformation)
    assert [call["ChangeSetType"] for call in cloudformation.called("create_change_set")] == [kind]
    assert cloudformation.awaited[-1] == f"stack_{kind.lower()}_complete"


def test_every_awaited_operation_has_a_waiter_in_boto3() -> None:
    names = boto3.client("cloudformation", region_name="us-east-1").waiter_names
    operations = ("change_set_create", "stack_create", "stack_update", "stack_delete")
    assert {f"{operation}_complete" for operation in operations} <= set(names)


@pytest.mark.parametrize(
    ("status", "awaited"),
    [
        ("CREATE_IN_PROGRESS", "stack_create_complete"),
        ("UPDATE_IN_PROGRESS", "stack_update_complete"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "stack_update_complete"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "stack_update_complete"),
        ("DELETE_IN_PROGRESS", "stack_delete_complete"),
    ],
)
def test_an_operation_in_progress_is_awaited_before_an_update(status: str, awaited: str) -> None:
    cloudformation = CloudFormation(status, "UPDATE_COMPLETE")
    deploy(cloudformation)
    assert cloudformation.awaited[0] == awaited


@pytest.mark.parametrize(
    "statuses", [("ROLLBACK_COMPLETE",), ("ROLLBACK_FAILED",), ("ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE")]
)
def test_a_stack_whose_creation_failed_is_deleted_first(statuses: tuple[str, ...]) -> None:
    cloudformation = CloudFormation(*statuses, "DELETE_COMPLETE", "CREATE_COMPLETE")
    deploy(cloudformation)
    operations = [operation for operation, _ in cloudformation.calls]
    assert operations == ["delete_stack", "create_change_set", "execute_change_set"]
    assert cloudformation.called("create_change_set")[0]["ChangeSetType"] == "CREATE"


def test_a_stack_that_has_not_finished_after_an_hour_is_reported() -> None:
    cloudformation = CloudFormation("UPDATE_COMPLETE")

    def get_waiter(operation: str) -> Any:
        def wait(**arguments: Any) -> None:
            assert arguments["WaiterConfig"] == {"Delay": 1, "MaxAttempts": 3600}
            raise WaiterError(operation, "Max attempts exceeded", {})

        return SimpleNamespace(wait=wait)

    cloudformation.get_waiter = get_waiter  # type: ignore[method-assign]
    with pytest.raises(DeploymentFailed, match="CloudFormation did not finish within an hour"):
        deploy(cloudformation)


@pytest.mark.parametrize(("revert_drift", "mode"), [(False, None), (True, "REVERT_DRIFT")])
def test_only_an_update_can_revert_changes_made_by_hand(revert_drift: bool, mode: str | None) -> None:
    for status, expected in (("UPDATE_COMPLETE", mode), ("REVIEW_IN_PROGRESS", None)):
        cloudformation = CloudFormation(status, "UPDATE_COMPLETE")
        Stacks(cloudformation, revert_drift=revert_drift).deploy("trial", "{}", {})
        assert cloudformation.called("create_change_set")[0].get("DeploymentMode") == expected


@pytest.mark.parametrize(
    ("status", "updatable"),
    [
        ("REVIEW_IN_PROGRESS", False),
        ("CREATE_IN_PROGRESS", False),
        ("ROLLBACK_COMPLETE", False),
        ("ROLLBACK_FAILED", False),
        ("DELETE_FAILED", False),
        ("CREATE_COMPLETE", True),
        ("UPDATE_IN_PROGRESS", True),
        ("UPDATE_ROLLBACK_COMPLETE", True),
        ("UPDATE_ROLLBACK_FAILED", True),
    ],
)
def test_a_stack_is_updatable_from_its_creation_to_its_deletion(status: str, updatable: bool) -> None:
    assert Stacks(CloudFormation(status)).is_updatable("trial") is updatable


def test_a_missing_stack_is_not_updatable() -> None:
    assert Stacks(CloudFormation()).is_updatable("trial") is False


POOL = "AWS::Cognito::UserPool"


def change(kind: str, action: str = "Modify", replacement: str = "True") -> dict[str, Any]:
    return {
        "ResourceChange": {"LogicalResourceId": "It", "ResourceType": kind, "Action": action}
        | ({"Replacement": replacement} if action == "Modify" else {})
    }


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([[change(POOL)]], id="replaced"),
        pytest.param([[change(POOL, "Remove")]], id="removed"),
        pytest.param([[change("AWS::SQS::Queue")], [change(POOL)]], id="on the second page"),
    ],
)
def test_an_update_that_replaces_or_removes_a_protected_type_is_not_executed(pages: list[list[dict[str, Any]]]) -> None:
    cloudformation = CloudFormation("UPDATE_COMPLETE")
    cloudformation.changes = pages
    with pytest.raises(
        Refused, match=r"^Refused: this update would replace or remove It\. .* pass `--allow-replacement`\.$"
    ):
        deploy(cloudformation, keep=(POOL,))
    assert cloudformation.called("delete_change_set")
    assert not cloudformation.called("execute_change_set")


@pytest.mark.parametrize(
    ("harmless", "keep"),
    [
        pytest.param(change(POOL, replacement="False"), (POOL,), id="changed in place"),
        pytest.param(change(POOL, replacement="Conditional"), (POOL,), id="replacement is conditional"),
        pytest.param(change(POOL, "Add"), (POOL,), id="new"),
        pytest.param(change("AWS::SQS::Queue"), (POOL,), id="of another type"),
        pytest.param(change(POOL), (), id="no type is protected"),
    ],
)
def test_other_changes_are_executed(harmless: dict[str, Any], keep: tuple[str, ...]) -> None:
    cloudformation = CloudFormation("UPDATE_COMPLETE")
    cloudformation.changes = [[harmless]]
    assert deploy(cloudformation, keep=keep).changed is True


@pytest.mark.parametrize(
    "reason", ["The submitted information didn't contain changes. Submit other.", "No updates are to be performed."]
)
def test_a_change_set_without_changes_is_deleted(reason: str) -> None:
    cloudformation = CloudFormation("UPDATE_COMPLETE", change_set="FAILED", reason=reason)
    assert deploy(cloudformation).changed is False
    assert cloudformation.called("delete_change_set")
    assert not cloudformation.called("execute_change_set")


def test_a_change_set_that_fails_for_another_reason_raises_deployment_failed() -> None:
    with pytest.raises(DeploymentFailed, match="trial: OidcClientId is required"):
        deploy(
            CloudFormation("UPDATE_COMPLETE", change_set="FAILED", reason="OidcClientId is required with OidcIssuer.")
        )


def test_a_failed_update_reports_its_first_failure() -> None:
    cloudformation = CloudFormation("UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
    cloudformation.events = [
        failed("UPDATE_FAILED", "Second", "Resource update cancelled"),
        failed("CREATE_FAILED", "First", "no room"),
        begun("UPDATE_IN_PROGRESS"),
        failed("CREATE_FAILED", "Yesterday", "too tired"),
        begun("UPDATE_IN_PROGRESS"),
    ]
    with pytest.raises(DeploymentFailed, match=r"^trial: UPDATE_ROLLBACK_COMPLETE: First: no room$"):
        deploy(cloudformation)


def test_parameters_that_the_template_does_not_declare_are_ignored() -> None:
    cloudformation = CloudFormation("UPDATE_COMPLETE")
    deploy(cloudformation, Stage="trial", Carts="2")
    given = cloudformation.called("create_change_set")[0]["Parameters"]
    assert given == [{"ParameterKey": "Stage", "ParameterValue": "trial"}]


def test_a_template_that_is_too_large_needs_a_bucket() -> None:
    with pytest.raises(DeploymentFailed, match="the template has 51,201 bytes"):
        deploy(CloudFormation("UPDATE_COMPLETE"), "x" * (LARGEST_BODY + 1))


def test_a_missing_stack_has_no_outputs_and_is_not_deleted() -> None:
    cloudformation = CloudFormation()
    stacks = Stacks(cloudformation)
    assert (stacks.outputs("trial"), stacks.delete("trial")) == ({}, False)
    assert cloudformation.calls == []


def test_access_denied_is_not_treated_as_a_missing_stack() -> None:
    cloudformation = CloudFormation()
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "DescribeStacks")

    def describe_stacks(**_: str) -> None:
        raise denied

    cloudformation.describe_stacks = describe_stacks  # type: ignore[method-assign, assignment]
    with pytest.raises(ClientError, match="not you"):
        Stacks(cloudformation).outputs("trial")


def test_a_failed_deletion_reports_its_reason() -> None:
    cloudformation = CloudFormation("UPDATE_COMPLETE", "DELETE_FAILED")
    cloudformation.events = [failed("DELETE_FAILED", "UserPool", "it has a domain"), begun("DELETE_IN_PROGRESS")]
    with pytest.raises(DeploymentFailed, match="trial: DELETE_FAILED: UserPool: it has a domain"):
        Stacks(cloudformation).delete("trial")


def test_a_preview_executes_nothing() -> None:
    cloudformation = CloudFormation("UPDATE_COMPLETE")
    cloudformation.changes = [[change(POOL)]]
    changes = Stacks(cloudformation).preview("trial", "{}", {})
    assert plan(changes or ()) == ["modify It (AWS::Cognito::UserPool), which replaces it"]
    assert [name for name, _ in cloudformation.calls] == ["create_change_set", "delete_change_set"]


@pytest.mark.parametrize("statuses", [(), ("REVIEW_IN_PROGRESS",)], ids=["missing", "being created by another command"])
def test_a_preview_of_a_new_stack_changes_nothing(statuses: tuple[str, ...]) -> None:
    """A concurrent first deployment has the stack in REVIEW_IN_PROGRESS, and would lose it with a deletion."""
    cloudformation = CloudFormation(*statuses)
    assert Stacks(cloudformation).preview("trial", "{}", {}) is None
    assert cloudformation.calls == []


def test_a_preview_of_a_stack_whose_creation_failed_says_what_to_do() -> None:
    with pytest.raises(DeploymentFailed, match="creation of the stack has not finished"):
        Stacks(CloudFormation("ROLLBACK_COMPLETE")).preview("trial", "{}", {})


def test_the_creation_of_a_stack_is_one_line_of_a_plan() -> None:
    added = [Change("Add", name, "AWS::SQS::Queue") for name in ("One", "Two")]
    assert plan(added) == ["add 2 resources"]
    assert plan(added[:1]) == ["add One (AWS::SQS::Queue)"]
    assert plan([*added, Change("Remove", "Three", "AWS::SQS::Queue")])[2] == "remove Three (AWS::SQS::Queue)"


class Bucket:
    """An S3 bucket that keeps contents and their checksums by their keys."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, str]] = {}
        self.uploads = 0

    def head_object(self, Bucket: str, Key: str, ChecksumMode: str) -> dict[str, str]:
        if Key not in self.kept:
            raise ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadObject")
        return {"ChecksumSHA256": self.kept[Key][1]}

    def put_object(self, Bucket: str, Key: str, Body: bytes, ChecksumSHA256: str) -> None:
        self.uploads += 1
        self.kept[Key] = (Body, ChecksumSHA256)

    def generate_presigned_url(self, ClientMethod: str, Params: dict[str, str]) -> str:
        return f"https://{Params['Bucket']}.s3.example/{Params['Key']}?X-Amz-Signature=1"


def test_content_is_stored_once_under_its_hash() -> None:
    bucket = Bucket()
    artifacts = Artifacts(bucket, "carts")
    assert [artifacts.store(b"wheels", ".zip"), artifacts.store(b"wheels", ".zip")] == [True, False]
    assert list(bucket.kept) == [f"{sha256(b'wheels').hexdigest()}.zip"]
    assert artifacts.uri(b"wheels", ".zip") == f"s3://carts/{sha256(b'wheels').hexdigest()}.zip"


def test_content_that_somebody_replaced_is_stored_again() -> None:
    bucket = Bucket()
    artifacts = Artifacts(bucket, "carts")
    artifacts.store(b"wheels", ".zip")
    (key,) = bucket.kept
    bucket.kept[key] = (b"a wooden horse", b64encode(sha256(b"a wooden horse").digest()).decode())
    assert artifacts.store(b"wheels", ".zip") is True
    assert bucket.kept[key][0] == b"wheels"


def test_a_large_template_goes_through_the_bucket() -> None:
    bucket, cloudformation = Bucket(), CloudFormation("UPDATE_COMPLETE")
    template = "x" * (LARGEST_BODY + 1)
    Stacks(cloudformation, Artifacts(bucket, "carts")).deploy("trial", template, {})
    (call,) = cloudformation.called("create_change_set")
    assert call["TemplateURL"] == f"https://carts.s3.example/{sha256(template.encode()).hexdigest()}.template"
    assert "TemplateBody" not in call


def test_artifacts_of_a_folder_stay_in_it() -> None:
    """The role that plans can write only to a folder, so it cannot replace what a deployment uses."""
    bucket = Bucket()
    artifacts = Artifacts(bucket, "carts", "plan/")
    artifacts.store(b"wheels", ".template")
    assert list(bucket.kept) == [f"plan/{sha256(b'wheels').hexdigest()}.template"]
    assert artifacts.url(b"wheels", ".template").startswith("https://carts.s3.example/plan/")
