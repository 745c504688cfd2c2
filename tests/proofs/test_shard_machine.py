"""Checks that the shipped code keeps its guarantee with copies of the state, and that the machine finds broken code."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.aws.state_copies import StateCopies
from chalicelib.aws.state_reads import GENERATION
from chalicelib.ports import StateReader
from infra.shards import Shards
from tests.proofs.invalidation_machine import (
    CHANGE,
    EDIT,
    LOSE_GENERATION,
    REVOKE,
    SEND,
    SETTINGS,
    SIGN_IN,
    STREAM,
    WAIT,
    Now,
    Setting,
    explore,
    setting,
)
from tests.proofs.ledger import Violation
from tests.proofs.shard_machine import LOCK, MOST, RESIZE, SHARD_CAPABILITIES, PinnedReads, Sharded, ShardMachine
from tests.proofs.world import STATE


def search(code: Sharded, capabilities: tuple[str, ...]) -> None:
    """Search with a new seed every few runs, as `test_broken_variants` does."""
    for random_seed in range(10, 64):
        explore(
            code, setting(), 60, 25, (SEND, *capabilities), random_seed=random_seed, shrink=False, machine=ShardMachine
        )


@pytest.mark.parametrize(
    ("where", "runs"), [(SETTINGS["the defaults"], 60), (SETTINGS["both"], 60)], ids=["the defaults", "every cache"]
)
def test_the_guarantee_holds_while_the_number_of_copies_changes_with(where: Setting, runs: int) -> None:
    counts = explore(
        Sharded(), where, runs, moves=25, capabilities=SHARD_CAPABILITIES, random_seed=2, machine=ShardMachine
    )
    for what in ("decisions under a lockdown", "resizes that stopped half-way", "failures without a decision"):
        assert counts[what] > runs / 4, f"the runs contain too few {what}"
    assert counts["decisions on cached policies"] > 2 * runs


def test_the_guarantee_holds_after_an_item_was_lost_if_the_writers_have_the_number_in_their_settings() -> None:
    code = Sharded()
    code.at_least = MOST
    capabilities = (SEND, CHANGE, REVOKE, WAIT, EDIT, STREAM, SIGN_IN, LOSE_GENERATION)
    counts = explore(code, setting(), runs=40, moves=25, capabilities=capabilities, machine=ShardMachine)
    assert counts["failures without a decision"] > 30


# --------------------------------------------------------------------------------------------------- broken writers


class OriginalAlone(StateCopies):
    """Acknowledges before the copies are written."""

    def numbers(self, original: Any) -> range:
        return range(0)


class FirstCopyAlone(StateCopies):
    def numbers(self, original: Any) -> range:
        return super().numbers(original)[:1]


class SettingsAlone(StateCopies):
    """Uses the number of the settings, and not that of the table."""

    def numbers(self, original: Any) -> range:
        return super().numbers({})


def _numbers(**values: str) -> dict[str, Any]:
    return {f":{name}": {"N": value} for name, value in values.items()}


class Writers(Sharded):
    """Writers with other copies. The operator works as shipped."""

    def __init__(self, copies: type[StateCopies]) -> None:
        self.kind = copies

    def copies(self, client: Any, now: Now) -> StateCopies:
        return self.kind(client, STATE, now, self.at_least)


# ------------------------------------------------------------------------------------------------- broken operators


class StartsFirst(Sharded):
    """Starts a copy before the writers know it."""

    first = 1

    def grow(self, shards: Shards, number: int) -> None:
        shards._copies._at_least = number
        shards.start_copies()
        shards._copies._at_least = 1
        shards.name_copies(number)
        shards.complete_copies()


class StartsIncomplete(Sharded):
    """Starts a copy that has neither the revocations nor the lockdown."""

    first = 1

    def grow(self, shards: Shards, number: int) -> None:
        shards.name_copies(number)
        shards.start_copies()


# --------------------------------------------------------------------------------------------------- broken readers


class FallsBack(PinnedReads):
    """Decides without a generation when its copy is not in use."""

    def __init__(self, client: Any, number: int) -> None:
        super().__init__(Defaulting(client), number)


class Defaulting:
    def __init__(self, client: Any) -> None:
        self._client = client

    def batch_get_item(self, RequestItems: Any) -> Any:
        answer = self._client.batch_get_item(RequestItems=RequestItems)
        items = answer["Responses"].setdefault(STATE, []) if STATE in RequestItems else []
        for key in RequestItems.get(STATE, {}).get("Keys", []):
            if key["id"]["S"].startswith(("shard:", GENERATION)) and not any("n" in item for item in items):
                items.append({**key, "n": {"N": "1"}})
        return answer


class Readers(Sharded):
    def __init__(self, reads: Callable[[Any, int], StateReader]) -> None:
        self.reads = reads

    def state(self, client: Any, now: Now) -> StateReader:
        return self.reads(client, self.reads_item)


class WanderingReads:
    """Reads another item for each request, while the cache knows only the generation."""

    def __init__(self, client: Any, number: int) -> None:
        self._all = [PinnedReads(client, (number + more) % (MOST + 1)) for more in range(MOST + 1)]

    def read(self, principal: Any) -> Any:
        self._all.append(self._all.pop(0))
        return self._all[0].read(principal)._replace(generation=1)


OLD = {"a revoked permission is refused", "a granted permission is allowed", "every failure has a cause"}
REVOKED, LOCKED, FAILED = (
    {"a revoked token is refused"},
    {"a lockdown is effective"},
    {"a failed request gets no decision"},
)


@pytest.mark.parametrize(
    ("code", "capabilities", "rules"),
    [
        pytest.param(Writers(OriginalAlone), (CHANGE,), OLD, id="a change is acknowledged before the copies count"),
        pytest.param(Writers(OriginalAlone), (EDIT, STREAM), OLD, id="the stream handler counts the original only"),
        pytest.param(
            Writers(FirstCopyAlone), (CHANGE,), OLD, id="a change is acknowledged before the last copy counts"
        ),
        pytest.param(Writers(SettingsAlone), (CHANGE,), OLD, id="writers use the number of their settings"),
        pytest.param(Writers(OriginalAlone), (REVOKE,), REVOKED, id="a revoked client is written to the original only"),
        pytest.param(Writers(OriginalAlone), (LOCK,), LOCKED, id="a lockdown is written to the original only"),
        pytest.param(StartsFirst(), (CHANGE, RESIZE), OLD, id="a copy is started before the writers know it"),
        pytest.param(StartsIncomplete(), (LOCK, RESIZE), LOCKED, id="a copy is started without the lockdown"),
        pytest.param(StartsIncomplete(), (REVOKE, RESIZE), REVOKED, id="a copy is started without the revocations"),
        pytest.param(Readers(FallsBack), (RESIZE,), FAILED, id="an authorizer decides without a generation"),
        pytest.param(Readers(WanderingReads), (CHANGE,), OLD, id="the cache does not know the generation of the item"),
    ],
)
def test_the_machine_finds_that(code: Sharded, capabilities: tuple[str, ...], rules: set[str]) -> None:
    with pytest.raises(Violation) as found:
        search(code, capabilities)
    assert found.value.rule in rules
