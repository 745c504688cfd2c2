"""Runs the shipped code with copies of the state, against the adversary of `invalidation_machine`.

The adversary has these moves in addition: an operator grows and shrinks the number of copies, stops between two steps
and begins again; containers of other settings start at any time; a stage is locked down and the lockdown is lifted.
"""

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, ClassVar

from hypothesis import strategies as st

from chalicelib.administer import Administer
from chalicelib.aws.authorization_state import StateTable
from chalicelib.aws.restrictions import RestrictionTable
from chalicelib.aws.sdk_reader import SdkReader
from chalicelib.aws.state_copies import StateCopies
from chalicelib.aws.state_reads import StateReads, copy_id
from chalicelib.core.principal import Principal
from chalicelib.invalidate import Invalidate
from chalicelib.ports import AuthorizationState, GatewayCache, StateReader
from chalicelib.restrict import Restrict
from infra.shards import Shards
from tests.proofs.invalidation_machine import (
    _WRITER_EXECUTIONS,
    CAPABILITIES,
    LOSE_GENERATION,
    TO_END,
    Change,
    Container,
    Execution,
    InvalidationMachine,
    Now,
    Request,
    Shipped,
    _interrupted,
    capability,
)
from tests.proofs.ledger import Key, Violation
from tests.proofs.sharded_world import ShardedDynamoDb
from tests.proofs.world import GENERATION, STATE, Task, Write

MOST = 2  # copies
RESIZE, LOCK = "change the number of copies", "lock the stage down"
SHARD_CAPABILITIES = (*(name for name in CAPABILITIES if name != LOSE_GENERATION), RESIZE, LOCK)
STAGE: Key = ("lockdown", "stage")
MARKS = ("client", "lockdown")  # the kinds of changes that are written to every copy

_OPERATOR_EXECUTIONS = st.just(TO_END) | _interrupted(*range(0, 24, 2))  # a resize has about twenty stops


class PinnedReads:
    """Implements StateReader as an instance with its own choice: 0 is the original."""

    def __init__(self, client: Any, number: int) -> None:
        shards = MOST if number else 1
        self._reads = StateReads(SdkReader(client), STATE, shards, choose=lambda _: number - 1)

    def read(self, principal: Principal) -> AuthorizationState:
        return self._reads.read(principal)


class Sharded(Shipped):
    """The shipped code of a stage with copies.

    reads_item  the item that the next container reads
    at_least    STATE_SHARDS of the functions that write
    first       the number of copies at the beginning
    """

    reads_item = 0
    at_least = 1
    first = MOST

    def copies(self, client: Any, now: Now) -> StateCopies:
        return StateCopies(client, STATE, now, self.at_least)

    def table(self, client: Any, now: Now) -> StateTable:
        table = StateTable(client, STATE, now, self.at_least)
        table._copies = self.copies(client, now)
        return table

    def state(self, client: Any, now: Now) -> StateReader:
        return PinnedReads(client, self.reads_item)

    def administer(self, client: Any, now: Now) -> Administer:
        shipped, state = super().administer(client, now), self.table(client, now)
        more = {"policies": shipped.policies, "generation": state, "revocations": state}
        return type(shipped)(**{name: getattr(shipped, name) for name in shipped.__slots__} | more)

    def invalidate(self, client: Any, gateway_cache: GatewayCache | None, now: Now) -> Callable[[], int]:
        return Invalidate(self.table(client, now), gateway_cache)

    def restrict(self, client: Any, now: Now) -> Restrict:
        table = RestrictionTable(client, STATE, now, self.at_least)
        table._copies = self.copies(client, now)
        audit = self.administer(client, now).audit
        return Restrict(table, audit, "olympus", warn=lambda _: None, now=now)

    def grow(self, shards: Shards, number: int) -> None:
        shards.ensure(number)

    def shrink(self, shards: Shards, number: int) -> None:
        shards.shrink(number)


class ShardMachine(InvalidationMachine):
    """The machine with copies. `code` must be Sharded."""

    code: ClassVar[Any] = Sharded()
    capabilities: ClassVar[tuple[str, ...]] = SHARD_CAPABILITIES
    database = ShardedDynamoDb

    def __init__(self) -> None:
        super().__init__()
        self.restrict = self.code.restrict(self.dynamodb, self.clock)
        self.shards = Shards(self.dynamodb, STATE, self.clock)
        self.resizing: Task | None = None
        self.ledger.begin(STAGE, 0)
        Task(partial(self.shards.ensure, self.code.first)).run()

    def _container(self) -> Container:
        """Starts a container that reads the next item in turn, whatever the number of copies is now."""
        self.started = getattr(self, "started", -1) + 1
        self.code.reads_item = MOST - self.started % (MOST + 1)
        return super()._container()

    def _is_one_write(self, key: Key) -> bool:
        return key[0] not in MARKS

    def _written(self, write: Write) -> None:
        """Records a lockdown with the write to the original. Every other write of the state is the base's."""
        if write.key == GENERATION and self.acting and self.acting.key == STAGE and not self.acting.versions:
            self.acting.versions.append(self.ledger.write(STAGE, self.acting.content, self.clock()))
        super()._written(write)
        if self.acting and self.acting.key[0] in MARKS:
            for version in self.acting.versions:
                version.written_at = inf  # if its writer dies, it binds nobody: whoever asked for it asks again

    def _check_answer(self, request: Request, document: dict[str, Any]) -> None:
        is_locked = document["context"]["code"] == "locked_down"
        possible = {bool(until) for until in self.ledger.since(request.bound, STAGE)}
        if is_locked not in possible:
            raise Violation("a lockdown is effective", f"{request.token}: locked is {is_locked}")
        self.counts["decisions under a lockdown"] += is_locked
        if not is_locked:
            super()._check_answer(request, document)
        elif not all(False in refusals for refusals in self._refusals(request)):
            raise Violation("a revoked token is refused", f"{request.token} is locked out, expected 401")

    @capability(LOCK, lifts=st.booleans(), execution=_WRITER_EXECUTIONS)
    def lock_down(self, lifts: bool, execution: Execution) -> None:
        """Lock the stage down for a week, or lift the lockdown."""
        if lifts:
            work: Callable[[], Any] = partial(self.restrict.lift, "lockdown", "over", "zeus")
        else:
            work = partial(self.restrict.restrict, "lockdown", 7 * 86_400, "a leak", "zeus")
        self._change(work, Change(STAGE, 0 if lifts else 1), execution)

    @capability(RESIZE, number=st.integers(1, MOST), grows=st.booleans(), execution=_OPERATOR_EXECUTIONS)
    def resize(self, number: int, grows: bool, execution: Execution) -> None:
        """Changes the number of copies, one operator at a time. An operator who stopped begins again."""
        if self.resizing is not None and not self.resizing.is_over:
            (job,) = [job for job in self.jobs if job.task is self.resizing]
            self._act(job, job.task.crash)
        self.counts["resizes"] += 1
        self.clock.advance(0.001)  # a copy starts at the time in milliseconds: see `Shards.start_copies`
        move = self.code.grow if grows else self.code.shrink
        known = len(self.jobs)
        self._start(partial(move, self.shards, MOST if grows else number), self._resized, execution)
        self.resizing = self.jobs[-1].task if len(self.jobs) > known else None

    def _resized(self, task: Task) -> None:
        self.counts["resizes that stopped half-way"] += bool(task.has_crashed or task.failure)

    @capability(LOSE_GENERATION, copy=st.integers(0, MOST))
    def lose_an_item(self, copy: int) -> None:
        """Deletes the original or a copy, as a person could. The operator then repairs the copies."""
        self.clock.advance(1)
        self.dynamodb.edit(STATE, copy_id(copy) if copy else GENERATION, None)
