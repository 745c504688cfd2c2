"""Converts CloudFormation properties from text to the number or boolean that the operation takes.

A template parameter is text. AWS converts it, and ministack does not. The types come from botocore's description of
the operation that creates the resource. Its fields have the names of the properties.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.model import ListShape, Shape, StructureShape

from local.front import operations
from local.front.patches import registry

_CREATED_BY = {
    "AWS::Cognito::UserPool": "CreateUserPool",
    "AWS::Cognito::UserPoolClient": "CreateUserPoolClient",
    "AWS::Cognito::UserPoolDomain": "CreateUserPoolDomain",
    "AWS::Cognito::UserPoolGroup": "CreateGroup",
}
_BOOLEANS = {"true": True, "false": False}


def _with_types_of(operation: str) -> Callable[..., Any]:
    def call(original: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        """Converts properties from text to numbers and booleans."""
        shape = operations.describe().operation_model(operation).input_shape
        return original(*(typed(shape, value) if isinstance(value, dict) else value for value in arguments), **more)

    return call


for resource_type, operation in _CREATED_BY.items():
    for action in ("create", "update"):
        registry.patches("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS", resource_type, action)(
            _with_types_of(operation)
        )


def typed(shape: Shape | None, value: Any) -> Any:
    """Returns the value with every text converted to the number or boolean that its shape names."""
    match shape, value:
        case StructureShape(), dict():
            members = shape.members
            return {k: typed(members[k], v) if k in members else v for k, v in value.items()}
        case ListShape(), list():
            return [typed(shape.member, member) for member in value]
        case Shape(type_name="boolean"), str():
            return _BOOLEANS.get(value.lower(), value)
        case Shape(type_name="integer" | "long"), str() if value.isdecimal():
            return int(value)
        case _:
            return value
