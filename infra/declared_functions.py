"""Reads the functions that `.chalice/package.json` declares. All other lists of functions come from this one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.templates import read_json

_TEMPLATE = ".chalice/package.json"
_PREFIX = "${AppName}-${Stage}"
_COGNITO = "cognito-idp.amazonaws.com"


@dataclass(frozen=True)
class DeclaredFunction:
    """A function of the application.

    resource         its logical id
    name             its name in Chalice; `api_handler` is the API
    timeout          in seconds; None for the default of `.chalice/config.json`
    is_trigger       whether the user pool invokes it
    reads_stream     whether an event source invokes it
    """

    resource: str
    name: str
    timeout: int | None
    is_trigger: bool
    reads_stream: bool


def read_functions(project: Path) -> tuple[DeclaredFunction, ...]:
    """Returns the functions in the order of the template. Raises Refused if the file is missing or invalid."""
    return tuple(functions_of(read_json(project, _TEMPLATE)))


def functions_of(template: Mapping[str, Any]) -> Iterator[DeclaredFunction]:
    """Yields the functions of a template, which are the resources with a role and an environment."""
    resources = template["Resources"]
    permitted = [item["Properties"] for item in resources.values() if item.get("Type") == "AWS::Lambda::Permission"]
    triggers = [item["FunctionName"]["Ref"] for item in permitted if item["Principal"] == _COGNITO]
    for key, resource in resources.items():
        properties = resource["Properties"]
        if "Environment" in properties:
            name = properties["FunctionName"]["Fn::Sub"].removeprefix(_PREFIX).removeprefix("-") or "api_handler"
            timeout = properties.get("Timeout")
            yield DeclaredFunction(key, name, timeout, key in triggers, "Events" in properties)
