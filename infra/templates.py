"""Loads YAML and JSON files and validates CloudFormation parameters."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.errors import Refused


class _Texts(yaml.constructor.BaseConstructor):
    """Reads every scalar as text, as CloudFormation does for parameters: `ON` is not a boolean. Tags become mappings.

    Refuses a duplicate key. YAML itself would use the last value.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key) for key, _ in node.value]
        duplicate = next((name for name in names if names.count(name) > 1), None)
        if duplicate is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {duplicate} is duplicate", node.start_mark)
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
    """Reports the line of an error."""


class _FastLoader(_Texts, getattr(yaml, "CBaseLoader", yaml.BaseLoader)):  # type: ignore[misc]  # if libyaml is there
    """Needs a tenth of the time. Reports another line for some errors."""


def parse_yaml(text: str) -> Any:
    """Returns the content of a YAML text. Raises yaml.YAMLError."""
    try:
        return yaml.load(text, _FastLoader)  # noqa: S506  # it constructs only texts, lists and mappings
    except yaml.YAMLError:
        return yaml.load(text, _Loader)  # noqa: S506  # raises the error with the right line


def read_yaml(project: Path, name: str) -> Any:
    """Returns the content of a YAML file. Raises Refused if it is missing or invalid."""
    try:
        return parse_yaml(_text(project, name))
    except yaml.constructor.ConstructorError as error:
        raise Refused(f"{name}: {error.problem}{_line(error)}.") from error
    except yaml.YAMLError as error:
        raise Refused(f"{name}: not valid YAML{_line(error)}.") from error


def _line(error: yaml.YAMLError) -> str:
    where = getattr(error, "problem_mark", None)
    return f", see line {where.line + 1}" if where else ""


def read_json(project: Path, name: str) -> Any:
    """Returns the content of a JSON file. Raises Refused if it is missing or invalid, or has a duplicate key."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [key for key, _ in pairs]
        duplicate = next((key for key in names if names.count(key) > 1), None)
        if duplicate is not None:  # JSON itself would use the last value
            raise Refused(f"{name}: the key {duplicate} is duplicate.")
        return dict(pairs)

    try:
        return json.loads(_text(project, name), object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise Refused(f"{name}: not valid JSON, see line {error.lineno}.") from error


def _text(project: Path, name: str) -> str:
    try:
        return (project / name).read_text(encoding="utf-8")
    except OSError as error:
        raise Refused(f"{name}: cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{name}: not valid UTF-8.") from error


def parameter_text(field: str, definition: Mapping[str, Any], value: Any) -> str:
    """Returns the value of a parameter as CloudFormation accepts it. Raises Refused for an invalid value.

    field  of the file, for the message
    """
    if definition["Type"] == "CommaDelimitedList":
        values = value if isinstance(value, list) else str(value).split(",")
        return ",".join(_single_text(field, definition, item) for item in values or [""])
    return _single_text(field, definition, value)


def _single_text(field: str, definition: Mapping[str, Any], value: Any) -> str:
    if not isinstance(value, str):
        raise Refused(f"{field}: expected one value of the type {definition['Type']}.")
    allowed = [str(option) for option in definition.get("AllowedValues", [])]
    if allowed and value not in allowed:
        raise Refused(f"{field}: got {value!r}, expected one of {', '.join(allowed)}.")
    if not re.fullmatch(definition.get("AllowedPattern", ".*"), value, re.DOTALL):
        described = definition.get("ConstraintDescription", definition["AllowedPattern"])
        raise Refused(f"{field}: got {value!r}, expected: {described}")
    if len(value) > int(definition.get("MaxLength", len(value))):
        raise Refused(f"{field}: got {len(value)} characters, expected at most {definition['MaxLength']}.")
    if definition["Type"] == "Number":
        _check_number(field, definition, value)
    return value


def _check_number(field: str, definition: Mapping[str, Any], value: str) -> None:
    least, most = (int(definition.get(bound, default)) for bound, default in (("MinValue", 0), ("MaxValue", 10**9)))
    if not value.isascii() or not value.isdecimal() or not least <= int(value) <= most:
        raise Refused(f"{field}: got {value!r}, expected a whole number from {least} to {most}.")
