"""CloudFormation turns the text of a parameter into the number or boolean that a property is. ministack hands on texts.

The types come from the description of the operation that makes the resource: its fields bear the properties' names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.model import ServiceModel, Shape
from ministack.services.cloudformation import provisioners

from local.front.wrapping import wrap_entry

_MADE_BY = {
    "AWS::Cognito::UserPool": "CreateUserPool",
    "AWS::Cognito::UserPoolClient": "CreateUserPoolClient",
    "AWS::Cognito::UserPoolDomain": "CreateUserPoolDomain",
    "AWS::Cognito::UserPoolGroup": "CreateGroup",
}
_BOOLEANS = {"true": True, "false": False}


def install(service: ServiceModel) -> None:
    """Wrap the handlers of these types; once is enough, so a second call changes nothing."""
    for resource_type, operation in _MADE_BY.items():
        handlers = provisioners._RESOURCE_HANDLERS[resource_type]
        for action in ("create", "update"):
            wrap_entry(handlers, action, _typed(service.operation_model(operation).input_shape))


def _typed(shape: Shape) -> Callable[..., Any]:
    def call(original: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        return original(*(typed(shape, value) if isinstance(value, dict) else value for value in arguments), **more)

    return call


def typed(shape: Shape, value: Any) -> Any:
    """The value with every text that a shape calls a number or boolean as that."""
    match shape.type_name, value:
        case "structure", dict():
            return {k: typed(shape.members[k], v) if k in shape.members else v for k, v in value.items()}
        case "list", list():
            return [typed(shape.member, member) for member in value]
        case "boolean", str():
            return _BOOLEANS.get(value.lower(), value)
        case (("integer" | "long"), str()) if value.isdecimal():
            return int(value)
        case _:
            return value
