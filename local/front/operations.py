"""The user pool's operations, as AWS's own description of the service has them."""

from __future__ import annotations

import botocore.session
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from local.front.directory import Record


def describe() -> ServiceModel:
    """Load the description that boto3 ships with; slow, so once."""
    return botocore.session.get_session().get_service_model("cognito-idp")


def self_service(service: ServiceModel) -> frozenset[str]:
    """The operations that AWS serves without a signature."""
    return frozenset(name for name in service.operation_names if service.operation_model(name).auth_type == "none")


def fault(service: ServiceModel, operation: str, fields: Record) -> str:
    """Say what is wrong with an operation's fields; nothing, if AWS would read them."""
    if operation not in service.operation_names:
        return f"There is no operation {operation!r}."
    stated = {name: value for name, value in fields.items() if value is not None}
    report = ParamValidator().validate(stated, service.operation_model(operation).input_shape)
    return str(report.generate_report()) if report.has_errors() else ""
