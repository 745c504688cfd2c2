"""Simulates the reads of the copies of the state (`STATE_SHARDS`) at a constant load, with the shipped reader."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from benchmarks import prices
from benchmarks.fleet import Agenda, Fleet, arrivals
from chalicelib.authorize import Authorize
from chalicelib.aws.state_reads import StateReads
from chalicelib.core.policy import Policy
from chalicelib.core.principal import Principal

SEED = 20261128
WITH_READ = 0.015  # seconds of an authorizer, an assumption of docs/scaling.md
_MONTH = 730 * 3600  # seconds


class CountingTable:
    """Implements ItemReader. It counts the reads of each key, and the policies that are read."""

    def __init__(self) -> None:
        self.reads: Counter[str] = Counter()
        self.generation = 1

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> Mapping[str, Any]:
        ((table, request),) = RequestItems.items()
        ids = [key["id"]["S"] for key in request["Keys"]]
        self.reads.update(ids)
        n = {"N": str(self.generation)}
        items = [{"id": {"S": id_}, "n": n} for id_ in ids if id_.startswith(("shard:", "generation"))]
        return {"Responses": {table: items}, "UnprocessedKeys": {}}

    def get_item(self, *, TableName: str, Key: Any, ConsistentRead: bool) -> Mapping[str, Any]:
        raise NotImplementedError


class CountingPolicies:
    """Implements PolicyReader without policies."""

    reads = 0

    def read(self, subjects: Iterable[str]) -> Mapping[str, Policy]:  # noqa: ARG002
        self.reads += 1
        return {}


@dataclass(frozen=True, slots=True)
class Load:
    """The result of a constant load, with one policy change in its middle.

    busiest       reads a second of the copy that is read most
    keys          keys that one decision reads
    environments  of the authorizer
    policy_reads  reads of the callers' policies in the tenth of a second after the change
    """

    busiest: float
    keys: float
    environments: int
    policy_reads: int


def load(rate: int, shards: int, is_machine: bool = False, seconds: float = 0.5) -> Load:
    """Simulates decisions of many users, or of one machine. Each environment chooses its copy at random, as shipped."""
    chance = random.Random(SEED)  # noqa: S311  # reproducible, not a secret
    table, policies, fleet, agenda = CountingTable(), CountingPolicies(), Fleet(), Agenda()
    fleet.warm(int(rate * WITH_READ))
    caller = _machine() if is_machine else _user()
    use_cases: dict[int, Authorize] = {}
    now, decisions, before, after = 0.0, 0, 0, 0
    change = seconds / 2
    for now in arrivals(rate, seconds, chance):
        for _, _, finished in agenda.due(now):
            fleet.give_back(finished)
        taken = fleet.take(now)
        assert taken is not None, "a fleet without an account has no concurrency limit"
        if taken[0] not in use_cases:
            state = StateReads(table, "state", shards, chance.randrange)
            use_cases[taken[0]] = Authorize(lambda _: caller, state, policies)
        if now >= change and table.generation == 1:
            table.generation, before = 2, policies.reads
        use_cases[taken[0]]("token", "GET", "/reports")
        after = policies.reads if now < change + 0.1 else after
        decisions += 1
        agenda.add(now + WITH_READ, fleet, taken[0])
    copies = {key: count for key, count in table.reads.items() if key.startswith(("shard:", "generation"))}
    return Load(
        busiest=max(copies.values()) / seconds,
        keys=sum(table.reads.values()) / decisions,
        environments=fleet.size,
        policy_reads=after - before,
    )


def busiest_by_caller(rate: int, shards: int, callers: int, seconds: float = 1.0) -> float:
    """Simulates the alternative: the hash of the caller chooses the copy, and all callers are equally busy."""
    chance = random.Random(SEED)  # noqa: S311
    copies = [crc32(f"person-{number}".encode()) % shards for number in range(callers)]
    counted = Counter(copies[chance.randrange(callers)] for _ in range(int(rate * seconds)))
    return max(counted.values()) / seconds


def dollars_a_month(rate: int, keys: float) -> float:
    """Returns the price of the state reads of a month."""
    return prices.READ_UNIT.of(rate * keys * _MONTH)


def others_a_month(rate: int) -> float:
    """Returns the price of a month of the same requests: API Gateway, and the invocations of both functions."""
    requests = rate * _MONTH
    seconds: Callable[[float], float] = lambda each: 0.5 * each * requests  # noqa: E731  # 512 MB
    return (
        prices.API_CALL.of(requests) + prices.INVOCATION.of(2 * requests) + prices.GB_SECOND.of(seconds(0.015 + 0.040))
    )


def _user() -> Principal:
    return Principal("person", "web", "person", ("group:readers",), frozenset(), "session", 0, 2**31)


def _machine() -> Principal:
    return Principal("robot", "robot", "", ("client:robot",), frozenset(), "", 0, 2**31)
