"""Checks the IAM roles of the functions: their permissions and their trust policies."""

from collections.abc import Iterator
from typing import Any

from infra.checks.check import Check
from infra.checks.compare import differing, same, unexpected
from infra.checks.live import Live

_KIND = "AWS::IAM::Role"


def _permissions(live: Live) -> Iterator[str]:
    for name, role in live.expected.of(_KIND).items():
        expected = {policy["PolicyName"]: policy["PolicyDocument"] for policy in role["Policies"]} | _added(live, name)
        actual = live.listed("iam", "list_role_policies", "PolicyNames", RoleName=live.physical[name])
        yield from unexpected("policy", set(actual), set(expected), of=name)
        for policy in sorted(expected.keys() & set(actual)):
            document = live.ask("iam", "get_role_policy", RoleName=live.physical[name], PolicyName=policy)
            if not same(document["PolicyDocument"], expected[policy]):
                yield f"{name}: the policy {policy} differs from the deployed template."


def _added(live: Live, role: str) -> dict[str, Any]:
    """The policies that a template attaches with a resource of their own."""
    return {
        policy["PolicyName"]: policy["PolicyDocument"]
        for _, _, policy in live.all_expected("AWS::IAM::Policy")
        if live.physical[role] in policy["Roles"]
    }


def _attached(live: Live) -> Iterator[str]:
    for name in live.expected.of(_KIND):
        for policy in live.listed(
            "iam", "list_attached_role_policies", "AttachedPolicies", RoleName=live.physical[name]
        ):
            yield f"{name} has the managed policy {policy['PolicyArn']}."


def _trust(live: Live) -> Iterator[str]:
    for name, role in live.expected.of(_KIND).items():
        actual = live.ask("iam", "get_role", RoleName=live.physical[name])["Role"]
        if not same(actual["AssumeRolePolicyDocument"], role["AssumeRolePolicyDocument"]):
            yield f"{name}: the trust policy differs from infra/identity.yaml, which admits only Lambda."
        boundary = {"PermissionsBoundaryArn": role.get("PermissionsBoundary")}
        if boundary["PermissionsBoundaryArn"] != actual.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"):
            yield from differing(name, actual.get("PermissionsBoundary", {}), boundary)


CHECKS = (
    Check("roles-permissions", "Each role has exactly the permissions of the deployed templates.", _permissions),
    Check(
        "roles-attached",
        "No role has a managed policy.",
        _attached,
        "Detach it with `aws iam detach-role-policy`.",
    ),
    Check(
        "roles-trust",
        "Only Lambda can assume the roles, and each role has the permissions boundary of the stage file.",
        _trust,
    ),
)
