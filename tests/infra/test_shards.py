"""The number of copies of the state changes while others write, and each step can fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.aws.authorization_state import StateTable
from chalicelib.aws.restrictions import RestrictionTable
from chalicelib.aws.sdk_reader import SdkReader
from chalicelib.aws.state_copies import StateCopies
from chalicelib.aws.state_reads import StateReads
from chalicelib.core.errors import CannotDecide
from chalicelib.ports import AuthorizationState, Restriction, Revocation
from infra.errors import Refused
from infra.shards import Shards, readers_shards, refuse_unknown_shards
from infra.stage import Stage
from tests import mint
from tests.aws.tables import empty_tables
from tests.fakes import Clock, principal
from tests.infra.account import Account

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLE, NOW = "StateTable", mint.NOW
CLERK = principal()
MACHINE = principal(username=None, origin_jti=None, client_id=mint.MACHINE_CLIENT)
REVOKED = Revocation("client", CLERK.client_id, NOW, "admin")
LOCKED = Restriction("lockdown", NOW + 600, "a leak", "zeus")
LIFTED = Restriction("lockdown", 0, "closed", "zeus")


@pytest.fixture(scope="module")
def tables() -> Iterator[DynamoDBClient]:
    with empty_tables() as client:
        yield client


@pytest.fixture
def dynamodb(tables: DynamoDBClient) -> DynamoDBClient:
    for id_ in items(tables):
        tables.delete_item(TableName=TABLE, Key={"id": {"S": id_}})
    StateTable(tables, TABLE, now=Clock()).bump()
    return tables


@pytest.fixture
def shards(dynamodb: DynamoDBClient) -> Shards:
    return Shards(dynamodb, TABLE, now=Clock())


def items(dynamodb: DynamoDBClient) -> Mapping[str, Any]:
    return {item["id"]["S"]: item for item in dynamodb.scan(TableName=TABLE)["Items"]}


def read(dynamodb: DynamoDBClient, copy: int, of: int = 3, who: Any = CLERK) -> AuthorizationState:
    return StateReads(SdkReader(dynamodb), TABLE, of, choose=lambda _: copy - 1).read(who)


def test_one_shard_is_the_original_alone(dynamodb: DynamoDBClient, shards: Shards) -> None:
    state = StateTable(dynamodb, TABLE, now=Clock())
    before = items(dynamodb)
    assert not shards.ensure(1)
    assert items(dynamodb) == before
    state.bump()
    state.put(REVOKED)
    RestrictionTable(dynamodb, TABLE, now=Clock()).put(LOCKED)
    assert set(items(dynamodb)) == {"generation", f"revoked:client:{CLERK.client_id}"}
    assert set(items(dynamodb)["generation"]) == {"id", "n", "locked_until", "locked_reason", "locked_by"}


def test_a_new_copy_has_the_revocations_and_the_lockdown_of_the_original(
    dynamodb: DynamoDBClient, shards: Shards
) -> None:
    StateTable(dynamodb, TABLE, now=Clock()).put(REVOKED)
    RestrictionTable(dynamodb, TABLE, now=Clock()).put(LOCKED)
    assert shards.ensure(3)
    for copy in (1, 2, 3):
        assert read(dynamodb, copy)[1:] == (NOW, False, LOCKED.until)
    assert (shards.stored(), shards.unusable()) == (3, [])
    assert not shards.ensure(3), "a second run changes nothing"
    assert not shards.ensure(2), "a deployment with fewer copies removes none"
    assert shards.stored() == 3


def test_what_changes_later_is_written_to_every_copy(dynamodb: DynamoDBClient, shards: Shards) -> None:
    shards.ensure(3)
    state, restrictions = StateTable(dynamodb, TABLE, now=Clock()), RestrictionTable(dynamodb, TABLE, now=Clock())
    before = [read(dynamodb, copy).generation for copy in (1, 2, 3)]
    state.bump()
    state.put(REVOKED)
    restrictions.put(LOCKED)
    changed = [read(dynamodb, copy) for copy in (1, 2, 3)]
    assert changed == [AuthorizationState(generation + 1, NOW, False, LOCKED.until) for generation in before]
    state.lift("client", CLERK.client_id)
    restrictions.put(LIFTED)
    assert {read(dynamodb, copy)[1:] for copy in (1, 2, 3)} == {(-1, False, 0)}


def test_a_machine_reads_one_item_of_a_copy(dynamodb: DynamoDBClient, shards: Shards) -> None:
    shards.ensure(3)
    asked: list[Any] = []

    class Recording:
        def batch_get_item(self, RequestItems: Any) -> Any:
            asked.extend(key["id"]["S"] for key in RequestItems[TABLE]["Keys"])
            return dynamodb.batch_get_item(RequestItems=RequestItems)

    StateReads(SdkReader(Recording()), TABLE, 3, choose=lambda _: 1).read(MACHINE)  # type: ignore[arg-type]
    assert asked == ["shard:2"]
    asked.clear()
    StateReads(SdkReader(Recording()), TABLE, 3, choose=lambda _: 1).read(CLERK)  # type: ignore[arg-type]
    assert asked == [f"revoked:session:{CLERK.session}", f"revoked:sub:{CLERK.subject}", "shard:2"]


@pytest.mark.parametrize("copy", [1, 2, 3])
def test_a_copy_that_does_not_exist_is_a_failure_to_decide(dynamodb: DynamoDBClient, copy: int) -> None:
    with pytest.raises(CannotDecide) as failed:
        read(dynamodb, copy)
    assert failed.value.code == "state_empty"


def test_an_item_without_a_generation_is_a_failure_to_decide(dynamodb: DynamoDBClient) -> None:
    for id_ in ("shard:1", "generation"):
        dynamodb.put_item(TableName=TABLE, Item={"id": {"S": id_}, "locked_until": {"N": "0"}})
    for shards, copy in ((3, 1), (1, 1)):
        with pytest.raises(CannotDecide):
            read(dynamodb, copy, of=shards)


def test_an_authorizer_of_too_many_shards_fails_and_one_of_fewer_decides(
    dynamodb: DynamoDBClient, shards: Shards
) -> None:
    shards.ensure(2)
    assert read(dynamodb, 2, of=2).generation > 0
    assert read(dynamodb, 1, of=1).generation > 0
    with pytest.raises(CannotDecide):
        read(dynamodb, 3, of=3)


def test_an_instance_keeps_its_copy_and_chooses_it_at_its_first_read(dynamodb: DynamoDBClient, shards: Shards) -> None:
    shards.ensure(3)
    choices: list[int] = []

    def choose(below: int) -> int:
        choices.append(below)
        return 0

    reads = StateReads(SdkReader(dynamodb), TABLE, 3, choose)
    assert choices == [], "the copies of one snapshot would share the choice"
    for _ in range(3):
        reads.read(CLERK)
    assert choices == [3]


def test_a_removed_copy_is_a_failure_and_no_writer_creates_it_again(dynamodb: DynamoDBClient, shards: Shards) -> None:
    shards.ensure(3)
    late = StateTable(dynamodb, TABLE, now=Clock(), shards=3)  # a function of the release before
    shards.shrink(2)
    late.bump()
    late.put(REVOKED)
    with pytest.raises(CannotDecide):
        read(dynamodb, 3)
    assert read(dynamodb, 2)[1] == NOW
    late.lift("client", CLERK.client_id)
    shards.ensure(3)
    assert read(dynamodb, 3)[1:] == (-1, False, 0), "what a late writer left in a removed copy does not count"


def test_a_copy_starts_with_a_generation_that_it_never_had(dynamodb: DynamoDBClient) -> None:
    clock = Clock()
    shards, state = Shards(dynamodb, TABLE, clock), StateTable(dynamodb, TABLE, now=clock)
    shards.ensure(2)
    for _ in range(5):
        state.bump()
    before = read(dynamodb, 2, of=2).generation
    shards.shrink(1)
    clock.advance(1)
    shards.ensure(2)
    assert read(dynamodb, 2, of=2).generation > before


def test_a_resize_can_stop_at_any_write_and_is_completed_by_the_next_run(dynamodb: DynamoDBClient) -> None:
    StateTable(dynamodb, TABLE, now=Clock()).put(REVOKED)
    RestrictionTable(dynamodb, TABLE, now=Clock()).put(LOCKED)
    for stop in range(1, 30):
        client: Any = Interrupted(dynamodb, stop, _stopped)
        try:
            Shards(client, TABLE, Clock()).ensure(3)
        except Stopped:
            for copy in (1, 2, 3):
                assert _usable(dynamodb, copy) in (None, (NOW, False, LOCKED.until)), f"write {stop}"
            continue
        break
    assert stop > 5, "the resize has more writes than this"
    assert [_usable(dynamodb, copy) for copy in (1, 2, 3)] == [(NOW, False, LOCKED.until)] * 3


def _usable(dynamodb: DynamoDBClient, copy: int) -> Any:
    try:
        return read(dynamodb, copy)[1:]
    except CannotDecide:
        return None


class Stopped(Exception):
    """A process has died."""


def _stopped() -> None:
    raise Stopped


class Interrupted:
    """A client that calls `do` before its `number`-th write."""

    def __init__(self, client: Any, number: int, do: Callable[[], object]) -> None:
        self._client, self._left, self._do = client, number, do

    def __getattr__(self, name: str) -> Any:
        if name not in ("update_item", "put_item", "delete_item"):
            return getattr(self._client, name)

        def write(**arguments: Any) -> Any:
            self._left -= 1
            if self._left == 0:
                self._do()
            return getattr(self._client, name)(**arguments)

        return write


@pytest.mark.parametrize("number", range(2, 6))
def test_a_lifting_between_two_writes_of_a_lockdown_wins_in_every_copy(
    dynamodb: DynamoDBClient, shards: Shards, number: int
) -> None:
    shards.ensure(3)
    lift = lambda: RestrictionTable(dynamodb, TABLE, now=Clock()).put(LIFTED)  # noqa: E731
    client: Any = Interrupted(dynamodb, number, lift)
    RestrictionTable(client, TABLE, now=Clock()).put(LOCKED)
    assert {read(dynamodb, copy).locked_until for copy in (1, 2, 3)} == {0}


@pytest.mark.parametrize("number", range(1, 5))
def test_a_policy_change_during_a_shrink_leaves_no_copy_that_can_be_read_but_is_not_counted(
    dynamodb: DynamoDBClient, shards: Shards, number: int
) -> None:
    shards.ensure(3)
    writer: Any = Interrupted(dynamodb, number, lambda: shards.shrink(1))
    StateTable(writer, TABLE, now=Clock()).bump()
    assert [_usable(dynamodb, copy) for copy in (1, 2, 3)] == [None] * 3


@pytest.mark.parametrize("number", range(1, 3))
def test_a_policy_change_between_the_steps_of_a_shrink_counts_what_can_still_be_read(
    dynamodb: DynamoDBClient, shards: Shards, number: int
) -> None:
    shards.ensure(3)
    counted: list[bool] = []

    def change() -> None:
        usable = {copy: read(dynamodb, copy).generation for copy in (1, 2, 3) if _usable(dynamodb, copy)}
        StateTable(dynamodb, TABLE, now=Clock()).bump()
        counted.extend(read(dynamodb, copy).generation > before for copy, before in usable.items())

    Shards(Interrupted(dynamodb, number, change), TABLE, Clock()).shrink(2)
    assert counted
    assert all(counted)


def test_a_lost_copy_is_a_failure_until_it_is_repaired(dynamodb: DynamoDBClient, shards: Shards) -> None:
    shards.ensure(3)
    RestrictionTable(dynamodb, TABLE, now=Clock()).put(LOCKED)
    dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": "shard:2"}})
    StateTable(dynamodb, TABLE, now=Clock()).bump()
    assert shards.unusable() == [2]
    with pytest.raises(CannotDecide):
        read(dynamodb, 2)
    assert shards.ensure(3)
    assert read(dynamodb, 2).locked_until == LOCKED.until


def test_the_number_of_the_settings_counts_if_the_original_was_lost(dynamodb: DynamoDBClient, shards: Shards) -> None:
    shards.ensure(3)
    before = read(dynamodb, 3).generation
    dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": "generation"}})
    StateTable(dynamodb, TABLE, now=Clock(), shards=3).bump()
    assert read(dynamodb, 3).generation > before
    assert StateCopies(dynamodb, TABLE).numbers({}) == range(0)


# ------------------------------------------------------------------------------------------------------ the deployment

STAGE = Stage("trial", "olympus", "mars-west-1", None, {}, {})


def with_versions(live: str, canary: str = "") -> Account:
    environments = {"1": {}, "2": {"STATE_SHARDS": "2"}, "8": {"STATE_SHARDS": "8"}}
    routing = {"RoutingConfig": {"AdditionalVersionWeights": {canary: 0.1}}} if canary else {}
    return Account(
        **{
            "lambda": {
                "get_alias": lambda **_: {"FunctionVersion": live, **routing},
                "get_function_configuration": lambda Qualifier, **_: {
                    "Environment": {"Variables": environments[Qualifier]}
                },
            }
        }
    )


@pytest.mark.parametrize(("live", "canary", "expected"), [("1", "", 1), ("2", "", 2), ("1", "8", 8), ("8", "1", 8)])
def test_every_version_that_gets_requests_counts_as_a_reader(live: str, canary: str, expected: int) -> None:
    assert readers_shards(STAGE, with_versions(live, canary)) == expected


def test_copies_are_refused_while_functions_without_copies_are_deployed() -> None:
    refuse_unknown_shards(STAGE, None)
    refuse_unknown_shards(STAGE, {"Parameters": [{"ParameterKey": "StateShards"}]})
    with pytest.raises(Refused, match="deploy again with StateShards"):
        refuse_unknown_shards(STAGE, {"Parameters": [{"ParameterKey": "DefaultGroups"}]})
