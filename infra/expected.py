"""Resolves a CloudFormation template for one stage: the resources as they should be."""

import re
from collections.abc import Callable, Mapping
from typing import Any

_NO_VALUE = object()  # a property whose value is AWS::NoValue is absent


class Expected:
    """The resources of a template, by logical id, with all intrinsic functions replaced by values.

    values     of parameters, pseudo parameters and referenced resources
    attribute  returns the value of Fn::GetAtt for a logical id and an attribute
    """

    def __init__(
        self, template: Mapping[str, Any], values: Mapping[str, Any], attribute: Callable[[str, str], str]
    ) -> None:
        self._template = template
        self._values = values
        self._attribute = attribute
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self._holds,
            "Fn::If": self._if,
            "Fn::Sub": self._sub,
            "Fn::GetAtt": lambda name: self._attribute(*(name.split(".") if isinstance(name, str) else name)),
            "Fn::Equals": lambda sides: self._resolve(sides[0]) == self._resolve(sides[1]),
            "Fn::And": lambda sides: all(self._resolve(side) for side in sides),
            "Fn::Or": lambda sides: any(self._resolve(side) for side in sides),
            "Fn::Not": lambda sides: not self._resolve(sides[0]),
        }

    def __getitem__(self, name: str) -> dict[str, Any]:
        """Returns the properties of one resource."""
        properties: dict[str, Any] = self._resolve(self._template["Resources"][name].get("Properties", {}))
        return properties

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Returns the properties of all resources of one type whose conditions hold."""
        return {
            name: self[name]
            for name, resource in self._template["Resources"].items()
            if resource["Type"] == kind and ("Condition" not in resource or self._holds(resource["Condition"]))
        }

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [item for item in map(self._resolve, value) if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, operand),) = value.items()
            if name in self._functions and not isinstance(operand, dict):
                return self._functions[name](operand)
        items = ((key, self._resolve(item)) for key, item in value.items())
        return {key: item for key, item in items if item is not _NO_VALUE}

    def _ref(self, name: str) -> Any:
        return _NO_VALUE if name == "AWS::NoValue" else self._values[name]

    def _holds(self, condition: str) -> bool:
        return bool(self._resolve(self._template["Conditions"][condition]))

    def _if(self, operands: list[Any]) -> Any:
        condition, then, otherwise = operands
        return self._resolve(then if self._holds(condition) else otherwise)

    def _sub(self, operand: Any) -> str:
        text, own = (operand, {}) if isinstance(operand, str) else operand

        def value(match: re.Match[str]) -> str:
            if match[1] in own:
                return str(self._resolve(own[match[1]]))
            name, _, attribute = match[1].partition(".")
            return self._attribute(name, attribute) if attribute else str(self._values[name])

        return re.sub(r"\$\{([\w:.]+)\}", value, text)


def parameter_values(definitions: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """Returns the given or default values of parameters. A comma-delimited list becomes a list."""
    values = {name: given.get(name, definition.get("Default", "")) for name, definition in definitions.items()}
    return {
        name: value.split(",") if definitions[name]["Type"] == "CommaDelimitedList" else value
        for name, value in values.items()
    }
