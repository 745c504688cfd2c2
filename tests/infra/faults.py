"""Describes a fault of a template as data: the change, and the control that must report it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

GONE = object()
SECTIONS = {"Parameters", "Rules", "Conditions", "Resources", "Outputs"}


@dataclass(frozen=True)
class Fault:
    """A fault.

    control  number in docs/controls.md
    at       path with dots. It starts at a section, or at a logical id for properties. A bar is a dot within a key
    becomes  the new value, or GONE to remove the key
    """

    name: str
    control: int
    at: str
    becomes: Any

    def planted(self, source: Mapping[str, Any]) -> dict[str, Any]:
        """Returns a copy of the template with the fault. Raises AssertionError if the fault changes nothing."""
        copy: dict[str, Any] = json.loads(json.dumps(source))
        first, *rest = (step.replace("|", ".") for step in self.at.split("."))
        path = [first, *rest] if first in SECTIONS else ["Resources", first, "Properties", *rest]
        parent: Any = copy
        for step in path[:-1]:
            parent = parent[int(step) if isinstance(parent, list) else step]
        last: Any = int(path[-1]) if isinstance(parent, list) else path[-1]
        if self.becomes is GONE:
            del parent[last]
        else:
            parent[last] = self.becomes
        assert copy != source, f"{self.name}: the template already has this value"
        return copy


def deletions(resources: Mapping[str, Any]) -> Iterator[Fault]:
    """Yields one fault for the removal of each key and each list item of the resources."""
    for path in _paths(resources):
        if len(path) > 1:
            at = ".".join(["Resources", *(str(step).replace(".", "|") for step in path)])
            yield Fault(f"without {at}", 0, at, GONE)


def _paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in inner:
        yield (*above, step)
        yield from _paths(below, (*above, step))
