"""Rules about permissions in the account: the functions' roles, and the functions that the user pool calls."""

from collections.abc import Iterator, Set
from typing import Any

from tests.infra.resolve import Stack
from tests.infra.rules import for_each_stack
from tests.infra.rules.people import pool

WITHOUT_RESOURCE = {"dynamodb:ListStreams", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
ASSUMED_BY_LAMBDA = [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
]


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(stack: Stack) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields every statement of the roles, with the logical id of its role or policy."""
    for role in stack.of("AWS::IAM::Role"):
        for policy in role.properties.get("Policies", []):
            yield from ((role.name, statement) for statement in many(policy["PolicyDocument"]["Statement"]))
    for policy in stack.of("AWS::IAM::Policy"):
        document = policy.properties["PolicyDocument"]
        yield from ((policy.name, statement) for statement in many(document["Statement"]))


def exact_statements(stack: Stack, without_resource: Set[str] = WITHOUT_RESOURCE) -> Iterator[str]:
    """Every statement allows exact actions on exact resources.

    without_resource  actions that can be allowed on all resources
    """
    for name, statement in statements(stack):
        actions, resources = many(statement.get("Action", "*")), many(statement.get("Resource", "*"))
        if not actions or not all(isinstance(resource, str) for resource in resources):
            yield f"{name} allows {actions} on {resources}"
            continue
        if any("*" in action for action in actions):
            yield f"{name} allows {actions}"
        if any("*" in resource for resource in resources) and not set(actions) <= without_resource:
            yield f"{name} allows {actions} on {resources}"
        if "NotAction" in statement or "NotResource" in statement or statement["Effect"] != "Allow":
            yield f"{name} uses NotAction, NotResource or a Deny"


least_privilege = for_each_stack(exact_statements)


@for_each_stack
def one_role_for_each_function(stack: Stack) -> Iterator[str]:
    roles, groups = stack.of("AWS::IAM::Role"), stack.of("AWS::Logs::LogGroup")
    written = {name: _logs(name, stack) for name in (role.name for role in roles)}
    if sorted(map(str, written.values())) != sorted(f"['<{group.name}.Arn>']" for group in groups):
        yield f"the roles do not write to one log group each: {written}"
    for role in roles:
        if role.properties["AssumeRolePolicyDocument"]["Statement"] != ASSUMED_BY_LAMBDA:
            yield f"{role.name} can be assumed by other principals than Lambda"
        if role.properties.get("ManagedPolicyArns"):
            yield f"{role.name} has the managed policies {role.properties['ManagedPolicyArns']}"
        if role.properties.get("PermissionsBoundary", "") != stack.parameters["PermissionsBoundaryArn"]:
            yield f"{role.name} does not have the permissions boundary"


def _logs(role: str, stack: Stack) -> list[str]:
    mine = [statement for name, statement in statements(stack) if name == role]
    return [res for it in mine if "logs:PutLogEvents" in many(it["Action"]) for res in many(it["Resource"])]


def triggers(stack: Stack) -> set[str]:
    """Returns the functions that the user pool calls: name and qualifier."""
    wired = pool(stack).properties.get("LambdaConfig", {}).values()
    arns = [trigger if isinstance(trigger, str) else trigger["LambdaArn"] for trigger in wired]
    return {arn.partition(":function:")[2] for arn in arns}
