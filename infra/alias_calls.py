"""Replaces the references to functions in a template by references to their aliases. Pure functions of templates."""

import re
from collections.abc import Mapping
from typing import Any

LIVE = "live"

Json = dict[str, Any]


def alias_of(function: str) -> str:
    """Returns the logical id of a function's alias."""
    return f"{function}Live"


def calling_aliases(resource: Json, names: Mapping[str, Any]) -> Json:
    """Returns a resource that refers to the alias of each function that it calls.

    names  logical id of each function → its name in the template

    The ARN of a function is always replaced. Its name is replaced where Lambda invokes it. Elsewhere the name stays,
    because the metrics and the logs of all versions have the function's name.
    """
    if resource["Type"].startswith("AWS::IAM::"):
        return resource  # the actions of a role can be on the function, on its alias, or on both
    replaced: Json = _with_alias_arns(resource, names)
    properties = replaced.get("Properties", {})
    if not resource["Type"].startswith("AWS::Lambda::") or "FunctionName" not in properties:
        return replaced
    called = properties["FunctionName"]
    alias = next(({"Ref": alias_of(key)} for key, name in names.items() if called in ({"Ref": key}, name)), called)
    return {**replaced, "Properties": {**properties, "FunctionName": alias}}


def _with_alias_arns(value: Any, names: Mapping[str, Any]) -> Any:
    match value:
        case {"Fn::GetAtt": [key, "Arn"]} if key in names:
            return {"Ref": alias_of(key)}
        case {"Fn::Sub": str(text)}:
            return {"Fn::Sub": _text_with_aliases(text, names)}
        case {"Fn::Sub": [text, variables]}:
            return {"Fn::Sub": [_text_with_aliases(text, names), _with_alias_arns(variables, names)]}
        case dict():
            return {key: _with_alias_arns(inner, names) for key, inner in value.items()}
        case list():
            return [_with_alias_arns(inner, names) for inner in value]
        case _:
            return value


def _text_with_aliases(text: str, names: Mapping[str, Any]) -> str:
    for key, name in names.items():
        text = text.replace(f"${{{key}.Arn}}", f"${{{alias_of(key)}}}")
        if isinstance(name, dict) and isinstance(name.get("Fn::Sub"), str):
            spelled = re.escape(f":function:{name['Fn::Sub']}")
            text = re.sub(rf"({spelled})(?![\w$:*-])", rf"\1:{LIVE}", text)
    return text
