"""Every change of the policy table invalidates the caches and is logged. Lambda repeats a failed batch."""

import json
from typing import Any

import pytest
from chalice.app import DynamoDBEvent

from app import app
from chalicelib.core.errors import InternalError
from chalicelib.core.policy_json import to_json
from chalicelib.invalidate import Invalidate
from chalicelib.triggers.policy_changed import handle_policy_changes
from tests.fakes import FakeGatewayCache, FakeState, allow, statements
from tests.rewired import fresh_wiring
from tests.triggers.logs import Log

CLERKS = {"subject": {"S": "group:clerks"}}
STATEMENTS = to_json(statements(allow("/reports", sid="read")))


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


def handle(*records: dict[str, Any]) -> tuple[dict[str, Any], FakeState, Log]:
    state, log = FakeState(generation=7), Log()
    event = json.loads(json.dumps({"Records": records}))
    return handle_policy_changes(event, lambda: Invalidate(state, gateway_cache=None), log.logger), state, log


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
        assert handle_policy_changes({"Records": [MODIFY]}, lambda: Invalidate(state, None), Log().logger) == ALL_WELL
    assert state.generation == 9


@pytest.mark.parametrize(
    ("change", "versions", "author"),
    [
        pytest.param(INSERT, (None, "1"), "admin", id="INSERT"),
        pytest.param(MODIFY, ("1", "2"), "auditor", id="MODIFY"),
        pytest.param(REMOVE, ("2", None), None, id="REMOVE"),
    ],
)
def test_the_audit_line_contains_the_author_and_the_change(
    change: dict[str, Any], versions: tuple[str | None, str | None], author: str | None
) -> None:
    *_, log = handle(change)
    (line,) = log.lines
    assert (line["message"], line["event"], line["subject"]) == ("policy changed", change["eventName"], "group:clerks")
    assert (line.get("from_version"), line.get("to_version")) == versions
    assert line.get("updated_by") == author
    assert line.get("statements") == (STATEMENTS if author else None)
    assert line["generation"] == 8


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
    answered = handle_policy_changes({"Records": [MODIFY, REMOVE]}, lambda: fails, log.logger)
    assert answered == {"batchItemFailures": [{"itemIdentifier": MODIFY["dynamodb"]["SequenceNumber"]}]}
    (line,) = log.lines
    assert (line["level"], line["failure"]) == ("ERROR", name)


def test_a_failure_to_build_the_use_case_is_retried() -> None:
    def missing_setting() -> Invalidate:
        raise InternalError("missing_setting", "STATE_TABLE is not set")

    answered = handle_policy_changes({"Records": [INSERT]}, missing_setting, Log().logger)
    assert answered == {"batchItemFailures": [{"itemIdentifier": INSERT["dynamodb"]["SequenceNumber"]}]}


def test_a_failed_flush_is_retried() -> None:
    state, cache = FakeState(), FakeGatewayCache(failure=InternalError("flush_failed", "throttled"))
    answered = handle_policy_changes({"Records": [INSERT]}, lambda: Invalidate(state, cache), Log().logger)
    assert len(answered["batchItemFailures"]) == 1
    cache.failure = None
    assert handle_policy_changes({"Records": [INSERT]}, lambda: Invalidate(state, cache), Log().logger) == ALL_WELL
    assert cache.flushes == 1


def test_chalice_passes_the_batch_unchanged_to_the_handler() -> None:
    assert DynamoDBEvent({"Records": [INSERT]}, None).to_dict() == {"Records": [INSERT]}


def test_the_response_of_the_handler_is_returned_to_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_TABLE", "")
    with fresh_wiring():
        answered = app.handler_map["policy_changed"]({"Records": [INSERT, MODIFY]}, None)
    assert answered == {"batchItemFailures": [{"itemIdentifier": INSERT["dynamodb"]["SequenceNumber"]}]}
