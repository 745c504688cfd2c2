"""The pipeline's roles may do what CloudFormation does with their credentials.

CloudFormation lists for each resource type which actions its handlers call. The runbook's policies are compared with
the lists of every type in the identity template.
Source:  the CloudFormation resource schemas that cfn-lint ships, `handlers`
"""

from collections.abc import Iterator

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.test_runbook import RUNBOOK, TEMPLATE, may, pipeline

KINDS = sorted({resource["Type"] for resource in TEMPLATE["Resources"].values()})
CHANGING = ("create", "read", "update", "delete")
# Services that no resource here uses: other firewall targets, table imports and streams, log deliveries, custom
# domains, and rule groups that are paid for.
UNUSED_SERVICES = {
    *("amplify", "apprunner", "appsync", "bedrock-agentcore", "cloudfront", "ec2", "elasticloadbalancing"),
    *("firehose", "kinesis", "payments", "s3"),
}
# Actions for properties that no resource here has: policies of users and groups, managed policies, role descriptions.
UNUSED_ACTIONS = {
    *("iam:GetUserPolicy", "iam:PutUserPolicy", "iam:DeleteUserPolicy"),
    *("iam:GetGroupPolicy", "iam:PutGroupPolicy", "iam:DeleteGroupPolicy"),
    *("iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:UpdateRoleDescription"),
}
# Some read handlers list actions that change something. The role that only reads does not get them.
ONLY_TO_CHANGE = {
    *("apigateway:SetWebACL", "cognito-idp:AssociateWebACL", "cognito-idp:DisassociateWebACL"),
    *("wafv2:AssociateWebACL", "wafv2:DisassociateWebACL"),
}
# What a parameter of the stage adds, by the runbook's table; `kms:*` and `wafv2:*` are on one key and one firewall.
BY_PARAMETER = {"iam:CreateServiceLinkedRole": "`SenderArn`", "kms": "`UseCustomerKey`", "wafv2": "`EnableWaf`"}


def called(kind: str, handlers: tuple[str, ...]) -> set[str]:
    """The actions that a type's handlers call, without those that nothing here needs."""
    listed = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema["handlers"]
    actions = {action for name in handlers for action in listed.get(name, {}).get("permissions", [])}
    return {it for it in actions if it.split(":")[0] not in UNUSED_SERVICES} - UNUSED_ACTIONS


def missing(role: str, kind: str, handlers: tuple[str, ...]) -> Iterator[str]:
    statements = pipeline(role)
    yield from (action for action in sorted(called(kind, handlers)) if not may(statements, action))


@pytest.mark.parametrize("kind", KINDS)
def test_the_role_that_only_reads_may_detect_drift(kind: str) -> None:
    left = set(missing("plan", kind, ("read",))) - ONLY_TO_CHANGE
    assert {action for action in left if action.split(":")[0] != "kms"} == set()


@pytest.mark.parametrize("kind", KINDS)
def test_the_role_that_deploys_may_make_change_read_and_delete(kind: str) -> None:
    left = set(missing("deploy", kind, CHANGING))
    assert {it for it in left if it not in BY_PARAMETER and it.split(":")[0] not in BY_PARAMETER} == set()


def test_what_a_role_lacks_by_itself_is_added_by_the_parameter_that_needs_it() -> None:
    table = RUNBOOK.partition("| with | add to `deploy.json` |")[2].partition("\n\n")[0]
    for added, parameter in BY_PARAMETER.items():
        action = added if ":" in added else f"{added}:*"
        (row,) = (row for row in table.splitlines() if f"`{action}`" in row)
        assert row.startswith(f"| {parameter} |")
    assert "to `plan.json` too: `kms:Decrypt`" in table, "the reader decrypts what the customer key encrypts"


def test_every_exception_is_of_use() -> None:
    """A type or an action that leaves the lists leaves the exceptions, too."""
    listed = {
        action
        for kind in KINDS
        for handler in PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema["handlers"].values()
        for action in handler.get("permissions", [])
    }
    assert {action.split(":")[0] for action in listed} >= UNUSED_SERVICES
    assert listed >= UNUSED_ACTIONS | ONLY_TO_CHANGE
