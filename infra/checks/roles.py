"""The Lambdas' roles: what each may do, and who may take it on."""

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
        yield from unexpected(f"policy of {name}:", set(actual), set(expected))
        for policy in sorted(expected.keys() & set(actual)):
            document = live.ask("iam", "get_role_policy", RoleName=live.physical[name], PolicyName=policy)
            if not same(document["PolicyDocument"], expected[policy]):
                yield f"{name}: its policy {policy} is another one than the template's"


def _added(live: Live, role: str) -> dict[str, Any]:
    """Policies that the template gives to roles from outside."""
    return {
        policy["PolicyName"]: policy["PolicyDocument"]
        for policy in live.expected.of("AWS::IAM::Policy").values()
        if live.physical[role] in policy["Roles"]
    }


def _attached(live: Live) -> Iterator[str]:
    for name in live.expected.of(_KIND):
        for policy in live.listed(
            "iam", "list_attached_role_policies", "AttachedPolicies", RoleName=live.physical[name]
        ):
            yield f"{name} has {policy['PolicyArn']}"


def _trust(live: Live) -> Iterator[str]:
    for name, role in live.expected.of(_KIND).items():
        actual = live.ask("iam", "get_role", RoleName=live.physical[name])["Role"]
        if not same(actual["AssumeRolePolicyDocument"], role["AssumeRolePolicyDocument"]):
            yield f"{name} can be taken on by others than Lambda"
        boundary = {"PermissionsBoundaryArn": role.get("PermissionsBoundary")}
        if boundary["PermissionsBoundaryArn"] != actual.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"):
            yield from differing(name, actual.get("PermissionsBoundary", {}), boundary)


CHECKS = (
    Check("roles-permissions", "Each role may do what the template says, and nothing else", _permissions),
    Check("roles-attached", "No role has a managed policy", _attached),
    Check("roles-trust", "Each role is for Lambda only, within the account's boundary", _trust),
)
