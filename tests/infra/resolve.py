"""Resolves a CloudFormation template under given parameters, without AWS."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from tests.infra import parameters
from tests.infra.intrinsics import Evaluator


@dataclass(frozen=True, eq=False)
class Resource:
    """A resource that exists under the parameters; `beside` holds its other keys, such as DeletionPolicy."""

    name: str
    type: str
    properties: dict[str, Any]
    beside: dict[str, Any]

    @cached_property
    def text(self) -> str:
        """The properties as JSON text, for searches."""
        return json.dumps(self.properties)


@dataclass(frozen=True)
class Stack:
    """A template that is resolved under a set of parameters."""

    template: "Template"
    parameters: dict[str, Any]
    resources: dict[str, Resource]

    def of(self, type_: str) -> list[Resource]:
        return [resource for resource in self.resources.values() if resource.type == type_]

    @cached_property
    def outputs(self) -> dict[str, Any]:
        return self.template.outputs(self.parameters)


class Template:
    """A template without short forms: `Fn::Sub` instead of `!Sub`.

    The class caches resources by the values of the parameters that they depend on, and also caches refusals. So
    thousands of sets of parameters take little more time than a few.
    """

    def __init__(self, source: Mapping[str, Any]) -> None:
        self.source = source
        self._stacks: dict[tuple[tuple[str, str], ...], Stack | parameters.Refused] = {}
        self._values: parameters.Known = {}
        self._resolved: dict[tuple[Any, ...], Resource] = {}
        self._needs = {name: sorted(self._used(resource)) for name, resource in source["Resources"].items()}

    def resolve(self, given: Mapping[str, str]) -> Stack:
        """Returns the stack for a set of parameters. Raises parameters.Refused, or Unresolvable."""
        key = tuple(given.items())
        if key not in self._stacks:
            try:
                self._stacks[key] = self._resolve(given)
            except parameters.Refused as refusal:
                self._stacks[key] = refusal
        stack = self._stacks[key]
        if isinstance(stack, parameters.Refused):
            raise parameters.Refused(*stack.args)
        return stack

    def accepts(self, name: str, value: str) -> bool:
        """Returns whether a parameter accepts a value."""
        try:
            parameters.value(name, self.source["Parameters"][name], value)
        except parameters.Refused:
            return False
        return True

    def _resolve(self, given: Mapping[str, str]) -> Stack:
        known = parameters.values(self.source.get("Parameters", {}), given, self._values)
        here = Evaluator(self.source, known)
        for rule in self.source.get("Rules", {}).values():
            if here.holds(rule.get("RuleCondition", {"Fn::Equals": ["", ""]})):
                for assertion in rule["Assertions"]:
                    if not here.holds(assertion["Assert"]):
                        raise parameters.Refused(assertion["AssertDescription"])
        existing = [name for name in self.source["Resources"] if here.exists(name)]
        return Stack(self, known, {name: self._resource(name, here) for name in existing})

    def outputs(self, known: Mapping[str, Any]) -> dict[str, Any]:
        here, declared = Evaluator(self.source, known), self.source.get("Outputs", {})
        return {name: here.value(output["Value"]) for name, output in declared.items() if here.is_created(output)}

    def _resource(self, name: str, here: "Evaluator") -> Resource:
        key = (name, *(str(here.known[parameter]) for parameter in self._needs[name]))
        if key not in self._resolved:
            raw = self.source["Resources"][name]
            beside = {key: raw[key] for key in raw.keys() - {"Type", "Properties", "Condition"}}
            self._resolved[key] = Resource(name, raw["Type"], here.value(raw.get("Properties", {})), beside)
        return self._resolved[key]

    def _used(self, value: Any) -> set[str]:
        """Returns the parameters that a value depends on, also through conditions and through other resources."""
        found: set[str] = set()
        for name in _names(value):
            if name in self.source.get("Parameters", {}):
                found.add(name)
            elif name in self.source.get("Conditions", {}):
                found |= self._used(self.source["Conditions"][name])
            elif condition := self.source["Resources"].get(name, {}).get("Condition"):
                found |= self._used({"Condition": condition})
        return found


def _names(value: Any) -> Iterator[str]:
    """Yields every text that could be a reference. Additional names do no harm."""
    if isinstance(value, str):
        yield value
        yield from re.findall(r"\$\{(\w+)", value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _names(inner)


def load(path: Path) -> dict[str, Any]:
    """Reads a template and expands its short forms: `!Sub` becomes `Fn::Sub`."""
    source: dict[str, Any] = json.loads(_as_json(path.read_text(encoding="utf-8")))
    return source


@cache  # the parser in Python needs a quarter of a second for the identity template
def _as_json(text: str) -> str:
    return json.dumps(yaml_parse(text))
