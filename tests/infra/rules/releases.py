"""Rules about releases: versions, aliases, shifts of traffic, and instances that are started in advance."""

import json
import re
from collections.abc import Iterator

from tests.infra.resolve import Resource, Stack
from tests.infra.rules.access import many
from tests.infra.rules.application import definition

_SHIFT = {"lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"}


def published(stack: Stack) -> Iterator[str]:
    """Each function has one retained version, and the alias live that points to it."""
    for function in stack.of("AWS::Lambda::Function"):
        versions = _of_function("AWS::Lambda::Version", function, stack)
        aliases = _of_function("AWS::Lambda::Alias", function, stack)
        if len(versions) != 1 or len(aliases) != 1:
            yield f"{function.name} has {len(versions)} versions and {len(aliases)} aliases"
            continue
        (version,), (alias,) = versions, aliases
        if (alias.properties["Name"], alias.properties["FunctionVersion"]) != ("live", f"<{version.name}.Version>"):
            yield f"{alias.name} does not point to {version.name}"
        release = function.properties.get("Description", "").removeprefix("Release ")
        if not release or not version.name.endswith(release):
            yield f"{version.name} is not of the release {release!r}, so Lambda can refuse to publish it"
        kept = version.beside.get("DeletionPolicy"), version.beside.get("UpdateReplacePolicy")
        if kept != ("RetainExceptOnCreate", "Retain"):
            yield f"a rollback cannot use {version.name}: {kept}"


def only_aliases_are_called(stack: Stack) -> Iterator[str]:
    """The API, its authorizers, the permissions and the event source mappings use the alias."""
    aliases = {f"<{alias.name}>" for alias in stack.of("AWS::Lambda::Alias")}
    called = re.findall(r"functions/([^/]+)/invocations", json.dumps(definition(stack)))
    for kind in ("AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping"):
        called += [str(resource.properties["FunctionName"]) for resource in stack.of(kind)]
    if not called:
        yield "nothing is called"
    for target in sorted(set(called) - aliases):
        yield f"{target} is called instead of an alias"


def shifted(stack: Stack) -> Iterator[str]:
    """With a shift of traffic, each alias has a group that goes back on every alarm. Without one, no group exists."""
    groups = {group.name: group.properties for group in stack.of("AWS::CodeDeploy::DeploymentGroup")}
    aliases = stack.of("AWS::Lambda::Alias")
    shifts = stack.parameters["TrafficShiftType"] != "AllAtOnce"
    if len(groups) != len(aliases) * shifts:
        yield f"{len(aliases)} aliases have {len(groups)} groups"
    for alias in aliases:
        policy = alias.beside.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate", {}).get("Fn::If", [""] * 3)
        if policy[0] != "ShiftsTraffic" or (shifts and policy[1]["DeploymentGroupName"]["Ref"] not in groups):
            yield f"the traffic of {alias.name} is never shifted"
    for name, group in groups.items():
        alarms = {alarm["Name"] for alarm in group["AlarmConfiguration"].get("Alarms", [])}
        if not group["AlarmConfiguration"]["Enabled"] or alarms != _alarms(stack):
            yield f"{name} watches {sorted(alarms)}"
        if not {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"} <= set(group["AutoRollbackConfiguration"]["Events"]):
            yield f"{name} does not go back"
        if group["DeploymentConfigName"] != f"CodeDeployDefault.Lambda{stack.parameters['TrafficShiftType']}":
            yield f"{name} has the type {group['DeploymentConfigName']}"


def _alarms(stack: Stack) -> set[str]:
    named = {str(value) for name, value in stack.parameters.items() if name.endswith("AlarmName")}
    return named | {f"<{alarm.name}>" for alarm in stack.of("AWS::CloudWatch::Alarm")}


def least_privilege_of_the_shift(stack: Stack) -> Iterator[str]:
    """Only CodeDeploy of this account can use the role, and the role changes only the aliases of this stack."""
    for role in stack.of("AWS::IAM::Role"):
        (trust,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
        if trust["Principal"] != {"Service": "codedeploy.amazonaws.com"} or "aws:SourceAccount" not in json.dumps(
            trust
        ):
            yield f"{role.name} trusts {trust['Principal']}"
        if role.properties.get("PermissionsBoundary", "") != stack.parameters["PermissionsBoundaryArn"]:
            yield f"{role.name} does not have the permissions boundary"
        if role.properties.get("ManagedPolicyArns"):
            yield f"{role.name} has managed policies"
        statements = [it for policy in role.properties["Policies"] for it in policy["PolicyDocument"]["Statement"]]
        for statement in statements:
            actions, resources = set(many(statement["Action"])), many(statement["Resource"])
            if actions == {"cloudwatch:DescribeAlarms"}:
                continue  # the action does not support resources
            names = {resource.partition(":function:")[2] for resource in resources}
            functions = {function.properties["FunctionName"] for function in stack.of("AWS::Lambda::Function")}
            if actions != _SHIFT or names != functions | {f"{name}:live" for name in functions}:
                yield f"{role.name} allows {sorted(actions)} on {sorted(names)}"


def started_in_advance(stack: Stack) -> Iterator[str]:
    """Provisioned concurrency is of an alias, SnapStart is of published versions, and no function has both."""
    wanted = {"PolicyAuthorizer": "Authorizer", "PreToken": "PreToken"}
    for function in stack.of("AWS::Lambda::Function"):
        (alias,) = _of_function("AWS::Lambda::Alias", function, stack)
        parameter = wanted.get(function.name)
        expected = stack.parameters[f"{parameter}ProvisionedConcurrency"] if parameter else 0
        actual = alias.properties.get("ProvisionedConcurrencyConfig", {}).get("ProvisionedConcurrentExecutions", 0)
        if actual != expected:
            yield f"{alias.name} has a provisioned concurrency of {actual}"
        applied = function.properties.get("SnapStart", {}).get("ApplyOn", "None")
        snapshots = bool(parameter) and stack.parameters[f"{parameter}SnapStart"] == "true"
        if applied != ("PublishedVersions" if snapshots else "None"):
            yield f"SnapStart of {function.name} is {applied}"
        if actual and applied != "None":
            yield f"{function.name} has SnapStart and provisioned concurrency, which Lambda refuses"


def _of_function(kind: str, function: Resource, stack: Stack) -> list[Resource]:
    return [it for it in stack.of(kind) if it.properties.get("FunctionName") == f"<{function.name}>"]
