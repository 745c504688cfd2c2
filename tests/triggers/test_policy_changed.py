"""Every change of the policy table invalidates the caches and is logged. Lambda repeats a failed batch."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from chalice.app import DynamoDBEvent

from app import app
from chalicelib.audit import Audit, RecordEdit
from chalicelib.core.audit import AuditEntry
from chalicelib.core.errors import InternalError
from chalicelib.core.policy_json import to_json
from chalicelib.invalidate import Invalidate
from chalicelib.ports import AuditLog
from chalicelib.triggers.policy_changed import handle_policy_changes
from tests.fakes import Clock, FakeAuditLog, FakeGatewayCache, FakeState, allow, statements
from tests.rewired import fresh_wiring
from tests.triggers.logs import Log

CLERKS = {"subject": {"S": "group:clerks"}}
READ = statements(allow("/reports", sid="read"))
STATEMENTS = to_json(READ)


def image(at_version: int, author: str = "admin", **changes: Any) -> dict[str, Any]:
    """Returns the item of a policy. A change to None removes the field."""
    item = {
        **CLERKS,
        "version": {"N": str(at_version)},
        "statements": {"S": STATEMENTS},
        "updated_by": {"S": author},
        "updated_at": {"S": "2027-01-15T08:00:00+00:00"},
        **changes,
    }
    return {name: value for name, value in item.items() if value is not None}


def record(number: int, kind: str = "MODIFY", **images: Any) -> dict[str, Any]:
    """Returns a record as Lambda delivers it."""
    return {
        "eventID": f"event-{number}",
        "eventName": kind,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "mars-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1800000000.0,
            "Keys": CLERKS,
            **images,
            "SequenceNumber": f"{number:021}",
            "SizeBytes": 59,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": "arn:aws:dynamodb:mars-west-1:123456789012:table/policies/stream/2027-01-15T08:00:00.000",
    }


INSERT = record(1, "INSERT", NewImage=image(1))
MODIFY = record(2, "MODIFY", OldImage=image(1), NewImage=image(2, "auditor"))
REMOVE = record(3, "REMOVE", OldImage=image(2))
ALL_WELL: dict[str, Any] = {"batchItemFailures": []}


def handle(*records: dict[str, Any], audit: AuditLog | None = None) -> tuple[dict[str, Any], FakeState, Log]:
    state, log = FakeState(generation=7), Log()
    audit = audit or FakeAuditLog()
    event = json.loads(json.dumps({"Records": records}))
    answered = handle_policy_changes(event, lambda: Invalidate(state, None), lambda: RecordEdit(audit), log.logger)
    return answered, state, log


def handled(event: dict[str, Any], invalidate: Callable[[], Callable[[], int]], log: Log | None = None) -> Any:
    return handle_policy_changes(event, invalidate, lambda: RecordEdit(FakeAuditLog()), (log or Log()).logger)


@pytest.mark.parametrize("change", [INSERT, MODIFY, REMOVE], ids=["INSERT", "MODIFY", "REMOVE"])
def test_each_type_of_change_increments_the_generation(change: dict[str, Any]) -> None:
    answered, state, _ = handle(change)
    assert (answered, state.generation) == (ALL_WELL, 8)


def test_a_batch_of_several_records_increments_the_generation_once() -> None:
    answered, state, log = handle(INSERT, MODIFY, REMOVE)
    assert (answered, state.generation) == (ALL_WELL, 8)
    assert len(log.lines) == 3


def test_a_repeated_batch_increments_the_generation_again() -> None:
    state = FakeState(generation=7)
    for _ in range(2):
        assert handled({"Records": [MODIFY]}, lambda: Invalidate(state, None)) == ALL_WELL
    assert state.generation == 9


@pytest.mark.parametrize(
    ("change", "versions", "author"),
    [
        pytest.param(INSERT, (None, 1), "admin", id="INSERT"),
        pytest.param(MODIFY, (1, 2), "auditor", id="MODIFY"),
        pytest.param(REMOVE, (2, None), None, id="REMOVE"),
        pytest.param(record(1, "INSERT", NewImage=image(1, "a@b.example")), (None, 1), "a@***", id="an address"),
    ],
)
def test_the_log_line_names_the_change_without_its_statements(
    change: dict[str, Any], versions: tuple[int | None, int | None], author: str | None
) -> None:
    *_, log = handle(change)
    (line,) = log.lines
    assert (line["message"], line["event"], line["subject"]) == ("policy changed", change["eventName"], "group:clerks")
    assert (line["generation"], line.get("updated_by")) == (8, author)
    assert (line.get("from_version"), line.get("to_version")) == versions
    assert STATEMENTS not in line.values()


# --- the audit log ---


def entry_of(change: dict[str, Any]) -> AuditEntry:
    audit = FakeAuditLog()
    handle(change, audit=audit)
    (entry,) = audit.entries
    return entry


def test_an_edit_by_another_tool_is_recorded_with_the_statements_before_and_after() -> None:
    written = statements(allow("/reports", methods=["POST"], sid="write"))
    entry = entry_of(record(2, OldImage=image(1), NewImage=image(2, statements={"S": to_json(written)})))
    assert (entry.subject, entry.action, entry.by, entry.way) == ("group:clerks", "policy.write", "unknown", "other")
    assert (entry.version, entry.before, entry.after) == (2, READ, written)
    assert entry.at == "2027-01-15T08:00:00.000000Z"


def test_an_edit_with_an_id_that_no_entry_can_have_is_recorded() -> None:
    class Table(FakeAuditLog):
        def find(self, subject: str, id_: str) -> AuditEntry | None:
            if len(id_.encode()) > 1024:  # as DynamoDB does
                raise InternalError("audit_unreachable", "DynamoDB: ValidationException")
            return super().find(subject, id_)

    audit = Table()
    edit = record(2, "MODIFY", OldImage=image(1), NewImage=image(2, audit_id={"S": "x" * 1025}))
    answered, *_ = handle(edit, audit=audit)
    assert answered == ALL_WELL
    assert audit.actions == ["policy.write"]


def test_the_author_that_a_tool_writes_is_recorded_as_a_claim() -> None:
    assert entry_of(MODIFY).detail == {"claimed_by": "auditor"}


def test_an_edit_that_keeps_the_author_of_the_version_before_claims_nobody() -> None:
    assert entry_of(record(2, OldImage=image(1), NewImage=image(2))).detail == {}


def test_the_claimed_author_is_recorded_without_the_domain_of_an_address() -> None:
    assert entry_of(record(2, NewImage=image(1, "clio@olympus.example"))).detail == {"claimed_by": "clio@***"}


@pytest.mark.parametrize(
    ("before", "after"),
    [pytest.param(3, 3, id="kept"), pytest.param(3, 2, id="reset"), pytest.param(3, 5, id="skipped")],
)
def test_an_edit_without_the_next_version_has_no_version(before: int, after: int) -> None:
    assert entry_of(record(2, OldImage=image(before), NewImage=image(after))).version is None


@pytest.mark.parametrize(
    ("change", "action"),
    [
        (record(1, "REMOVE", OldImage=image(2)), "policy.remove"),
        (record(1, NewImage=image(3, statements=None, deleted={"BOOL": True}), OldImage=image(2)), "policy.delete"),
        (record(1, NewImage=image(3, statements={"S": "allow all"}), OldImage=image(2)), "policy.delete"),
    ],
    ids=["removed", "marked as deleted", "not a policy"],
)
def test_an_edit_that_leaves_no_policy_is_recorded(change: dict[str, Any], action: str) -> None:
    entry = entry_of(change)
    assert (entry.action, entry.before, entry.after) == (action, READ, None)


def test_a_repeated_record_is_recorded_once() -> None:
    audit = FakeAuditLog()
    handle(MODIFY, audit=audit)
    handle(INSERT, MODIFY, audit=audit)
    assert len(audit.entries) == 2


def written_by_the_api(audit: FakeAuditLog) -> dict[str, Any]:
    """Stores the entry of a writer, and returns the record of its change."""
    entry = Audit(audit, now=Clock()).policy_entry("group:clerks", "admin-sub", 2, READ, READ)
    audit.add(entry)
    return record(9, OldImage=image(1), NewImage=image(2, audit_id={"S": entry.id}))


def test_a_change_that_its_writer_has_recorded_is_not_recorded_again() -> None:
    audit = FakeAuditLog()
    handle(written_by_the_api(audit), audit=audit)
    assert [entry.way for entry in audit.entries] == ["api"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(image(1), {"statements": {"S": "[]"}}, id="with other statements"),
        pytest.param(image(1), {"version": {"N": "3"}}, id="with another version"),
        pytest.param(image(1, statements={"S": "[]"}), {}, id="over another version before"),
        pytest.param(image(7), {}, id="over a later version"),
    ],
)
def test_an_edit_that_names_the_entry_of_another_change_is_recorded(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    audit = FakeAuditLog()
    copied = written_by_the_api(audit)["dynamodb"]["NewImage"]
    handle(record(10, OldImage=before, NewImage={**copied, **after}), audit=audit)
    assert [entry.way for entry in audit.entries] == ["api", "other"]


def test_an_edit_that_keeps_the_reference_of_the_version_before_is_recorded() -> None:
    audit = FakeAuditLog()
    current = written_by_the_api(audit)["dynamodb"]["NewImage"]
    handle(record(10, OldImage=current, NewImage={**current, "version": {"N": "3"}}), audit=audit)
    assert [entry.way for entry in audit.entries] == ["api", "other"]


def test_a_change_that_cannot_be_recorded_is_delivered_again_after_the_invalidation() -> None:
    audit = FakeAuditLog(failure=InternalError("audit_unreachable", "timeout"))
    answered, state, log = handle(INSERT, MODIFY, audit=audit)
    assert answered == {"batchItemFailures": [{"itemIdentifier": INSERT["dynamodb"]["SequenceNumber"]}]}
    assert (state.generation, log.lines[-1]["failure"]) == (8, "audit_unreachable")


def test_a_record_that_cannot_be_read_neither_prevents_the_invalidation_nor_hides_the_records_before_it() -> None:
    audit, unreadable = FakeAuditLog(), record(5, NewImage={**CLERKS, "odd": {"UNKNOWN": "type"}})
    answered, state, _ = handle(INSERT, unreadable, audit=audit)
    assert answered == {"batchItemFailures": [{"itemIdentifier": unreadable["dynamodb"]["SequenceNumber"]}]}
    assert (state.generation, len(audit.entries)) == (8, 1)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(record(1, NewImage=image(1, updated_by=None)), id="no author"),
        pytest.param(record(1, NewImage=image(1, version=None)), id="no version"),
        pytest.param(record(1, NewImage=image(1, statements=None, deleted={"BOOL": True})), id="deleted"),
        pytest.param(record(1, NewImage=CLERKS), id="only the key"),
        pytest.param(record(1, NewImage={**CLERKS, "statements": {"L": [{"M": {"a": {"N": "1"}}}]}}), id="a list"),
        pytest.param(
            record(1, NewImage={**CLERKS, "odd": {"B": "AAEC"}, "set": {"SS": ["a"]}}), id="fields of other types"
        ),
        pytest.param(record(1), id="no old and new image"),
    ],
)
def test_a_change_without_the_fields_of_a_policy_increments_the_generation(change: dict[str, Any]) -> None:
    answered, state, log = handle(change)
    assert (answered, state.generation) == (ALL_WELL, 8)
    (line,) = log.lines
    assert line["subject"] == "group:clerks"


@pytest.mark.parametrize(
    ("failure", "name"),
    [(InternalError("state_unreachable", "timeout"), "state_unreachable"), (RuntimeError("surprise"), "RuntimeError")],
    ids=["an InternalError", "another exception"],
)
def test_a_failure_returns_the_number_of_the_first_record_as_the_failed_item(failure: Exception, name: str) -> None:
    def fails() -> int:
        raise failure

    log = Log()
    answered = handled({"Records": [MODIFY, REMOVE]}, lambda: fails, log)
    assert answered == {"batchItemFailures": [{"itemIdentifier": MODIFY["dynamodb"]["SequenceNumber"]}]}
    (line,) = log.lines
    assert (line["level"], line["failure"]) == ("ERROR", name)


def test_a_failure_to_build_the_use_case_is_retried() -> None:
    def missing_setting() -> Invalidate:
        raise InternalError("missing_setting", "STATE_TABLE is not set")

    answered = handled({"Records": [INSERT]}, missing_setting)
    assert answered == {"batchItemFailures": [{"itemIdentifier": INSERT["dynamodb"]["SequenceNumber"]}]}


def test_a_failed_flush_is_retried() -> None:
    state, cache = FakeState(), FakeGatewayCache(failure=InternalError("flush_failed", "throttled"))
    answered = handled({"Records": [INSERT]}, lambda: Invalidate(state, cache))
    assert len(answered["batchItemFailures"]) == 1
    cache.failure = None
    assert handled({"Records": [INSERT]}, lambda: Invalidate(state, cache)) == ALL_WELL
    assert cache.flushes == 1


def test_chalice_passes_the_batch_unchanged_to_the_handler() -> None:
    assert DynamoDBEvent({"Records": [INSERT]}, None).to_dict() == {"Records": [INSERT]}


def test_the_response_of_the_handler_is_returned_to_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_TABLE", "")
    with fresh_wiring():
        answered = app.handler_map["policy_changed"]({"Records": [INSERT, MODIFY]}, None)
    assert answered == {"batchItemFailures": [{"itemIdentifier": INSERT["dynamodb"]["SequenceNumber"]}]}
