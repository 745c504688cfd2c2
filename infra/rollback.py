"""Points the aliases of a deployed application to earlier versions, and deletes versions that are too old for that.

CloudFormation is not involved, so a rollback takes seconds. CloudFormation still expects the versions of its last
deployment. A deployment of other code or other parameters goes forward again. An unchanged deployment changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra.clients import Client
from infra.errors import DeploymentFailed, Refused
from infra.stacks import Stacks

_VERSION, _ALIAS = "AWS::Lambda::Version", "AWS::Lambda::Alias"


@dataclass(frozen=True)
class Published:
    """A function that is published behind an alias.

    live      the version that the alias points to
    expected  the version of the last deployment
    versions  all published versions in ascending order, with their descriptions, which name the release
    shifting  whether the alias also sends requests to another version
    """

    function: str
    alias: str
    live: int
    expected: int
    versions: Mapping[int, str]
    shifting: bool

    @property
    def earlier(self) -> tuple[int, ...]:
        return tuple(version for version in self.versions if version < self.live)

    @property
    def drifted(self) -> bool:
        return self.live != self.expected


@dataclass(frozen=True)
class Move:
    """One alias that now points to another version."""

    function: str
    alias: str
    before: int
    after: int


def published(client: Client, stack: str) -> list[Published]:
    """Returns the functions of a stack. Raises Refused if the stack has no alias or if an operation is in progress.

    client  returns the boto3 client of a service
    """
    cloudformation, functions = client("cloudformation"), client("lambda")
    _refuse_busy(cloudformation, stack)
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    # A version that CloudFormation failed to delete stays in this list.
    resources = [
        item
        for page in pages
        for item in page["StackResourceSummaries"]
        if "PhysicalResourceId" in item and not item["ResourceStatus"].startswith("DELETE_")
    ]
    expected = dict(_qualified(resources, _VERSION))
    found = [
        _published(functions, function, alias, int(expected[function]))
        for function, alias in _qualified(resources, _ALIAS)
    ]
    if not found:
        raise Refused(f"The stack {stack} has no alias. Deploy the stage first: `manage.py deploy`.")
    return found


def roll_back(client: Client, stack: str) -> list[Move]:
    """Points each alias to the version before the live one, all of one release. Changes all aliases, or no alias.

    Raises:  Refused, before anything changes; DeploymentFailed
    """
    found = published(client, stack)
    for item in found:
        if not item.earlier:
            raise Refused(
                f"Refused: {item.function} has no version before version {item.live}. Nothing changed. To go back"
                " further, deploy an earlier commit."
            )
    targets = [(item, item.earlier[-1]) for item in found]
    if len({item.versions[version] for item, version in targets}) > 1:
        named = ", ".join(f"{item.function}:{version} ({item.versions[version]})" for item, version in targets)
        raise Refused(
            f"Refused: the versions before the live ones belong to different releases: {named}. Nothing changed. Delete"
            " the versions that no deployment needs, or deploy an earlier commit."
        )
    return _moved(client("lambda"), targets)


def undo(client: Client, stack: str) -> list[Move]:
    """Points each alias to the version of the last deployment. Raises Refused and DeploymentFailed."""
    drifted = [item for item in published(client, stack) if item.drifted]
    return _moved(client("lambda"), [(item, item.expected) for item in drifted])


def delete_old_versions(client: Client, stack: str, keep: int) -> list[str]:
    """Deletes the versions that a rollback no longer needs. Returns them as `function:version`.

    keep  how many versions before the live one stay; at least 1
    """
    functions, deleted = client("lambda"), []
    for item in published(client, stack):
        for version in item.earlier[: -max(1, keep)]:
            if version != item.expected:
                functions.delete_function(FunctionName=item.function, Qualifier=str(version))
                deleted.append(f"{item.function}:{version}")
    return deleted


def _refuse_busy(cloudformation: Any, stack: str) -> None:
    described = Stacks(cloudformation).describe(stack)
    if described is None:
        raise Refused(f"The stack {stack} does not exist. Check the name of the stage and the region.")
    status = described["StackStatus"]
    if status.endswith("_IN_PROGRESS"):
        raise Refused(
            f"Refused: the stack {stack} is in the state {status}. Wait until the deployment has ended. To stop a"
            f" deployment, run `aws cloudformation cancel-update-stack --stack-name {stack}`."
        )


def _qualified(resources: Iterable[Any], kind: str) -> Iterator[tuple[str, str]]:
    """Yields the function and the qualifier of each version or alias. Its id is `arn:…:function:<name>:<qualifier>`."""
    for item in resources:
        if item["ResourceType"] == kind:
            yield tuple(item["PhysicalResourceId"].split(":")[-2:])


def _published(functions: Any, function: str, alias: str, expected: int) -> Published:
    described = functions.get_alias(FunctionName=function, Name=alias)
    pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    listed = {item["Version"]: item.get("Description", "") for page in pages for item in page["Versions"]}
    return Published(
        function=function,
        alias=alias,
        live=int(described["FunctionVersion"]),
        expected=expected,
        versions={number: listed[str(number)] for number in sorted(int(it) for it in listed if it.isdecimal())},
        shifting=bool(described.get("RoutingConfig", {}).get("AdditionalVersionWeights")),
    )


def _moved(functions: Any, targets: Iterable[tuple[Published, int]]) -> list[Move]:
    targets = list(targets)
    for item, _ in targets:
        if item.shifting:
            raise Refused(
                f"Refused: the alias {item.alias} of {item.function} sends requests to two versions. Stop the shift"
                " in CodeDeploy first: `aws deploy stop-deployment`."
            )
    moves: list[Move] = []
    for item, version in targets:
        try:
            _point(functions, item.function, item.alias, version)
        except ClientError as error:
            for move in moves:
                _point(functions, move.function, move.alias, move.before)
            raise DeploymentFailed(
                f"The alias {item.alias} of {item.function} still points to version {item.live}: {error}. The aliases"
                " of the other functions point to their earlier targets again"
            ) from error
        moves.append(Move(item.function, item.alias, item.live, version))
    return moves


def _point(functions: Any, function: str, alias: str, version: int) -> None:
    functions.update_alias(FunctionName=function, Name=alias, FunctionVersion=str(version))
