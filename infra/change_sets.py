"""The changes of a CloudFormation change set, before it is executed."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_CONSEQUENCES = {"True": ", which replaces it", "Conditional": ", which can replace it"}


@dataclass(frozen=True)
class Change:
    """The change of one resource.

    action       Add, Modify, Remove, Import or Dynamic
    replacement  of a modified resource: True, False or Conditional
    """

    action: str
    resource: str
    kind: str
    replacement: str = ""

    @property
    def loses_resource(self) -> bool:
        return self.replacement == "True" or self.action == "Remove"

    def __str__(self) -> str:
        return f"{self.action.lower()} {self.resource} ({self.kind}){_CONSEQUENCES.get(self.replacement, '')}"


def read_changes(pages: Iterable[Mapping[str, Any]]) -> list[Change]:
    """Returns the changes in the answers of DescribeChangeSet."""
    items = [change.get("ResourceChange", {}) for page in pages for change in page.get("Changes", [])]
    return [
        Change(item["Action"], item["LogicalResourceId"], item["ResourceType"], item.get("Replacement", ""))
        for item in items
    ]


def lost(changes: Iterable[Change], types: Container[str]) -> list[str]:
    """Returns the resources of these types that the changes replace or remove."""
    return [change.resource for change in changes if change.kind in types and change.loses_resource]


def plan(changes: Sequence[Change]) -> list[str]:
    """Returns one line for each change. The creation of a whole stack is one line."""
    if len(changes) > 1 and all(change.action == "Add" for change in changes):
        return [f"add {len(changes)} resources"]
    return [str(change) for change in changes]
