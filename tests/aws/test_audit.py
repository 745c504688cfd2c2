"""The audit table adds entries, never replaces one, and lists them in pages, the newest first."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.audit import Audit
from chalicelib.aws.audit import AuditTable
from chalicelib.aws.policies import PolicyTable
from chalicelib.aws.policy_writes import AuditedWrites
from chalicelib.core.audit import AuditEntry, without_addresses
from chalicelib.core.errors import InternalError
from tests import mint
from tests.fakes import Clock, allow, statements

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

READ, WRITE = statements(allow("/reports")), statements(allow("/reports", methods=["POST"]))
CLERKS = "group:clerks"


class System:
    """A policy table and an audit table. Each call advances the clock by a second."""

    def __init__(self, dynamodb: "DynamoDBClient") -> None:
        self.lines: list[str] = []
        self.clock = Clock()
        self.table = AuditTable(dynamodb, "AuditTable", retention_days=30, write_line=self.lines.append)
        self.audit = Audit(self.table, "cli", lambda: "arn:aws:iam::1:user/jane@olympus.example", self.tick)
        audited = AuditedWrites(self.table, self.audit.policy_entry)
        self.policies = PolicyTable(dynamodb, "PolicyTable", self.clock, audited=audited)

    def tick(self) -> float:
        self.clock.advance(1)
        return self.clock()

    def record(self, action: str, subject: str = CLERKS) -> AuditEntry:
        entry = self.audit.entry(action, subject, "admin")
        self.table.add(entry)
        return entry


@pytest.fixture
def system(dynamodb: "DynamoDBClient") -> System:
    return System(dynamodb)


def test_a_policy_and_its_entry_are_stored_together(system: System) -> None:
    system.policies.put(CLERKS, READ, "policies/", None)
    system.policies.put(CLERKS, WRITE, "policies/", 1)
    system.policies.delete(CLERKS, "policies/", None)
    (deleted, replaced, created) = system.table.history(CLERKS, 10, None).entries
    assert (created.version, created.before, created.after) == (1, None, READ)
    assert (replaced.version, replaced.before, replaced.after) == (2, READ, WRITE)
    assert (deleted.version, deleted.before, deleted.after, deleted.action) == (3, WRITE, None, "policy.delete")


def test_an_operator_is_named_without_the_domain_of_an_address(system: System) -> None:
    system.policies.put(CLERKS, READ, "policies/", None)
    (entry,) = system.table.list(10, None).entries
    assert (entry.by, entry.way) == ("arn:aws:iam::1:user/jane@***", "cli")
    assert system.policies.get(CLERKS).updated_by == "policies/"


def test_an_entry_is_never_replaced(system: System) -> None:
    entry = system.record("user.disable")
    system.table.add(AuditEntry(entry.id, entry.subject, "user.enable", "nobody", "other"))
    assert system.table.find(entry.subject, entry.id) == entry
    assert len(system.lines) == 1


def test_all_entries_are_listed_in_pages_the_newest_first(system: System) -> None:
    recorded = [system.record("user.disable", f"sub:{number}") for number in range(5)]
    first = system.table.list(2, None)
    second = system.table.list(2, first.next)
    third = system.table.list(2, second.next)
    assert [*first.entries, *second.entries, *third.entries] == recorded[::-1]
    assert third.next is None


def test_a_page_can_begin_at_a_time(system: System) -> None:
    recorded = [system.record("user.disable") for _ in range(3)]
    assert system.table.list(10, recorded[1].at).entries == (recorded[0],)


def test_the_history_of_a_policy_contains_no_other_actions_and_no_other_policies(system: System) -> None:
    system.record("revocation.add", "client:robot")
    system.policies.put("client:robot", READ, "admin", None)
    system.policies.put(CLERKS, READ, "admin", None)
    assert [entry.action for entry in system.table.history("client:robot", 10, None).entries] == ["policy.write"]


def test_a_page_and_the_oldest_entry_read_no_more_than_they_need(system: System, dynamodb: "DynamoDBClient") -> None:
    read: list[int] = []
    counting: Any = lambda parsed, **_: read.append(parsed["ScannedCount"])  # noqa: E731
    system.record("revocation.add", "client:robot")
    for _ in range(9):
        system.policies.put("client:robot", READ, "admin", None)
    dynamodb.meta.events.register("after-call.dynamodb.Query", counting)
    try:
        newest, oldest = system.table.history("client:robot", 3, None), system.table.oldest("client:robot")
    finally:
        dynamodb.meta.events.unregister("after-call.dynamodb.Query", counting)
    assert [entry.version for entry in newest.entries] == [9, 8, 7]
    assert (oldest and oldest.version, sum(read)) == (1, 4 + 2)
    assert system.table.oldest("group:nobody") is None


def test_an_entry_expires_after_the_retention_time(system: System, dynamodb: "DynamoDBClient") -> None:
    system.record("user.disable")
    (item,) = dynamodb.scan(TableName="AuditTable")["Items"]
    assert int(item["expires_at"]["N"]) == mint.NOW + 1 + 30 * 86_400


def test_each_entry_is_one_log_line_without_statements_and_addresses(system: System) -> None:
    system.policies.put("group:ops@olympus.example", READ, "admin", None)
    (line,) = map(json.loads, system.lines)
    assert line == {
        "message": "audit",
        "at": "2027-01-15T08:00:01.000000Z",
        "by": "arn:aws:iam::1:user/jane@***",
        "way": "cli",
        "action": "policy.write",
        "subject": "group:ops@***",
        "detail": {"version": 1},
    }


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("jane@olympus.example", "jane@***"),
        ("role/jane%40olympus.example/x", "role/jane@***/x"),
        ("jane%2540olympus.example", "jane@***"),
        ('{"by":"jane@olympus.example","way":"cli"}', '{"by":"jane@***","way":"cli"}'),
        ("arn:aws:iam::1:root", "arn:aws:iam::1:root"),
    ],
)
def test_the_domain_of_an_address_is_removed(text: str, masked: str) -> None:
    assert without_addresses(text) == masked


def test_an_unreachable_audit_table_is_an_internal_error_and_the_policy_is_not_written(
    system: System, dynamodb: "DynamoDBClient"
) -> None:
    dynamodb.delete_table(TableName="AuditTable")
    for operation in (
        lambda: system.record("user.disable"),
        lambda: system.table.list(1, None),
        lambda: system.table.find(CLERKS, "1"),
        lambda: system.policies.put(CLERKS, READ, "admin", None),
    ):
        with pytest.raises(InternalError):
            operation()
    assert system.policies.list() == []
