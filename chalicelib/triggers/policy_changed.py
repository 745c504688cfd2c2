"""Handles the stream of the policy table: invalidates cached policies, and records the edits of other tools."""

import os
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from chalice.app import Blueprint, DynamoDBEvent

from chalicelib import wiring
from chalicelib.core.audit import LONGEST_ID, PolicyEdit, PolicyImage, without_addresses
from chalicelib.core.policy_json import read_statements
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
    """Returns the records that Lambda must deliver again. The list is empty on success."""
    logger = Logger(service="policy_changed")
    return handle_policy_changes(event.to_dict(), wiring.invalidate, wiring.record_edit, logger, wiring.report_lag)


def handle_policy_changes(
    event: dict[str, Any],
    invalidate: Callable[[], Callable[[], int]],
    record_edit: Callable[[], Callable[[PolicyEdit], bool]],
    logger: Logger,
    report_lag: Callable[[float], object] = lambda _: None,
    now: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """Invalidates once for the whole batch. Then records each change that its writer has not recorded.

    report_lag  is called with the seconds from the oldest write to its invalidation; a stream rounds them to a second
    now         returns seconds since 1970
    Shape:   a DynamoDB stream batch → {"batchItemFailures": [{"itemIdentifier": sequence number}]}
    """
    # Imported here: the API loads this module too, and the package imports the events of all services.
    from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

    records = [DynamoDBRecord(record) for record in event["Records"]]
    try:
        generation = invalidate()()
    except Exception as failure:
        # Lambda retries from the lowest sequence number. No record of this batch has been handled.
        return _failed(event["Records"][0], "policies not invalidated", failure, logger)
    if known := [at for record in records if (at := _written_at(record))]:
        report_lag(max(0.0, now() - min(known)))
    for record, received in zip(records, event["Records"], strict=True):
        try:
            edit = edit_of(record)  # an item of another tool can be in any form
            by_another_tool = record_edit()(edit)
        except Exception as failure:
            return _failed(received, "change not recorded", failure, logger)
        logger.info(
            "policy changed", extra={**_described(record, edit), "recorded": by_another_tool, "generation": generation}
        )
    return {"batchItemFailures": []}


def edit_of(record: "DynamoDBRecord") -> PolicyEdit:
    """Reads one record. A change by another tool can lack any field."""
    changed = record.dynamodb
    old, new = (changed.old_image, changed.new_image) if changed else ({}, {})
    return PolicyEdit(
        event_id=str(record.event_id),
        at=_written_at(record),
        subject=str((changed.keys or {}).get("subject") if changed else None),
        before=_image(old) if old else None,
        after=_image(new) if new else None,
    )


def _written_at(record: "DynamoDBRecord") -> float:
    """Returns the time of the write in seconds since 1970, or 0 if the record does not contain it."""
    return float((record.dynamodb.approximate_creation_date_time if record.dynamodb else None) or 0)


def _image(item: Mapping[str, Any]) -> PolicyImage:
    version, statements = item.get("version"), item.get("statements")
    return PolicyImage(
        version=int(version) if isinstance(version, Decimal) and version == version.to_integral_value() else None,
        statements=None if "deleted" in item or not isinstance(statements, str) else read_statements(statements),
        updated_by=_text(item, "updated_by"),
        audit_id=_audit_id(item),
    )


def _audit_id(item: Mapping[str, Any]) -> str | None:
    # DynamoDB refuses a longer key. The record would fail at each delivery, and the edit would never be recorded.
    text = _text(item, "audit_id")
    return text if text and len(text) <= LONGEST_ID else None


def _text(item: Mapping[str, Any], name: str) -> str | None:
    text = item.get(name)
    return text if isinstance(text, str) else None


def _described(record: "DynamoDBRecord", edit: PolicyEdit) -> dict[str, Any]:
    """Returns the fields of the log line. It contains no statements: they can be long, and the audit log has them."""
    author = edit.after.updated_by if edit.after else None
    return {
        "event": record.event_name.name if record.event_name else "?",
        "subject": without_addresses(edit.subject),
        "updated_by": without_addresses(author) if author else None,
        "from_version": edit.before.version if edit.before else None,
        "to_version": edit.after.version if edit.after else None,
    }


def _failed(received: Mapping[str, Any], message: str, failure: Exception, logger: Logger) -> dict[str, Any]:
    logger.error(message, extra={"failure": getattr(failure, "code", type(failure).__name__)})
    return {"batchItemFailures": [{"itemIdentifier": received["dynamodb"]["SequenceNumber"]}]}


in_init_phase(wiring.settings(), f"{__name__}.policy_changed", wiring.invalidate, wiring.record_edit)
