"""Finds policy files for groups that do not exist, and suggests the nearest name."""

from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from infra.errors import Refused
from infra.policy_files import PolicyFile

TEMPLATE = "infra/identity.yaml"
REMEDY = f"Correct the name, or add the group to {TEMPLATE}."
OR_ALLOW = (
    f"Correct the name, or add the group to {TEMPLATE} and deploy it (locally: start `make run` again)."
    " To apply the file without the group, pass --allow-unknown-group."
)


def template_groups(template: Mapping[str, Any]) -> set[str]:
    """Returns the names of the groups that the identity template creates."""
    resources = template["Resources"].values()
    groups = [item["Properties"]["GroupName"] for item in resources if item["Type"] == "AWS::Cognito::UserPoolGroup"]
    return {group for group in groups if isinstance(group, str)}


def pool_groups(client: Callable[[str], Any], pool_id: str) -> set[str]:
    """Returns the names of the groups of a user pool."""
    pages = client("cognito-idp").get_paginator("list_groups").paginate(UserPoolId=pool_id)
    return {group["GroupName"] for page in pages for group in page["Groups"]}


def unknown_groups(files: Iterable[PolicyFile], groups: Collection[str], where: str) -> dict[str, str]:
    """Returns the fault of each file whose group does not exist: name of the file → message.

    where  the place that was searched for the group, for the message
    """
    return {
        file.name: f"group: {where} has no group {file.group!r}. {_suggestion(file.group, groups)}"
        for file in files
        if file.group is not None and file.group not in groups
    }


def refuse_unknown_groups(
    files: Iterable[PolicyFile], groups: Collection[str], where: str, remedy: str = OR_ALLOW
) -> None:
    """Raises Refused if the group of a file does not exist. The message names every such file and the remedy."""
    if unknown := unknown_groups(files, groups, where):
        faults = " ".join(f"{name}: {fault}" for name, fault in unknown.items())
        raise Refused(f"{faults} {remedy}")


def _suggestion(group: str, groups: Collection[str]) -> str:
    spelled = {known.casefold(): known for known in sorted(groups)}
    near = get_close_matches(group.casefold(), spelled, n=1)
    if near:
        return f"Did you mean {spelled[near[0]]!r}?"
    return f"The groups are: {', '.join(sorted(groups))}." if groups else "There are no groups."
