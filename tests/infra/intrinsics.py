"""Evaluates CloudFormation's functions and conditions without AWS.

A value that only AWS knows becomes a symbol in angle brackets: `<UserPool>` for a Ref, `<UserPool.Arn>` for an
attribute. This module refuses functions that it does not support.
"""

import re
from collections.abc import Mapping
from typing import Any

ACCOUNT = "111122223333"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": "mars-west-1",
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
}
_NO_VALUE = object()  # AWS::NoValue


class Unresolvable(Exception):
    """The template refers to something that does not exist under these parameters."""


class Evaluator:
    """Evaluates the values of a template under known parameters. Raises Unresolvable."""

    def __init__(self, source: Mapping[str, Any], known: Mapping[str, Any]) -> None:
        self.known = known
        self._source = source
        self._conditions: dict[str, bool] = {}

    def exists(self, name: str) -> bool:
        if name not in self._source["Resources"]:
            raise Unresolvable(f"the template has no resource {name}")
        return self.is_created(self._source["Resources"][name])

    def is_created(self, declared: Mapping[str, Any]) -> bool:
        return "Condition" not in declared or self.condition(declared["Condition"])

    def condition(self, name: str) -> bool:
        if name not in self._source.get("Conditions", {}):
            raise Unresolvable(f"the template has no condition {name}")
        if name not in self._conditions:
            self._conditions[name] = self.holds(self._source["Conditions"][name])
        return self._conditions[name]

    def holds(self, condition: Mapping[str, Any]) -> bool:
        ((kind, operands),) = condition.items()
        match kind:
            case "Condition":
                return self.condition(operands)
            case "Fn::Equals":
                one, other = (str(self.value(operand)) for operand in operands)
                return one == other
            case "Fn::Not":
                return not self.holds(operands[0])
            case "Fn::And":
                return all(self.holds(operand) for operand in operands)
            case "Fn::Or":
                return any(self.holds(operand) for operand in operands)
        raise Unresolvable(f"{kind} is not supported")

    def value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [item for item in map(self.value, value) if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((kind, operand),) = value.items()
            if kind == "Ref" or kind.startswith("Fn::"):
                return self._intrinsic(kind, operand)
        resolved = {key: self.value(inner) for key, inner in value.items()}
        return {key: inner for key, inner in resolved.items() if inner is not _NO_VALUE}

    def _intrinsic(self, kind: str, operand: Any) -> Any:
        match kind:
            case "Ref":
                return self._ref(operand)
            case "Fn::GetAtt":
                name, attribute = operand if isinstance(operand, list) else operand.split(".", 1)
                return f"{self._symbol(name)[:-1]}.{attribute}>"
            case "Fn::If":
                return self.value(operand[1] if self.condition(operand[0]) else operand[2])
            case "Fn::Sub":
                return self._sub(*(operand if isinstance(operand, list) else (operand, {})))
            case "Fn::Join":
                return operand[0].join(str(self.value(part)) for part in self.value(operand[1]))
            case "Fn::Select":
                return self.value(operand[1])[int(self.value(operand[0]))]
        raise Unresolvable(f"{kind} is not supported")

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in self.known or name in PSEUDO:
            return self.known.get(name, PSEUDO.get(name))
        return self._symbol(name)

    def _symbol(self, name: str) -> str:
        if not self.exists(name):
            raise Unresolvable(f"{name} does not exist under these parameters")
        return f"<{name}>"

    def _sub(self, text: str, own: Mapping[str, Any]) -> str:
        def replaced(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in own:
                return str(self.value(own[name]))
            kind = "Fn::GetAtt" if "." in name else "Ref"
            return str(self._intrinsic(kind, name))

        return re.sub(r"\$\{([^}]+)\}", replaced, text)
