"""Describes the user pool's operations, with botocore's description of the service."""

from __future__ import annotations

from functools import cache

import botocore.session
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from local.front.directory import Record


@cache
def describe() -> ServiceModel:
    """Returns botocore's description of the service. Loading it takes a moment."""
    return botocore.session.get_session().get_service_model("cognito-idp")


def self_service(service: ServiceModel) -> frozenset[str]:
    """Returns the operations that AWS serves without a signature."""
    return frozenset(name for name in service.operation_names if service.operation_model(name).auth_type == "none")


def fault(service: ServiceModel, operation: str, fields: Record) -> str:
    """Returns what is wrong with the fields of an operation, or an empty text."""
    if operation not in service.operation_names:
        return f"There is no operation {operation!r}."
    shape = service.operation_model(operation).input_shape
    if shape is None:
        return ""
    report = ParamValidator().validate({k: v for k, v in fields.items() if v is not None}, shape)
    return str(report.generate_report()) if report.has_errors() else ""
