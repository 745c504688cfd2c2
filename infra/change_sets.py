"""Inspects a CloudFormation change set before it is executed."""

from collections.abc import Container, Mapping
from typing import Any


def replaced_or_removed(cloudformation: Any, stack: str, change_set: str, types: Container[str]) -> list[str]:
    """Returns the logical ids of the resources that a change set replaces or removes.

    cloudformation  a boto3 client
    types           resource types; resources of other types are ignored
    """
    pages = cloudformation.get_paginator("describe_change_set").paginate(StackName=stack, ChangeSetName=change_set)
    changes = [change.get("ResourceChange", {}) for page in pages for change in page.get("Changes", [])]
    return [change["LogicalResourceId"] for change in changes if change.get("ResourceType") in types and _loses(change)]


def _loses(change: Mapping[str, Any]) -> bool:
    return change.get("Replacement") == "True" or change["Action"] == "Remove"
