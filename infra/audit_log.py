"""Opens the audit log of a stage for the commands of an operator."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from chalicelib.aws.audit import AuditTable
from infra.clients import Client
from infra.errors import Refused


def audit_log(outputs: Mapping[str, str], dynamodb: Any) -> AuditTable:
    """Returns the audit log. It writes no log lines: the output of a command belongs to its user.

    outputs  of the identity stack
    Raises:  Refused for a stage that an earlier release deployed
    """
    if "AuditTableName" not in outputs:
        raise Refused("The identity stack of this stage has no audit table. Deploy the stage with this release first.")
    return AuditTable(
        dynamodb, outputs["AuditTableName"], int(outputs["AuditRetentionDays"]), write_line=lambda _line: None
    )


def operator_of(client: Client) -> Callable[[], str]:
    """Returns a function that returns the ARN of the operator. It asks AWS once, when the ARN is needed."""
    return cache(lambda: str(client("sts").get_caller_identity()["Arn"]))
