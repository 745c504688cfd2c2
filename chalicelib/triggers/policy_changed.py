"""Handles the stream of the policy table: invalidates cached policies and writes the audit log for every change."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from chalice.app import Blueprint, DynamoDBEvent

from chalicelib import wiring
from chalicelib.settings import Settings
from chalicelib.start import in_init_phase

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

policy_changed_trigger = Blueprint(__name__)


# Under `chalice package` the stream is a parameter of the template, which Chalice's annotation does not allow. The
# template also adds what Chalice does not support: partial batch responses, bisecting, retries, a dead-letter queue.
_STREAM: Any = Settings(os.environ).policy_stream_arn or {"Ref": "PolicyStreamArn"}


@policy_changed_trigger.on_dynamodb_record(
    stream_arn=_STREAM,
    batch_size=10,
    starting_position="TRIM_HORIZON",
    name="policy_changed",
)
def policy_changed(event: DynamoDBEvent) -> dict[str, Any]:
    """Return the records that Lambda must deliver again. The list is empty on success."""
    return handle_policy_changes(event.to_dict(), wiring.invalidate, Logger(service="policy_changed"))


def handle_policy_changes(
    event: dict[str, Any], invalidate: Callable[[], Callable[[], int]], logger: Logger
) -> dict[str, Any]:
    """Invalidate once for the whole batch, and write one line of the audit log for each change.

    Shape:   a DynamoDB stream batch → {"batchItemFailures": [{"itemIdentifier": sequence number}]}
    """
    # Imported here: the API loads this module too, and the package imports the events of all services.
    from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

    records = [DynamoDBRecord(record) for record in event["Records"]]
    try:
        generation = invalidate()()
    except Exception as failure:
        logger.error("policies not invalidated", extra={"failure": getattr(failure, "code", type(failure).__name__)})
        # Lambda retries from the lowest sequence number. No record of this batch has been handled.
        return {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["dynamodb"]["SequenceNumber"]}]}
    for record in records:
        logger.info("policy changed", extra={**_change(record), "generation": generation})
    return {"batchItemFailures": []}


def _change(record: "DynamoDBRecord") -> dict[str, Any]:
    """Return the fields of the audit log for one change. A change by another tool can lack any field."""
    changed = record.dynamodb
    before, after = (changed.old_image, changed.new_image) if changed else ({}, {})
    return {
        "event": record.event_name.name if record.event_name else "?",
        "subject": (changed.keys or {}).get("subject") if changed else None,
        "from_version": (before or {}).get("version"),
        "to_version": (after or {}).get("version"),
        "updated_by": (after or {}).get("updated_by"),
        "statements": (after or {}).get("statements"),
    }


in_init_phase(wiring.settings(), f"{__name__}.policy_changed", wiring.invalidate)
