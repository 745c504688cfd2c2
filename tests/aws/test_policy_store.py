"""The policy table, read by the SDK or by the small reader, and its fake pass the same contract tests."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.aws.items import Item
from chalicelib.aws.policies import PolicyTable
from chalicelib.aws.policy_reads import PolicyReads
from chalicelib.core.errors import CannotDecide, InternalError, InvalidInput, NotFound, VersionConflict
from chalicelib.core.policy import CorruptPolicy, DeletedPolicy, Policy
from chalicelib.core.policy_json import to_json
from chalicelib.core.statement import Statement
from chalicelib.ports import PolicyStore
from tests.aws.readers import reader_of
from tests.fakes import Clock, FakePolicies, allow, deny, statements

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLE = "PolicyTable"
READ = statements(allow("/reports", "/reports/*", sid="read", scopes=["openid"]))
WRITE = statements(allow("/reports", methods=["*"], sid="write"), deny("/reports/archived", sid="keep"))


@pytest.fixture
def table(dynamodb: "DynamoDBClient") -> PolicyTable:
    return PolicyTable(dynamodb, TABLE, now=Clock())


class ReadOverHttp(PolicyTable):
    """Writes by the SDK, and reads as an authorizer does."""

    def __init__(self, dynamodb: Any, url: str) -> None:
        super().__init__(dynamodb, TABLE, now=Clock())
        self._reads = PolicyReads(reader_of(url), TABLE)


@pytest.fixture
def read_over_http(dynamodb: Any, dynamodb_url: str) -> PolicyTable:
    return ReadOverHttp(dynamodb, dynamodb_url)


@pytest.fixture(params=["fake", "table", "read_over_http"])
def store(request: pytest.FixtureRequest) -> PolicyStore:
    made: PolicyStore = FakePolicies() if request.param == "fake" else request.getfixturevalue(request.param)
    return made


class TestEveryStore:
    """The contract that the use cases depend on."""

    def test_a_stored_policy_is_found_unchanged(self, store: PolicyStore) -> None:
        put = store.put("group:clerks", READ, "admin", None)
        assert (put.subject, put.version, put.statements, put.updated_by) == ("group:clerks", 1, READ, "admin")
        assert store.get("group:clerks") == put
        assert store.read(["group:clerks"]) == {"group:clerks": put}
        assert store.list() == [put]

    def test_a_second_put_replaces_the_policy_with_the_next_version(self, store: PolicyStore) -> None:
        store.put("group:clerks", READ, "admin", None)
        put = store.put("group:clerks", WRITE, "auditor", None)
        assert (put.version, put.statements, put.updated_by) == (2, WRITE, "auditor")
        assert store.get("group:clerks") == put

    def test_a_policy_without_statements_is_found(self, store: PolicyStore) -> None:
        store.put("group:clerks", (), "admin", None)
        assert store.get("group:clerks").statements == ()
        assert set(store.read(["group:clerks"])) == {"group:clerks"}

    def test_several_policies_are_read_at_once_and_missing_ones_are_omitted(self, store: PolicyStore) -> None:
        for name in ("clerks", "auditors", "bosses"):
            store.put(f"group:{name}", READ, "admin", None)
        assert set(store.read(["group:bosses", "group:nobody", "group:clerks"])) == {"group:bosses", "group:clerks"}

    def test_a_read_without_subjects_is_empty(self, store: PolicyStore) -> None:
        assert store.read([]) == {}

    def test_all_policies_are_listed(self, store: PolicyStore) -> None:
        for subject in ("group:clerks", "client:robot", "group:auditors"):
            store.put(subject, READ, "admin", None)
        assert {policy.subject for policy in store.list()} == {"group:clerks", "client:robot", "group:auditors"}

    def test_a_missing_policy_is_not_found(self, store: PolicyStore) -> None:
        with pytest.raises(NotFound):
            store.get("group:clerks")

    @pytest.mark.parametrize("version", [None, 1])
    def test_a_deleted_policy_is_not_found(self, store: PolicyStore, version: int | None) -> None:
        store.put("group:clerks", READ, "admin", None)
        store.delete("group:clerks", "admin", version)
        assert store.read(["group:clerks"]) == {}
        assert store.list() == []
        with pytest.raises(NotFound):
            store.get("group:clerks")

    def test_a_policy_can_be_put_again_after_it_was_deleted(self, store: PolicyStore) -> None:
        store.put("group:clerks", READ, "admin", None)
        store.delete("group:clerks", "admin", None)
        assert store.put("group:clerks", WRITE, "admin", 0).statements == WRITE
        assert store.get("group:clerks").statements == WRITE

    def test_a_policy_can_be_replaced_at_the_version_that_was_read(self, store: PolicyStore) -> None:
        store.put("group:clerks", READ, "admin", 0)
        assert store.put("group:clerks", WRITE, "admin", 1).version == 2

    @pytest.mark.parametrize("stale", [0, 1, 3])
    def test_a_write_at_another_version_is_a_conflict_and_changes_nothing(self, store: PolicyStore, stale: int) -> None:
        store.put("group:clerks", READ, "admin", None)
        newest = store.put("group:clerks", WRITE, "auditor", None)
        with pytest.raises(VersionConflict, match=f"version {stale}"):
            store.put("group:clerks", READ, "admin", stale)
        with pytest.raises(VersionConflict):
            store.delete("group:clerks", "admin", stale)
        assert store.get("group:clerks") == newest

    @pytest.mark.parametrize("change", ["put", "delete"])
    def test_a_write_can_depend_on_another_policy(self, store: PolicyStore, change: str) -> None:
        def write(version: int | None, unchanged: Policy) -> Policy | None:
            arguments = ("group:clerks", WRITE) if change == "put" else ("group:clerks",)
            written: Policy | None = getattr(store, change)(*arguments, "admin", version, unchanged)
            return written

        store.put("group:clerks", READ, "admin", None)
        other = store.put("group:owners", READ, "admin", None)
        store.put("group:owners", WRITE, "admin", None)
        with pytest.raises(VersionConflict, match="group:owners"):
            write(1, other)
        store.delete("group:owners", "admin", None)
        with pytest.raises(VersionConflict, match="group:owners"):
            write(None, other)
        assert store.get("group:clerks").version == 1
        other = store.put("group:owners", READ, "admin", None)
        with pytest.raises(VersionConflict, match="group:clerks"):
            write(7, other)
        written = write(1, other)
        assert (written.version, store.get("group:clerks")) == (2, written) if written else store.list() == [other]

    def test_version_0_creates_a_policy(self, store: PolicyStore) -> None:
        with pytest.raises(VersionConflict):
            store.put("group:clerks", READ, "admin", 1)
        assert store.list() == []
        assert store.put("group:clerks", READ, "admin", 0).version == 1


@pytest.mark.parametrize("version", [None, 0, 1, 2])
def test_a_missing_policy_cannot_be_deleted(table: PolicyTable, version: int | None) -> None:
    with pytest.raises(NotFound):
        table.delete("group:clerks", "admin", version)
    table.put("group:clerks", READ, "admin", None)
    table.delete("group:clerks", "admin", None)
    with pytest.raises(NotFound):
        table.delete("group:clerks", "admin", version)


def test_a_policy_put_again_continues_the_versions_of_the_deleted_policy(table: PolicyTable) -> None:
    table.put("group:clerks", READ, "admin", None)
    table.delete("group:clerks", "admin", None)
    with pytest.raises(VersionConflict):
        table.put("group:clerks", WRITE, "late", 1)
    assert table.put("group:clerks", READ, "admin", None).version == 3
    with pytest.raises(VersionConflict):
        table.put("group:clerks", WRITE, "late", 1)


def test_a_deletion_records_who_deleted_the_policy(table: PolicyTable, dynamodb: "DynamoDBClient") -> None:
    table.put("group:clerks", READ, "admin", None)
    table.delete("group:clerks", "auditor", None)
    kept = dynamodb.get_item(TableName=TABLE, Key={"subject": {"S": "group:clerks"}})["Item"]
    assert kept["updated_by"] == {"S": "auditor"}
    assert "statements" not in kept


def test_policies_are_listed_sorted_by_subject(table: PolicyTable) -> None:
    for subject in ("group:clerks", "client:robot", "group:auditors"):
        table.put(subject, READ, "admin", None)
    assert [policy.subject for policy in table.list()] == ["client:robot", "group:auditors", "group:clerks"]


def test_a_repeated_subject_is_read_once(table: PolicyTable) -> None:
    table.put("group:clerks", READ, "admin", None)
    assert set(table.read(["group:clerks", "group:clerks"])) == {"group:clerks"}


def test_more_than_100_subjects_are_all_read(table: PolicyTable) -> None:
    subjects = [f"group:g{number}" for number in range(101)]
    table.put(subjects[0], READ, "admin", None)
    table.put(subjects[-1], READ, "admin", None)
    assert set(table.read(subjects)) == {subjects[0], subjects[-1]}


def test_the_small_reader_reads_more_subjects_than_dynamodb_reads_at_once(read_over_http: PolicyTable) -> None:
    subjects = [f"group:g{number}" for number in range(101)]
    read_over_http.put(subjects[0], READ, "admin", None)
    read_over_http.put(subjects[-1], READ, "admin", None)
    assert set(read_over_http.read(subjects)) == {subjects[0], subjects[-1]}


def test_the_small_reader_fails_with_the_code_of_the_sdk(dynamodb_url: str) -> None:
    with pytest.raises(CannotDecide, match="ResourceNotFoundException") as failed:
        PolicyReads(reader_of(dynamodb_url), "a-table-that-is-not-there").read(["group:clerks"])
    assert failed.value.code == "policies_unreachable"


def test_the_time_of_a_change_is_stored_in_utc(table: PolicyTable) -> None:
    assert table.put("group:clerks", READ, "admin", None).updated_at == "2027-01-15T08:00:00+00:00"


GOOD_ITEM: dict[str, Any] = {
    "subject": {"S": "group:clerks"},
    "version": {"N": "7"},
    "statements": {"S": to_json(WRITE)},
    "updated_by": {"S": "console"},
    "updated_at": {"S": "2027-01-15T08:00:00+00:00"},
}


def without(name: str) -> dict[str, Any]:
    return {field: value for field, value in GOOD_ITEM.items() if field != name}


def with_statements(text: str) -> dict[str, Any]:
    return {**GOOD_ITEM, "statements": {"S": text}}


CORRUPT = {
    "no version": without("version"),
    "a version that is not an integer": {**GOOD_ITEM, "version": {"N": "1.5"}},
    "a version that is a string": {**GOOD_ITEM, "version": {"S": "7"}},
    "no statements": without("statements"),
    "no author": without("updated_by"),
    "no time": without("updated_at"),
    "statements as a map": {**GOOD_ITEM, "statements": {"M": {}}},
    "statements that are not JSON": with_statements("allow all"),
    "truncated statements": with_statements(to_json(WRITE)[:-2]),
    "statements that are not a list": with_statements("{}"),
    "an effect in lower case": with_statements(json.dumps([allow("/x"), {**deny("/x"), "effect": "deny"}])),
    "a field that does not exist": with_statements(json.dumps([{**allow("/x"), "path": "/y"}])),
}


@pytest.mark.parametrize("item", CORRUPT.values(), ids=CORRUPT.keys())
def test_a_read_of_a_corrupt_item_raises_cannot_decide(
    table: PolicyTable, dynamodb: "DynamoDBClient", item: Item
) -> None:
    dynamodb.put_item(TableName=TABLE, Item=item)
    with pytest.raises(CannotDecide) as failed:
        table.read(["group:clerks"])
    assert failed.value.code == "policy_corrupt"


@pytest.mark.parametrize("operation", [lambda t: t.get("group:clerks"), lambda t: t.list()], ids=["get", "list"])
def test_a_corrupt_policy_is_not_returned_to_administrators(
    table: PolicyTable, dynamodb: "DynamoDBClient", operation: Callable[[PolicyTable], object]
) -> None:
    dynamodb.put_item(TableName=TABLE, Item=with_statements("allow all"))
    with pytest.raises(InternalError) as failed:
        operation(table)
    assert failed.value.code == "policy_corrupt"


def test_an_item_written_by_another_tool_in_the_expected_form_is_a_policy(
    table: PolicyTable, dynamodb: "DynamoDBClient"
) -> None:
    dynamodb.put_item(TableName=TABLE, Item=GOOD_ITEM)
    assert (table.get("group:clerks").version, table.get("group:clerks").statements) == (7, WRITE)


def test_a_put_repairs_a_corrupt_policy(table: PolicyTable, dynamodb: "DynamoDBClient") -> None:
    dynamodb.put_item(TableName=TABLE, Item=with_statements("allow all"))
    assert table.put("group:clerks", READ, "admin", None).version == 8
    assert table.get("group:clerks").statements == READ


@pytest.mark.parametrize(
    "operation",
    [
        lambda t: t.read(["group:clerks"]),
        lambda t: t.get("group:clerks"),
        lambda t: t.list(),
        lambda t: t.put("group:clerks", READ, "admin", 3),
        lambda t: t.delete("group:clerks", "admin", None),
    ],
    ids=["read", "get", "list", "put", "delete"],
)
def test_an_unreachable_table_is_an_internal_error_and_not_a_missing_item(
    dynamodb: "DynamoDBClient", operation: Callable[[PolicyTable], object]
) -> None:
    with pytest.raises(InternalError) as failed:
        operation(PolicyTable(dynamodb, "a-table-that-is-not-there"))
    assert failed.value.code == "policies_unreachable"


def test_a_failed_read_of_the_authorizer_is_a_failure_to_decide(dynamodb: "DynamoDBClient") -> None:
    with pytest.raises(CannotDecide):
        PolicyTable(dynamodb, "a-table-that-is-not-there").read(["group:clerks"])


# --- all items of the table ---


def test_every_stored_item_is_listed_with_its_type(table: PolicyTable, dynamodb: "DynamoDBClient") -> None:
    table.put("group:auditors", READ, "admin", None)
    table.put("group:bosses", READ, "admin", None)
    table.delete("group:bosses", "auditor", None)
    dynamodb.put_item(TableName=TABLE, Item=with_statements("allow all"))
    assert table.list_stored() == [
        table.get("group:auditors"),
        DeletedPolicy("group:bosses", 2, "auditor", "2027-01-15T08:00:00+00:00"),
        CorruptPolicy("group:clerks", 7, "console", "2027-01-15T08:00:00+00:00"),
    ]


@pytest.mark.parametrize("name", ["version", "updated_by", "updated_at"])
def test_a_field_that_is_missing_or_of_another_type_is_listed_as_none(
    table: PolicyTable, dynamodb: "DynamoDBClient", name: str
) -> None:
    for item in (without(name), {**GOOD_ITEM, name: {"BOOL": True}}):
        dynamodb.put_item(TableName=TABLE, Item=item)
        (stored,) = table.list_stored()
        assert isinstance(stored, CorruptPolicy)
        assert getattr(stored, name) is None


@pytest.mark.parametrize("deleted", [{"BOOL": True}, {"BOOL": False}, {"S": ""}], ids=["true", "false", "a string"])
def test_an_item_with_a_deletion_mark_of_any_type_is_a_deleted_policy(
    table: PolicyTable, dynamodb: "DynamoDBClient", deleted: dict[str, Any]
) -> None:
    dynamodb.put_item(TableName=TABLE, Item={"subject": GOOD_ITEM["subject"], "deleted": deleted})
    assert table.list_stored() == [DeletedPolicy("group:clerks", None, None, None)]
    assert (table.read(["group:clerks"]), table.list()) == ({}, [])


# --- the size ---


def refuse_two(policy: Sequence[Statement]) -> None:
    if len(policy) == 2:
        raise InvalidInput("statements", "too large")


def test_a_stored_policy_that_is_too_large_is_corrupt(table: PolicyTable, dynamodb: "DynamoDBClient") -> None:
    table.put("group:auditors", READ, "admin", None)
    table.put("group:clerks", WRITE, "admin", None)
    checking = PolicyTable(dynamodb, TABLE, check_size=refuse_two)
    assert checking.get("group:auditors").statements == READ
    with pytest.raises(CannotDecide) as failed:
        checking.read(["group:auditors", "group:clerks"])
    assert failed.value.code == "policy_corrupt"
    assert [type(stored) for stored in checking.list_stored()] == [Policy, CorruptPolicy]
