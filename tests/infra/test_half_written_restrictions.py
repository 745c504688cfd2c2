"""A restriction fails, or its command dies, at each write. What remains is safe and visible, and can be repaired."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.sdk_reader import SdkReader
from chalicelib.aws.state_reads import StateReads
from chalicelib.ports import AuthorizationState
from infra.shards import Shards
from infra.templates import read_json
from tests.aws.tables import PROJECT, empty_tables
from tests.fakes import principal
from tests.infra.restricted_stage import WHY, Run
from tests.infra.stages import project_in

COPIES = 3
CLERK = principal()
LOCK, REVOKE = ("lockdown", *WHY), ("revoke", "--client", CLERK.client_id)
# Of the original, of its number, and of each copy. A revocation also writes its own item first.
WRITES = 2 + COPIES
RESTRICTIONS = [pytest.param(LOCK, id="lockdown"), pytest.param(REVOKE, id="revocation")]


class Died(BaseException):
    """The program was killed."""


class Failing:
    """A client of DynamoDB whose writes to the state fail from one write to another. Other calls succeed.

    first, last  the numbers of the writes that fail
    fail         raises an error
    """

    def __init__(self, client: Any, first: int, last: int, fail: Callable[[], None]) -> None:
        self._client, self._failing, self._fail = client, range(first, last + 1), fail
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        if name not in ("update_item", "put_item", "delete_item", "transact_write_items"):
            return call

        def write(**arguments: Any) -> Any:
            if "StateTable" in str(arguments):
                self.writes += 1
                if self.writes in self._failing:
                    self._fail()
            return call(**arguments)

        return write


def throttle() -> None:
    raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")


def die() -> None:
    raise Died


@pytest.fixture(scope="module")
def tables() -> Iterator[Any]:
    with empty_tables() as dynamodb:
        yield dynamodb


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project_in(tmp_path_factory.mktemp("project"), "region: us-east-1")


@pytest.fixture
def run(tables: Any, project: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    for item in tables.scan(TableName="StateTable")["Items"]:
        tables.delete_item(TableName="StateTable", Key={"id": item["id"]})
    tables.put_item(TableName="StateTable", Item={"id": {"S": "generation"}, "n": {"N": "1"}})
    Shards(tables, "StateTable").ensure(COPIES)
    return Run(project, capsys, tables)


def state(run: Run, copy: int) -> AuthorizationState:
    """Returns what an authorizer reads from a copy; 0 is the original."""
    reads = StateReads(SdkReader(run.dynamodb), "StateTable", COPIES if copy else 1, choose=lambda _: copy - 1)
    return reads.read(CLERK)


def restricted(run: Run) -> list[int]:
    """Returns the items under which authorizers restrict requests."""
    found = {number: state(run, number) for number in range(COPIES + 1)}
    return [number for number, it in found.items() if it.locked_until or it.revoked_before >= 0]


ALL, NONE = list(range(COPIES + 1)), list[int]()


def attempt(run: Run, words: tuple[str, ...], first: int, last: int, fail: Callable[[], None]) -> tuple[int, str, str]:
    """Runs a command whose writes fail. Returns its result; (137, "", "") if it died."""
    dynamodb = run.dynamodb
    run.dynamodb = Failing(dynamodb, first, last, fail)
    try:
        return run(*words)
    except Died:
        return 137, "", ""
    finally:
        run.dynamodb = dynamodb


def commands(message: str) -> list[list[str]]:
    """Returns the commands that a message names."""
    return [shlex.split(words) for words in re.findall(r"`python manage\.py (.+?)`", message)]


@pytest.mark.parametrize("words", RESTRICTIONS)
@pytest.mark.parametrize("number", range(1, WRITES + 1))
def test_a_command_that_dies_leaves_a_visible_restriction_that_its_repetition_completes(
    run: Run, words: tuple[str, ...], number: int
) -> None:
    attempt(run, words, number, number, die)
    found = restricted(run)
    assert found == ([] if number == 1 else ALL[: max(1, number - 2)]), "the original first, then each copy in turn"
    status, _, err = run("restrictions")
    assert (status, bool(err)) == ((1, True) if found else (0, False))
    if found:
        assert f"in {len(ALL) - len(found)} of {COPIES} copies" in err
    assert run(*(commands(err)[0] if found else words))[0] == 0
    assert (restricted(run), run("restrictions")[0::2]) == (ALL, (0, ""))


@pytest.mark.parametrize("words", RESTRICTIONS)
def test_the_second_command_that_is_named_lifts_a_restriction_that_some_copies_have(
    run: Run, words: tuple[str, ...]
) -> None:
    attempt(run, words, 4, 4, die)
    assert run(*commands(run("restrictions")[2])[1])[0] == 0
    assert (restricted(run), run("restrictions")[0::2]) == (NONE, (0, ""))


@pytest.mark.parametrize("words", RESTRICTIONS)
@pytest.mark.parametrize("number", range(1, WRITES + 1))
def test_a_failed_write_leaves_the_other_copies_restricted_and_the_command_says_what_to_run_again(
    run: Run, words: tuple[str, ...], number: int
) -> None:
    status, out, err = attempt(run, words, number, number, throttle)
    assert (status, out) == (1, "")
    assert "ThrottlingException" in err
    if number > 2:
        assert f"{COPIES - 1} of {COPIES} copies of the state written" in err
        assert restricted(run) == [item for item in ALL if item != number - 2]
    elif number == 2:
        assert f"0 of {COPIES} copies of the state written" in err
        assert restricted(run) == [0]
    else:
        assert restricted(run) == NONE
    (again,) = commands(err)
    assert run(*again)[0] == 0
    assert (restricted(run), run("restrictions")[0::2]) == (ALL, (0, ""))


@pytest.mark.parametrize("words", RESTRICTIONS)
def test_a_command_gives_up_if_every_write_fails(run: Run, words: tuple[str, ...]) -> None:
    err = attempt(run, words, 3, 99, throttle)[2]
    assert f"0 of {COPIES} copies of the state written" in err
    assert restricted(run) == [0]


@pytest.mark.parametrize("fail", [die, throttle])
@pytest.mark.parametrize("words", RESTRICTIONS)
def test_a_lifting_that_fails_at_any_write_leaves_the_restriction_in_every_copy(
    run: Run, words: tuple[str, ...], fail: Callable[[], None]
) -> None:
    run(*words)
    number, lift = 1, (*words, "--lift")
    while True:
        status, _, err = attempt(run, lift, number, 99, fail)
        if status == 0:
            break
        assert (restricted(run), run("restrictions")[0::2]) == (ALL, (0, ""))
        if fail is throttle:
            assert [*commands(err)[0]][-1] in ("--lift", WHY[1])
        number += 1
    assert number == 2, "a lifting is one write"
    assert (restricted(run), run("restrictions")[0::2]) == (NONE, (0, ""))


@pytest.mark.parametrize("words", RESTRICTIONS)
def test_a_lifting_does_not_lift_what_another_command_restricts_at_the_same_time(
    run: Run, words: tuple[str, ...]
) -> None:
    run(*words)
    dynamodb = run.dynamodb

    def restrict_again() -> None:
        failing, run.dynamodb = run.dynamodb, dynamodb
        assert run(*words)[0] == 0
        run.dynamodb = failing

    status, _, err = attempt(run, (*words, "--lift"), 1, 1, restrict_again)
    assert (status, "Nothing was lifted" in err) == (1, True)
    assert restricted(run) == ALL
    assert run(*commands(err)[0])[0] == 0
    assert restricted(run) == NONE


def test_a_lifting_is_repeated_if_a_policy_change_cancels_it(run: Run) -> None:
    def conflict() -> None:
        answer: Any = {"Error": {"Code": "TransactionCanceledException"}}
        raise ClientError(answer | {"CancellationReasons": [{"Code": "TransactionConflict"}]}, "TransactWriteItems")

    run(*LOCK)
    assert attempt(run, (*LOCK, "--lift"), 1, 2, conflict)[0] == 0
    assert restricted(run) == NONE
    run(*LOCK)
    assert attempt(run, (*LOCK, "--lift"), 1, 3, conflict)[0] == 1
    assert restricted(run) == ALL


def test_a_freeze_is_one_write(run: Run) -> None:
    status, _, err = attempt(run, ("freeze", *WHY), 1, 1, throttle)
    assert (status, commands(err)) == (1, [["freeze", "--stage", "trial", "--for", "1h", *WHY]])
    assert run.document("restrictions")["restrictions"] == []
    assert attempt(run, ("freeze", *WHY), 2, 99, throttle)[0] == 0
    assert len(run.document("restrictions")["restrictions"]) == 1


def test_the_largest_number_of_copies_fits_into_the_transaction_of_a_lifting(run: Run) -> None:
    most = read_json(PROJECT, ".chalice/package.json")["Parameters"]["StateShards"]["MaxValue"]
    Shards(run.dynamodb, "StateTable").ensure(most)
    assert run(*REVOKE)[0] == 0
    assert run(*REVOKE, "--lift")[0] == 0
    assert restricted(run) == NONE
    assert 2 + most == 100, "the original, the revocation and the copies: DynamoDB's limit"


def test_an_expired_revocation_that_is_left_in_the_copies_is_no_difference(run: Run) -> None:
    run(*REVOKE)
    run.dynamodb.delete_item(TableName="StateTable", Key={"id": {"S": f"revoked:client:{CLERK.client_id}"}})
    assert run("restrictions")[0] == 1
    for copy in range(1, COPIES + 1):
        run.dynamodb.update_item(
            TableName="StateTable",
            Key={"id": {"S": f"shard:{copy}"}},
            UpdateExpression="SET #client = :old",
            ExpressionAttributeNames={"#client": f"client:{CLERK.client_id}"},
            ExpressionAttributeValues={":old": {"N": "1"}},
        )
    assert run("restrictions")[0] == 0
