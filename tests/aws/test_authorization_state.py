"""The state table, read by the SDK or by the small reader, and its fake pass the same contract tests."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from chalicelib.aws.authorization_state import StateTable
from chalicelib.aws.sdk_reader import SdkReader
from chalicelib.aws.state_reads import StateReads
from chalicelib.core.errors import CannotDecide, InternalError, NotFound
from chalicelib.ports import AuthorizationState, Revocation, RevocationKind
from infra.shards import Shards
from tests import mint
from tests.aws.readers import reader_of
from tests.fakes import Clock, FakeState, principal

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLE = "StateTable"
CLERK = principal()
NOW = mint.NOW
HOUR, DAY = 3600, 86_400


@pytest.fixture
def table(dynamodb: "DynamoDBClient") -> StateTable:
    return StateTable(dynamodb, TABLE, now=Clock())


State = StateTable | FakeState


class ReadOverHttp(StateTable):
    """Writes by the SDK, and reads as an authorizer does."""

    def __init__(self, dynamodb: "DynamoDBClient", url: str, shards: int = 1) -> None:
        super().__init__(dynamodb, TABLE, now=Clock())
        self._reads = StateReads(reader_of(url), TABLE, shards)


@pytest.fixture
def read_over_http(dynamodb: "DynamoDBClient", dynamodb_url: str) -> StateTable:
    return ReadOverHttp(dynamodb, dynamodb_url)


@pytest.fixture
def copies(dynamodb: "DynamoDBClient") -> StateTable:
    """A table with copies, whose number the writer has only from the table."""
    Shards(dynamodb, TABLE, now=Clock()).ensure(3)
    made = StateTable(dynamodb, TABLE, now=Clock())
    made._reads = StateReads(SdkReader(dynamodb), TABLE, shards=3)
    return made


@pytest.fixture
def copies_over_http(dynamodb: "DynamoDBClient", dynamodb_url: str) -> StateTable:
    Shards(dynamodb, TABLE, now=Clock()).ensure(3)
    return ReadOverHttp(dynamodb, dynamodb_url, shards=3)


@pytest.fixture(params=["fake", "table", "read_over_http", "copies", "copies_over_http"])
def state(request: pytest.FixtureRequest) -> State:
    made: State = FakeState() if request.param == "fake" else request.getfixturevalue(request.param)
    made.bump()
    return made


def revoked(kind: RevocationKind, value: str, at: int = NOW) -> Revocation:
    return Revocation(kind, value, at, "admin")


class TestEveryStateTable:
    """The contract that the use cases depend on."""

    def test_each_bump_returns_a_greater_generation_that_the_next_read_returns(self, state: State) -> None:
        numbers = [state.bump() for _ in range(3)]
        assert numbers == sorted(set(numbers))
        assert state.read(CLERK) == AuthorizationState(numbers[-1])

    def test_without_revocations_no_token_is_refused(self, state: State) -> None:
        assert (state.read(CLERK).revoked_before, state.read(CLERK).session_revoked) == (-1, False)

    @pytest.mark.parametrize(
        ("kind", "value"), [("sub", CLERK.subject), ("client", CLERK.client_id)], ids=["sub", "client"]
    )
    def test_the_latest_revocation_time_of_a_subject_or_client_is_read(
        self, state: State, kind: RevocationKind, value: str
    ) -> None:
        state.put(revoked(kind, value, NOW - 5))
        assert state.read(CLERK)[1:3] == (NOW - 5, False)

    def test_a_session_is_revoked_permanently(self, state: State) -> None:
        state.put(revoked("session", CLERK.session))
        assert state.read(CLERK)[1:3] == (-1, True)

    def test_the_latest_of_several_revocations_applies(self, state: State) -> None:
        state.put(revoked("sub", CLERK.subject, NOW - 5))
        state.put(revoked("client", CLERK.client_id, NOW - 3))
        assert state.read(CLERK).revoked_before == NOW - 3

    @pytest.mark.parametrize("kind", ["sub", "client", "session"])
    def test_a_revocation_of_another_value_does_not_apply(self, state: State, kind: RevocationKind) -> None:
        state.put(revoked(kind, "another"))
        assert state.read(CLERK)[1:3] == (-1, False)

    def test_a_value_that_is_revoked_as_one_kind_is_not_revoked_as_another_kind(self, state: State) -> None:
        state.put(revoked("sub", CLERK.session))
        state.put(revoked("session", CLERK.subject))
        assert state.read(CLERK)[1:3] == (-1, False)

    def test_a_token_without_a_session_is_not_refused_by_a_session_revocation(self, state: State) -> None:
        state.put(revoked("session", "another"))
        assert not state.read(principal(origin_jti=None)).session_revoked

    def test_revocations_are_listed_as_they_were_stored(self, state: State) -> None:
        put = [revoked("client", "robot"), revoked("session", "a:b:c", NOW - 1), revoked("sub", "clerk")]
        for revocation in put:
            state.put(revocation)
        assert sorted(state.list(), key=lambda r: r.kind) == put

    def test_a_later_revocation_replaces_an_earlier_one(self, state: State) -> None:
        state.put(revoked("sub", CLERK.subject, NOW - 5))
        state.put(revoked("sub", CLERK.subject, NOW))
        assert state.read(CLERK).revoked_before == NOW
        assert len(state.list()) == 1

    @pytest.mark.parametrize("kind", ["sub", "client", "session"])
    def test_a_lifted_revocation_refuses_no_token(self, state: State, kind: RevocationKind) -> None:
        value = {"sub": CLERK.subject, "client": CLERK.client_id, "session": CLERK.session}[kind]
        state.put(revoked(kind, value))
        state.lift(kind, value)
        assert state.read(CLERK)[1:3] == (-1, False)
        assert state.list() == []

    def test_a_missing_revocation_cannot_be_lifted(self, state: State) -> None:
        state.put(revoked("sub", "clerk"))
        with pytest.raises(NotFound):
            state.lift("client", "clerk")
        assert len(state.list()) == 1


@pytest.mark.parametrize("kind", ["sub", "client", "session"])
def test_an_earlier_revocation_does_not_replace_a_later_one(table: StateTable, kind: RevocationKind) -> None:
    later, earlier = revoked(kind, "clerk", NOW), Revocation(kind, "clerk", NOW - 5, "late")
    table.put(later)
    table.put(earlier)
    assert table.list() == [later]


def test_a_state_table_without_a_generation_cannot_decide(table: StateTable) -> None:
    table.put(revoked("sub", "another"))
    with pytest.raises(CannotDecide) as failed:
        table.read(CLERK)
    assert failed.value.code == "state_empty"


def test_a_deleted_generation_restarts_above_every_earlier_value(table: StateTable, dynamodb: "DynamoDBClient") -> None:
    before = table.bump()
    dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": "generation"}})
    later = StateTable(dynamodb, TABLE, now=Clock(NOW + 1))
    assert later.bump() > before


def test_a_bump_does_not_restart_an_existing_generation(table: StateTable, dynamodb: "DynamoDBClient") -> None:
    before = table.bump()
    assert StateTable(dynamodb, TABLE, now=Clock(NOW + DAY)).bump() == before + 1


@pytest.mark.parametrize(("kind", "lifetime"), [("sub", DAY), ("client", DAY), ("session", 3650 * DAY)])
def test_the_item_of_a_revocation_is_kept_until_its_tokens_have_expired(
    table: StateTable, dynamodb: "DynamoDBClient", kind: RevocationKind, lifetime: int
) -> None:
    table.put(revoked(kind, "clerk"))
    item = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": f"revoked:{kind}:clerk"}})["Item"]
    assert int(item["expires_at"]["N"]) == NOW + lifetime + HOUR


@pytest.mark.parametrize(
    "operation",
    [
        lambda t: t.read(CLERK),
        lambda t: t.bump(),
        lambda t: t.list(),
        lambda t: t.put(revoked("sub", "clerk")),
        lambda t: t.lift("sub", "clerk"),
    ],
    ids=["read", "bump", "list", "put", "lift"],
)
def test_an_unreachable_table_is_an_internal_error_and_not_a_missing_item(
    dynamodb: "DynamoDBClient", operation: Callable[[StateTable], object]
) -> None:
    with pytest.raises(InternalError) as failed:
        operation(StateTable(dynamodb, "a-table-that-is-not-there"))
    assert failed.value.code == "state_unreachable"


def test_a_failed_read_of_the_authorizer_is_a_failure_to_decide(dynamodb: "DynamoDBClient") -> None:
    with pytest.raises(CannotDecide):
        StateTable(dynamodb, "a-table-that-is-not-there").read(CLERK)


def test_the_small_reader_fails_with_the_code_of_the_sdk(dynamodb_url: str) -> None:
    with pytest.raises(CannotDecide, match="ResourceNotFoundException") as failed:
        StateReads(reader_of(dynamodb_url), "a-table-that-is-not-there").read(CLERK)
    assert failed.value.code == "state_unreachable"


def test_the_connection_is_opened_by_a_read_whose_result_is_not_used(dynamodb_url: str) -> None:
    reads = StateReads(reader_of(dynamodb_url), TABLE)
    reads.connect()  # the table has no generation yet, which only a decision needs
    with pytest.raises(CannotDecide):
        reads.read(CLERK)
