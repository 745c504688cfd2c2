"""What a CloudFormation change set would do, looked at before it is done."""

from collections.abc import Container, Mapping
from typing import Any


def lost(cloudformation: Any, stack: str, change_set: str, keep: Container[str]) -> list[str]:
    """The logical ids of what a change set replaces by something new, or takes away.

    cloudformation  a boto3 client
    keep            the types that are looked for
    """
    pages = cloudformation.get_paginator("describe_change_set").paginate(StackName=stack, ChangeSetName=change_set)
    changes = [change.get("ResourceChange", {}) for page in pages for change in page.get("Changes", [])]
    return [item["LogicalResourceId"] for item in changes if item.get("ResourceType") in keep and _is_lost(item)]


def _is_lost(change: Mapping[str, Any]) -> bool:
    return change.get("Replacement") == "True" or change["Action"] == "Remove"
