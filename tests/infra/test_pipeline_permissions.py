"""The pipeline's roles allow the actions that CloudFormation calls with their credentials.

CloudFormation lists the actions that the handlers of each resource type call. The runbook's policies are compared with
the lists of every type in the identity template.
Source:  the CloudFormation resource schemas that cfn-lint ships, `handlers`
"""

import json
from collections.abc import Iterator

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.infra.linter import SCHEMAS
from tests.test_runbook import PROJECT, RUNBOOK, TEMPLATE, may, pipeline

APPLICATION = json.loads((PROJECT / ".chalice/package.json").read_text(encoding="utf-8"))
# SAM and infra/aliases.py write these from the packaged functions and the packaged API.
WRITTEN = {
    *("AWS::ApiGateway::RestApi", "AWS::ApiGateway::Deployment", "AWS::ApiGateway::Stage"),
    *("AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Version", "AWS::Lambda::Alias"),
    *("AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup"),
}
RESOURCES = [*TEMPLATE["Resources"].values(), *APPLICATION["Resources"].values()]
# The pinned cfn-lint does not have these types, and no other source here has the actions of their handlers.
NEWER = {json.loads(path.read_text(encoding="utf-8"))["typeName"] for path in SCHEMAS.glob("*.json")}
KINDS = sorted({resource["Type"] for resource in RESOURCES if "Type" in resource} - NEWER | WRITTEN)
CHANGING = ("create", "read", "update", "delete")
# Services that no resource of the template uses: other web ACL targets, table imports and streams, log deliveries,
# custom domains, file systems, and paid rule groups.
UNUSED_SERVICES = {
    *("amplify", "apprunner", "appsync", "bedrock-agentcore", "cloudfront", "ec2", "elasticloadbalancing"),
    *("elasticfilesystem", "firehose", "kinesis", "payments", "s3files", "s3tables"),
}
# Actions for properties that no resource of the template has: policies of users and groups, managed policies, role
# descriptions.
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
# Actions that a parameter of the stage adds (table of the runbook). `kms:*` is for one key, `wafv2:*` for one web ACL.
BY_PARAMETER = {
    "iam:CreateServiceLinkedRole": "`SenderArn`",
    "kms": "`UseCustomerKey`",
    "wafv2": "`EnableWaf`",
    "codedeploy": "`TrafficShiftType`",
}
# The table adds these actions of two services to the role that only reads, too.
READ_BY_PARAMETER = {"kms", "codedeploy"}


def called(kind: str, handlers: tuple[str, ...]) -> set[str]:
    """Returns the actions that a type's handlers call, without those that no resource of the template needs."""
    listed = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema["handlers"]
    actions = {action for name in handlers for action in listed.get(name, {}).get("permissions", [])}
    return {it for it in actions if it.split(":")[0] not in UNUSED_SERVICES} - UNUSED_ACTIONS


def missing(role: str, kind: str, handlers: tuple[str, ...]) -> Iterator[str]:
    statements = pipeline(role)
    yield from (action for action in sorted(called(kind, handlers)) if not may(statements, action))


@pytest.mark.parametrize("kind", KINDS)
def test_the_role_that_only_reads_allows_drift_detection(kind: str) -> None:
    left = set(missing("plan", kind, ("read",))) - ONLY_TO_CHANGE
    assert {action for action in left if action.split(":")[0] not in READ_BY_PARAMETER} == set()


@pytest.mark.parametrize("kind", KINDS)
def test_the_role_that_deploys_allows_create_update_read_and_delete(kind: str) -> None:
    left = set(missing("deploy", kind, CHANGING))
    assert {it for it in left if it not in BY_PARAMETER and it.split(":")[0] not in BY_PARAMETER} == set()


def test_the_roles_allow_the_operations_of_types_that_the_linter_does_not_know() -> None:
    for owner in ("UserPool", "UserPoolClient"):
        assert f"AWS::Cognito::{owner}SessionConfigurationAttachment" in NEWER
        assert may(pipeline("plan"), f"cognito-idp:Get{owner}SessionConfiguration")
        assert may(pipeline("deploy"), f"cognito-idp:Set{owner}SessionConfiguration")


def test_each_parameter_adds_the_actions_that_it_needs() -> None:
    table = RUNBOOK.partition("| with | add to `deploy.json` |")[2].partition("\n\n")[0]
    for added, parameter in BY_PARAMETER.items():
        action = added if ":" in added else f"{added}:*"
        (row,) = (row for row in table.splitlines() if f"`{action}`" in row)
        assert row.startswith(f"| {parameter} |")
    assert "to `plan.json` too: `kms:Decrypt`" in table, "the reader decrypts what the customer key encrypts"
    assert "to `plan.json` too: `codedeploy:Get*`, `codedeploy:List*`" in table, "the reader detects their drift"


def test_every_exception_is_necessary() -> None:
    """A type or an action that is no longer in the lists must not be in the exceptions."""
    listed = {
        action
        for kind in KINDS
        for handler in PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema["handlers"].values()
        for action in handler.get("permissions", [])
    }
    assert {action.split(":")[0] for action in listed} >= UNUSED_SERVICES
    assert listed >= UNUSED_ACTIONS | ONLY_TO_CHANGE
