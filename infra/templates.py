"""Files that people write, as data: read without being understood, and what templates say of their parameters."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.errors import Refused


class _Texts(yaml.constructor.BaseConstructor):
    """Reads every scalar as text, as CloudFormation takes parameters: `ON` is no boolean. Tags become mappings.

    A key that is there twice is refused: YAML's own way is that the last one wins.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key) for key, _ in node.value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"{twice} is there twice", node.start_mark)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def _tagged(loader: yaml.BaseLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}  # type: ignore[arg-type]


_Texts.add_multi_constructor("!", _tagged)


class _Loader(_Texts, yaml.BaseLoader):
    """Names the line of a mistake."""


class _FastLoader(_Texts, getattr(yaml, "CBaseLoader", yaml.BaseLoader)):  # type: ignore[misc]  # if libyaml is there
    """Takes a tenth of the time, and names another line for some mistakes."""


def _parsed(text: str) -> Any:
    try:
        return yaml.load(text, _FastLoader)  # noqa: S506  # it makes nothing but text
    except yaml.YAMLError:
        return yaml.load(text, _Loader)  # noqa: S506  # raises the error that names the line


def read_yaml(project: Path, name: str) -> Any:
    """Raises Refused for a file that is missing or is no YAML."""
    try:
        return _parsed(_text(project, name))
    except yaml.constructor.ConstructorError as error:
        raise Refused(f"{name}: {error.problem}{_line(error)}") from error
    except yaml.YAMLError as error:
        raise Refused(f"{name}: is no YAML{_line(error)}") from error


def _line(error: yaml.YAMLError) -> str:
    where = getattr(error, "problem_mark", None)
    return f", see line {where.line + 1}" if where else ""


def read_json(project: Path, name: str) -> Any:
    """Raises Refused for a file that is missing or is no JSON."""
    try:
        return json.loads(_text(project, name))
    except json.JSONDecodeError as error:
        raise Refused(f"{name}: is no JSON, see line {error.lineno}") from error


def _text(project: Path, name: str) -> str:
    try:
        return (project / name).read_text(encoding="utf-8")
    except OSError as error:
        raise Refused(f"{name}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{name}: is not UTF-8") from error


def resolve(value: Any, values: Mapping[str, str]) -> Any:
    """Replace Ref and Fn::Sub by what they name. Raises KeyError for a name without a value."""
    if isinstance(value, list):
        return [resolve(item, values) for item in value]
    if not isinstance(value, dict):
        return value
    if "Ref" in value:
        return values[value["Ref"]]
    if "Fn::Sub" in value:
        return re.sub(r"\$\{(\w+)\}", lambda name: values[name[1]], value["Fn::Sub"])
    return {key: resolve(item, values) for key, item in value.items()}


def parameter_text(field: str, definition: Mapping[str, Any], value: Any) -> str:
    """Give a parameter's value as CloudFormation takes it. Raises Refused, naming the field, if it would not."""
    if definition["Type"] == "CommaDelimitedList":
        values = value if isinstance(value, list) else str(value).split(",")
        return ",".join(_single_text(field, definition, item) for item in values or [""])
    return _single_text(field, definition, value)


def _single_text(field: str, definition: Mapping[str, Any], value: Any) -> str:
    if not isinstance(value, str):
        raise Refused(f"{field}: expected one value of the type {definition['Type']}")
    allowed = [str(option) for option in definition.get("AllowedValues", [])]
    if allowed and value not in allowed:
        raise Refused(f"{field}: {value!r} is none of {', '.join(allowed)}")
    if not re.fullmatch(definition.get("AllowedPattern", ".*"), value, re.DOTALL):
        described = definition.get("ConstraintDescription", definition["AllowedPattern"])
        raise Refused(f"{field}: {value!r} does not match {described}")
    if len(value) > int(definition.get("MaxLength", len(value))):
        raise Refused(f"{field}: {len(value)} characters, at most {definition['MaxLength']} are taken")
    if definition["Type"] == "Number":
        _check_number(field, definition, value)
    return value


def _check_number(field: str, definition: Mapping[str, Any], value: str) -> None:
    least, most = (int(definition.get(bound, default)) for bound, default in (("MinValue", 0), ("MaxValue", 10**9)))
    if not value.isascii() or not value.isdecimal() or not least <= int(value) <= most:
        raise Refused(f"{field}: {value!r} is no whole number from {least} to {most}")
