"""A fault that people make in templates, as data: what to change, and which control has to notice."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

GONE = object()
SECTIONS = {"Parameters", "Rules", "Conditions", "Resources", "Outputs"}


@dataclass(frozen=True)
class Fault:
    """A fault.

    control  number of docs/controls.md
    at       a path with dots, from a section or, for properties, from the resource's name; a bar is a dot within a key
    becomes  the new value; GONE to take it out
    """

    name: str
    control: int
    at: str
    becomes: Any

    def planted(self, source: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of the template with the fault. Raises AssertionError if nothing changes by it."""
        copy: dict[str, Any] = json.loads(json.dumps(source))
        first, *rest = (step.replace("|", ".") for step in self.at.split("."))
        path = [first, *rest] if first in SECTIONS else ["Resources", first, "Properties", *rest]
        place: Any = copy
        for step in path[:-1]:
            place = place[int(step) if isinstance(place, list) else step]
        last: Any = int(path[-1]) if isinstance(place, list) else path[-1]
        if self.becomes is GONE:
            del place[last]
        else:
            place[last] = self.becomes
        assert copy != source, f"{self.name}: the template is like that already"
        return copy


def deletions(resources: Mapping[str, Any]) -> Iterator[Fault]:
    """Every key and every item of a template's resources taken out, one at a time; nobody has thought about these."""
    for path in _paths(resources):
        if len(path) > 1:
            at = ".".join(["Resources", *(str(step).replace(".", "|") for step in path)])
            yield Fault(f"without {at}", 0, at, GONE)


def _paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in inner:
        yield (*above, step)
        yield from _paths(below, (*above, step))
