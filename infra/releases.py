"""Reads the published versions of a deployed application, and deletes versions that are too old for a rollback."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.clients import Client
from infra.errors import Refused
from infra.stacks import Stacks

_VERSION, _ALIAS = "AWS::Lambda::Version", "AWS::Lambda::Alias"


@dataclass(frozen=True)
class Published:
    """A function that is published behind an alias.

    live      the version that the alias points to
    expected  the version of the last deployment
    versions  all published versions in ascending order, with their descriptions, which name the release
    modified  when Lambda last changed each version: ISO 8601
    revision  of the alias; an update that names it fails if the alias has changed since
    shifting  whether the alias also sends requests to another version
    """

    function: str
    alias: str
    live: int
    expected: int
    versions: Mapping[int, str]
    modified: Mapping[int, str]
    revision: str
    shifting: bool

    @property
    def earlier(self) -> tuple[int, ...]:
        return tuple(version for version in self.versions if version < self.live)

    @property
    def drifted(self) -> bool:
        return self.live != self.expected


def published(client: Client, stack: str) -> list[Published]:
    """Returns the functions of a stack. Raises Refused if the stack has no alias or if an operation is in progress.

    client  returns the boto3 client of a service
    """
    refuse_busy(client, stack)
    pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    # A version that CloudFormation failed to delete stays in this list.
    resources = [
        item
        for page in pages
        for item in page["StackResourceSummaries"]
        if "PhysicalResourceId" in item and not item["ResourceStatus"].startswith("DELETE_")
    ]
    expected = dict(_qualified(resources, _VERSION))
    found = [
        _published(client("lambda"), function, alias, int(expected[function]))
        for function, alias in _qualified(resources, _ALIAS)
    ]
    if not found:
        raise Refused(f"The stack {stack} has no alias. Deploy the stage first: `manage.py deploy`.")
    return found


def refuse_busy(client: Client, stack: str) -> None:
    """Raises Refused while CloudFormation works on a stack, or if the stack does not exist."""
    described = Stacks(client("cloudformation")).describe(stack)
    if described is None:
        raise Refused(f"The stack {stack} does not exist. Check the name of the stage and the region.")
    status = described["StackStatus"]
    if status.endswith("_IN_PROGRESS"):
        raise Refused(
            f"Refused: the stack {stack} is in the state {status}. Wait until the deployment has ended. To stop a"
            f" deployment, run `aws cloudformation cancel-update-stack --stack-name {stack}`."
        )


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


def _qualified(resources: Iterable[Any], kind: str) -> Iterator[tuple[str, str]]:
    """Yields the function and the qualifier of each version or alias. Its id is `arn:…:function:<name>:<qualifier>`."""
    for item in resources:
        if item["ResourceType"] == kind:
            yield tuple(item["PhysicalResourceId"].split(":")[-2:])


def _published(functions: Any, function: str, alias: str, expected: int) -> Published:
    described = functions.get_alias(FunctionName=function, Name=alias)
    pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    listed = {int(it["Version"]): it for page in pages for it in page["Versions"] if it["Version"].isdecimal()}
    return Published(
        function=function,
        alias=alias,
        live=int(described["FunctionVersion"]),
        expected=expected,
        versions={number: listed[number].get("Description", "") for number in sorted(listed)},
        modified={number: item.get("LastModified", "") for number, item in listed.items()},
        revision=described["RevisionId"],
        shifting=bool(described.get("RoutingConfig", {}).get("AdditionalVersionWeights")),
    )
