"""Stacks against a CloudFormation that ends as a test says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.errors import DeploymentFailed, Refused
from infra.stacks import LARGEST_BODY, Stacks
from tests.infra.stages import PROJECT


class CloudFormation:
    """One stack, `trial`; what happens to it is taken from a list of statuses.

    statuses  what a description of the stack answers next; the last one is repeated
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
def test_a_stack_is_created_or_updated_as_it_is_there_or_not(status, kind):
    cloudformation = CloudFormation(status, "UPDATE_COMPLETE")
    deploy(cloudformation)
    assert [call["ChangeSetType"] for call in cloudformation.called("create_change_set")] == [kind]


def test_a_stack_that_was_left_in_the_middle_is_waited_for():
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


def test_what_is_described_as_it_was_before_is_not_taken_for_the_end():
    cloudformation = CloudFormation(*["UPDATE_COMPLETE"] * 3, "UPDATE_ROLLBACK_COMPLETE")
    cloudformation.execute_change_set = lambda **_: cloudformation.statuses.__setitem__(
        slice(None), ["UPDATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
    )
    with pytest.raises(DeploymentFailed, match="UPDATE_ROLLBACK_COMPLETE"):
        deploy(cloudformation)


def test_a_deletion_is_not_over_while_the_stack_is_described_as_it_was():
    cloudformation = CloudFormation("CREATE_COMPLETE")
    cloudformation.delete_stack = lambda **_: cloudformation.statuses.__setitem__(
        slice(None), ["CREATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    )
    assert Stacks(cloudformation, sleep=lambda _: None).delete("trial") is True


def test_a_stack_that_never_comes_to_an_end_is_not_waited_for_for_ever():
    pauses: list[float] = []
    with pytest.raises(DeploymentFailed, match="CloudFormation has come to no end in 60 minutes"):
        Stacks(CloudFormation("UPDATE_IN_PROGRESS"), sleep=pauses.append).deploy("trial", "{}", {})
    assert 3600 <= sum(pauses) < 3610


@pytest.mark.parametrize(
    ("status", "stands"),
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
def test_a_stack_stands_once_it_was_complete_and_until_it_is_being_deleted(status, stands):
    assert Stacks(CloudFormation(status)).stands("trial") is stands


def test_a_stack_that_is_not_there_does_not_stand():
    assert Stacks(CloudFormation()).stands("trial") is False


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
        pytest.param([[change(POOL, "Remove")]], id="taken away"),
        pytest.param([[change("AWS::SQS::Queue")], [change(POOL)]], id="on the second page"),
    ],
)
def test_what_must_be_kept_is_not_lost_and_nothing_else_of_that_change_set_happens(pages):
    cloudformation = CloudFormation("UPDATE_COMPLETE")
    cloudformation.changes = pages
    with pytest.raises(Refused, match=r"^trial: It would be set aside .* give `--allow-replacement`"):
        deploy(cloudformation, keep=(POOL,))
    assert cloudformation.called("delete_change_set")
    assert not cloudformation.called("execute_change_set")


@pytest.mark.parametrize(
    ("harmless", "keep"),
    [
        pytest.param(change(POOL, replacement="False"), (POOL,), id="changed in its place"),
        pytest.param(change(POOL, replacement="Conditional"), (POOL,), id="probably changed in its place"),
        pytest.param(change(POOL, "Add"), (POOL,), id="new"),
        pytest.param(change("AWS::SQS::Queue"), (POOL,), id="of another type"),
        pytest.param(change(POOL), (), id="nothing has to be kept"),
    ],
)
def test_all_other_changes_are_carried_out(harmless, keep):
    cloudformation = CloudFormation("UPDATE_COMPLETE")
    cloudformation.changes = [[harmless]]
    assert deploy(cloudformation, keep=keep)[1] is True


@pytest.mark.parametrize(
    "reason", ["The submitted information didn't contain changes. Submit other.", "No updates are to be performed."]
)
def test_a_change_set_without_changes_is_taken_away_and_changes_nothing(reason):
    cloudformation = CloudFormation("UPDATE_COMPLETE", change_set="FAILED", reason=reason)
    assert deploy(cloudformation)[1] is False
    assert cloudformation.called("delete_change_set")
    assert not cloudformation.called("execute_change_set")


def test_a_change_set_that_fails_for_another_reason_is_a_failure():
    with pytest.raises(DeploymentFailed, match="trial: OidcClientId is required"):
        deploy(
            CloudFormation("UPDATE_COMPLETE", change_set="FAILED", reason="OidcClientId is required with OidcIssuer.")
        )


def test_of_a_failed_update_the_first_failure_is_told_and_no_older_one():
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


def test_only_parameters_that_the_template_knows_are_given():
    cloudformation = CloudFormation("UPDATE_COMPLETE")
    deploy(cloudformation, Stage="trial", Carts="2")
    given = cloudformation.called("create_change_set")[0]["Parameters"]
    assert given == [{"ParameterKey": "Stage", "ParameterValue": "trial"}]


def test_a_template_that_is_too_large_for_a_call_needs_a_bucket():
    with pytest.raises(DeploymentFailed, match="the template has 51201 bytes"):
        deploy(CloudFormation("UPDATE_COMPLETE"), "x" * (LARGEST_BODY + 1))


def test_the_identity_template_needs_none():
    assert (PROJECT / "infra/identity.yaml").stat().st_size <= LARGEST_BODY


def test_a_stack_that_is_not_there_has_nothing_and_is_not_deleted():
    cloudformation = CloudFormation()
    stacks = Stacks(cloudformation)
    assert (stacks.outputs("trial"), stacks.parameters("trial"), stacks.delete("trial")) == ({}, {}, False)
    assert cloudformation.calls == []


def test_to_be_refused_an_answer_is_not_to_hear_that_there_is_no_stack():
    cloudformation = CloudFormation()
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "DescribeStacks")

    def describe_stacks(**_: str) -> None:
        raise denied

    cloudformation.describe_stacks = describe_stacks  # type: ignore[method-assign, assignment]
    with pytest.raises(ClientError, match="not you"):
        Stacks(cloudformation).outputs("trial")


def test_a_stack_that_cannot_be_deleted_says_why():
    cloudformation = CloudFormation("UPDATE_COMPLETE")
    cloudformation.delete_stack = lambda **_: cloudformation.statuses.__setitem__(slice(None), ["DELETE_FAILED"])
    cloudformation.events = [failed("DELETE_FAILED", "UserPool", "it has a domain"), begun("DELETE_IN_PROGRESS")]
    with pytest.raises(DeploymentFailed, match="trial: DELETE_FAILED: UserPool: it has a domain"):
        Stacks(cloudformation).delete("trial")
