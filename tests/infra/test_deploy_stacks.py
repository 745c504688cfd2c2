"""Deploying stacks with a fake CloudFormation whose statuses each test chooses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.errors import DeploymentFailed, Refused
from infra.stacks import LARGEST_BODY, Stacks
from tests.infra.stages import PROJECT


class CloudFormation:
    """A CloudFormation with one stack, `trial`.

    statuses  of the next descriptions of the stack; the last one is repeated
    """

    def __init__(self, *statuses: str, change_set: str = "CREATE_COMPLETE", reason: str = "") -> None:
        self.statuses = list(statuses)
        self.change_set = {"Status": change_set, "StatusReason": reason}
        self.changes: list[list[dict[str, Any]]] = [[]]  # by pages
        self.updated = 0  # when, and how often
        self.events: list[dict[str, str]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        if not self.statuses:
            raise ClientError(
                {"Error": {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}},
                "Describe",
            )
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        outputs = [{"OutputKey": "Carts", "OutputValue": "2"}]
        stack = {"StackStatus": status, "StackId": "arn:trial", "Outputs": outputs, "Parameters": []}
        return {"Stacks": [{**stack, "LastUpdatedTime": self.updated}]}

    def describe_change_set(self, **_: str) -> dict[str, str]:
        return self.change_set

    def get_paginator(self, operation: str) -> Any:
        assert operation == "describe_change_set"
        return SimpleNamespace(paginate=lambda **_: [{**self.change_set, "Changes": page} for page in self.changes])

    def describe_stack_events(self, **_: str) -> dict[str, Any]:
        return {"StackEvents": self.events}

    def get_template_summary(self, **_: str) -> dict[str, Any]:
        return {"Parameters": [{"ParameterKey": "Stage"}]}

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> None:
            self.calls.append((operation, arguments))
            if operation == "execute_change_set":
                self.updated += 1
            if operation == "delete_stack":
                self.statuses = ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]

        return call

    def called(self, operation: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == operation]


def deploy(
    cloudformation: CloudFormation, template: str = "{}", keep: tuple[str, ...] = (), **given: str
) -> tuple[dict[str, str], bool]:
    return Stacks(cloudformation, sleep=lambda _: None).deploy("trial", template, given, keep)


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
def test_a_missing_stack_is_created_and_an_existing_one_updated(status, kind):
    cloudformation = CloudFormation(status, "UPDATE_COMPLETE")
    deploy(cloudformation)
    assert [call["ChangeSetType"] for call in cloudformation.called("create_change_set")] == [kind]


def test_an_operation_in_progress_is_awaited_before_an_update():
    cloudformation = CloudFormation("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")
    assert deploy(cloudformation) == ({"Carts": "2"}, True)


def test_a_stack_whose_creation_failed_is_deleted_first():
    cloudformation = CloudFormation("ROLLBACK_COMPLETE")
    cloudformation.execute_change_set = lambda **_: cloudformation.statuses.__setitem__(
        slice(None), ["CREATE_COMPLETE"]
    )
    deploy(cloudformation)
    assert [operation for operation, _ in cloudformation.calls] == ["delete_stack", "create_change_set"]
    assert cloudformation.called("create_change_set")[0]["ChangeSetType"] == "CREATE"


def test_an_outdated_description_does_not_end_the_wait_for_an_update():
    cloudformation = CloudFormation(*["UPDATE_COMPLETE"] * 3, "UPDATE_ROLLBACK_COMPLETE")
    cloudformation.execute_change_set = lambda **_: cloudformation.statuses.__setitem__(
        slice(None), ["UPDATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
    )
    with pytest.raises(DeploymentFailed, match="UPDATE_ROLLBACK_COMPLETE"):
        deploy(cloudformation)


def test_an_outdated_description_does_not_end_the_wait_for_a_deletion():
    cloudformation = CloudFormation("CREATE_COMPLETE")
    cloudformation.delete_stack = lambda **_: cloudformation.statuses.__setitem__(
        slice(None), ["CREATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    )
    assert Stacks(cloudformation, sleep=lambda _: None).delete("trial") is True


def test_the_wait_for_a_stack_ends_after_an_hour():
    pauses: list[float] = []
    with pytest.raises(DeploymentFailed, match="CloudFormation did not finish within 60 minutes"):
        Stacks(CloudFormation("UPDATE_IN_PROGRESS"), sleep=pauses.append).deploy("trial", "{}", {})
    assert 3600 <= sum(pauses) < 3610


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
def test_a_stack_is_updatable_from_its_creation_to_its_deletion(status, updatable):
    assert Stacks(CloudFormation(status)).is_updatable("trial") is updatable


def test_a_missing_stack_is_not_updatable():
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
def test_an_update_that_replaces_or_removes_a_protected_type_is_not_executed(pages):
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
def test_other_changes_are_executed(harmless, keep):
    cloudformation = CloudFormation("UPDATE_COMPLETE")
    cloudformation.changes = [[harmless]]
    assert deploy(cloudformation, keep=keep)[1] is True


@pytest.mark.parametrize(
    "reason", ["The submitted information didn't contain changes. Submit other.", "No updates are to be performed."]
)
def test_a_change_set_without_changes_is_deleted(reason):
    cloudformation = CloudFormation("UPDATE_COMPLETE", change_set="FAILED", reason=reason)
    assert deploy(cloudformation)[1] is False
    assert cloudformation.called("delete_change_set")
    assert not cloudformation.called("execute_change_set")


def test_a_change_set_that_fails_for_another_reason_raises_deployment_failed():
    with pytest.raises(DeploymentFailed, match="trial: OidcClientId is required"):
        deploy(
            CloudFormation("UPDATE_COMPLETE", change_set="FAILED", reason="OidcClientId is required with OidcIssuer.")
        )


def test_a_failed_update_reports_its_first_failure():
    cloudformation = CloudFormation(*["UPDATE_COMPLETE"] * 3, "UPDATE_ROLLBACK_COMPLETE")
    cloudformation.events = [
        failed("UPDATE_FAILED", "Second", "Resource update cancelled"),
        failed("CREATE_FAILED", "First", "no room"),
        begun("UPDATE_IN_PROGRESS"),
        failed("CREATE_FAILED", "Yesterday", "too tired"),
        begun("UPDATE_IN_PROGRESS"),
    ]
    with pytest.raises(DeploymentFailed, match=r"^trial: UPDATE_ROLLBACK_COMPLETE: First: no room$"):
        deploy(cloudformation)


def test_parameters_that_the_template_does_not_declare_are_ignored():
    cloudformation = CloudFormation("UPDATE_COMPLETE")
    deploy(cloudformation, Stage="trial", Carts="2")
    given = cloudformation.called("create_change_set")[0]["Parameters"]
    assert given == [{"ParameterKey": "Stage", "ParameterValue": "trial"}]


def test_a_template_that_is_too_large_needs_a_bucket():
    with pytest.raises(DeploymentFailed, match="the template has 51201 bytes"):
        deploy(CloudFormation("UPDATE_COMPLETE"), "x" * (LARGEST_BODY + 1))


def test_the_identity_template_needs_no_bucket():
    assert (PROJECT / "infra/identity.yaml").stat().st_size <= LARGEST_BODY


def test_a_missing_stack_has_no_outputs_and_is_not_deleted():
    cloudformation = CloudFormation()
    stacks = Stacks(cloudformation)
    assert (stacks.outputs("trial"), stacks.parameters("trial"), stacks.delete("trial")) == ({}, {}, False)
    assert cloudformation.calls == []


def test_access_denied_is_not_treated_as_a_missing_stack():
    cloudformation = CloudFormation()
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "DescribeStacks")

    def describe_stacks(**_: str) -> None:
        raise denied

    cloudformation.describe_stacks = describe_stacks  # type: ignore[method-assign, assignment]
    with pytest.raises(ClientError, match="not you"):
        Stacks(cloudformation).outputs("trial")


def test_a_failed_deletion_reports_its_reason():
    cloudformation = CloudFormation("UPDATE_COMPLETE")
    cloudformation.delete_stack = lambda **_: cloudformation.statuses.__setitem__(slice(None), ["DELETE_FAILED"])
    cloudformation.events = [failed("DELETE_FAILED", "UserPool", "it has a domain"), begun("DELETE_IN_PROGRESS")]
    with pytest.raises(DeploymentFailed, match="trial: DELETE_FAILED: UserPool: it has a domain"):
        Stacks(cloudformation).delete("trial")
