"""The policy table's stream: every change, by whatever hand, makes the authorizers read anew and is put on record."""

import os
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from chalice.app import Blueprint, DynamoDBEvent

from chalicelib.settings import Settings

policy_changed_trigger = Blueprint(__name__)


# Under `chalice package` the stream is a parameter of the template, which Chalice's annotation does not foresee. The
# template also adds what Chalice cannot say: partial batch responses, bisecting, retries and the dead-letter queue.
_STREAM: Any = Settings(os.environ).policy_stream_arn or {"Ref": "PolicyStreamArn"}


@policy_changed_trigger.on_dynamodb_record(
    stream_arn=_STREAM,
    batch_size=10,
    starting_position="TRIM_HORIZON",
    name="policy_changed",
)
def policy_changed(event: DynamoDBEvent) -> dict[str, Any]:
    """Report the records that have to be delivered again; none if all went well."""
    from chalicelib import wiring

    return handle_policy_changes(event.to_dict(), wiring.invalidate, Logger(service="policy_changed"))


def handle_policy_changes(
    event: dict[str, Any], invalidate: Callable[[], Callable[[], int]], logger: Logger
) -> dict[str, Any]:
    """Invalidate once for the whole batch, and write one line of the audit log for each change.

    Shape:   a DynamoDB stream batch → {"batchItemFailures": [{"itemIdentifier": sequence number}]}
    """
    records = [DynamoDBRecord(record) for record in event["Records"]]
    try:
        generation = invalidate()()
    except Exception as failure:
        logger.error("policies not invalidated", extra={"failure": getattr(failure, "code", type(failure).__name__)})
        # The lowest number is where Lambda begins again, and no record of this batch has been dealt with.
        return {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["dynamodb"]["SequenceNumber"]}]}
    for record in records:
        logger.info("policy changed", extra={**_change(record), "generation": generation})
    return {"batchItemFailures": []}


def _change(record: DynamoDBRecord) -> dict[str, Any]:
    """Say who changed what, as far as the record tells: an edit by another tool may lack any field."""
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
