"""The invalidation protocol as a model, with a checker that tries every order in which its actors can act.

The question: can a request that starts after a change was promised still be decided on what held before the change?

There is one policy, for the promise is made for each on its own, and its content is a number: version 0 grants a
permission, 1 takes it away, 2 grants it again. No request may be decided on a version older than the one promised, so
the promise covers both ways: what was taken away is refused, what was granted is granted.

    the table `policies`   world.policy, its newest version; every change leaves a record in world.stream
    the table `state`      world.generation
    a writer               changes the policy step by step; may die between two steps
    the stream handler     takes the records in any order, perhaps late, perhaps never, perhaps twice
    a container            one warm authorizer, and what it remembers
    a request              is answered by the gateway's cache, or by one run of the authorizer in a container
    the gateway            caches, if the protocol lets it: every answer that any of its nodes may still hold
    the clock              acts only where a change is promised for later: a wait that outlasts what was remembered

Every step is atomic, as a strongly consistent read or write of one DynamoDB item is; between two, anyone may act.
Nobody is ever made to act, so slow, stuck and lost are all covered: a protocol that holds does so without luck.

Two things happen as one, because that is the worst case and spares the reader and the checker much: an acknowledgement
follows at once on the step before it, and a request starts when its first step is taken. Were there time between them,
less would be promised to that request, and the rest of the world could do nothing that it cannot do now.

`python -m tests.proofs.protocol_model` prints what is explored, and how each unsafe protocol breaks.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from time import perf_counter
from typing import NamedTuple, TypeVar

# ------------------------------------------------------------------------------------------------ what a protocol says


class Do(Enum):
    """A step of someone who changes the policy, or hears of a change."""

    PUT_POLICY = "puts the policy"
    BUMP_GENERATION = "bumps the generation"
    FLUSH_GATEWAY = "flushes the gateway's cache"
    ACKNOWLEDGE = "acknowledges"


class Ask(Enum):
    """A step of the authorizer."""

    READ_GENERATION = "reads the generation"
    REUSE_GENERATION = "takes the generation that its container read before, or reads it"
    TRY_MEMORY = "decides from memory, if that was remembered under the very generation it read"
    TRUST_MEMORY = "decides from memory, if there is any"
    READ_POLICY = "reads the policy"
    READ_BOTH = "reads generation and policy in one batch, which promises no order between the two"
    REMEMBER = "decides on the policy, and remembers it under the generation it read last"


class Promise(Enum):
    """From when on a change binds every request that starts."""

    ON_ACKNOWLEDGEMENT = "as soon as it was acknowledged"
    WHEN_CACHES_EXPIRED = "authorizer timeout + cache seconds + staleness seconds after it was acknowledged"
    WHEN_MEMORY_EXPIRED = "once all that was read before the put has expired, acknowledged or not"


@dataclass(frozen=True, slots=True)
class Protocol:
    """Who takes which steps, in which order."""

    writer: tuple[Do, ...]
    authorizer: tuple[Ask, ...]
    stream_handler: tuple[Do, ...] = ()
    gateway_cache: bool = False
    promise: Promise = Promise.ON_ACKNOWLEDGEMENT


@dataclass(frozen=True, slots=True)
class Situation:
    """Who is there, and what may go wrong.

    changes                  one number for each writer: how many changes it makes, one after the other
    writers_may_die          in the middle of a change
    records_may_come_twice   because the handler died after any of its steps, or for no reason
    containers_may_forget    at any moment: an entry was evicted, grew too old, or the container was replaced
    containers_take_several  requests at a time: not on Lambda, but in the threads of `chalice local`
    """

    changes: tuple[int, ...] = (1,)
    containers: int = 2
    requests: int = 3
    writers_may_die: bool = False
    records_may_come_twice: bool = False
    containers_may_forget: bool = False
    containers_take_several: bool = False


# --------------------------------------------------------------------------------- what the world is like at one moment

UNREAD = -1


class Writer(NamedTuple):
    changes_left: int
    step: int = 0
    version: int = UNREAD


class Record(NamedTuple):
    version: int
    step: int = 0
    came_before: bool = False


class Memory(NamedTuple):
    """What a container remembers of the policy."""

    version: int
    generation: int
    era: int


class StateReader(NamedTuple):
    """A generation that a container may take again instead of reading it."""

    generation: int
    era: int


class Container(NamedTuple):
    memory: Memory | None = None
    state: StateReader | None = None


class Answer(NamedTuple):
    """An answer that the gateway caches."""

    version: int
    era: int


class Request(NamedTuple):
    """A request: its next step in the authorizer, what had been promised when it started, what it has read so far.

    era   that of the oldest thing its answer rests on and the clock's wait outlasts
    """

    step: int
    container: int = 0
    promised: int = 0
    era: int = 0
    generation: int = UNREAD
    version: int = UNREAD

    @property
    def wronged(self) -> bool:
        return self.step == WRONGED


WRONGED = -3
SERVED = Request(step=-2)
TO_COME = Request(step=-1)


class Clock(NamedTuple):
    """Era 0 is the time before the wait, 1 the wait, 2 the time after it; `due` is the version promised for its end."""

    era: int = 0
    due: int = 0


class World(NamedTuple):
    writers: tuple[Writer, ...]
    containers: tuple[Container, ...]
    requests: tuple[Request, ...]
    policy: int = 0
    generation: int = 0
    stream: tuple[Record, ...] = ()
    gateway: frozenset[Answer] = frozenset()
    acknowledged: int = 0
    promised: int = 0
    clock: Clock = Clock()


class Move(NamedTuple):
    """Something that someone can do next, and the world after it."""

    actor: str
    deed: str
    world: World


# ----------------------------------------------------------------------------------------------- what can happen next


@dataclass(frozen=True, slots=True)
class Model:
    """All that can happen where this protocol is followed in this situation."""

    protocol: Protocol
    situation: Situation

    def beginning(self) -> World:
        return World(
            writers=tuple(Writer(changes) for changes in self.situation.changes),
            containers=(Container(),) * self.situation.containers,
            requests=(TO_COME,) * self.situation.requests,
        )

    def moves(self, world: World) -> Iterator[Move]:
        yield from self._writers(world)
        yield from self._stream_handler(world)
        yield from self._starting_request(world)
        yield from self._running_requests(world)
        if self.situation.containers_may_forget:
            yield from self._forgetting(world)
        if self.protocol.promise is not Promise.ON_ACKNOWLEDGEMENT:
            yield from self._clock(world)

    # Those who change the policy, or hear of a change

    def _writers(self, world: World) -> Iterator[Move]:
        for number, writer in enumerate(world.writers):
            name = f"writer {number + 1}"
            if writer.changes_left:
                deed, done, step, version = self._change(world, self.protocol.writer, writer.step, writer.version)
                finished = step == len(self.protocol.writer)
                after = Writer(writer.changes_left - 1) if finished else Writer(writer.changes_left, step, version)
                yield Move(name, deed, done._replace(writers=_put(world.writers, number, after)))
            if writer.step and self.situation.writers_may_die:
                yield Move(name, "dies", world._replace(writers=_put(world.writers, number, Writer(0))))

    def _stream_handler(self, world: World) -> Iterator[Move]:
        for number, record in enumerate(world.stream):
            name = f"stream handler of {_named(record.version)}"
            deed, done, step, _ = self._change(world, self.protocol.stream_handler, record.step, record.version)
            finished = step == len(self.protocol.stream_handler)
            later = () if finished else (record._replace(step=step),)
            yield Move(name, deed, done._replace(stream=_put(world.stream, number, *later)))
            if self.situation.records_may_come_twice and not record.came_before:
                again = Record(record.version, came_before=True)
                yield Move(
                    name, f"{deed}, and will be called again", done._replace(stream=_put(world.stream, number, again))
                )

    def _change(self, world: World, steps: tuple[Do, ...], step: int, version: int) -> tuple[str, World, int, int]:
        """Take one step, with the acknowledgement that follows it: the deed, the world, the next step, the version."""
        match steps[step]:
            case Do.PUT_POLICY:
                version = world.policy + 1
                record = (Record(version),) if self.protocol.stream_handler else ()
                deed, world = f"puts {_named(version)}", world._replace(policy=version, stream=world.stream + record)
            case Do.BUMP_GENERATION:
                generation = world.generation + 1
                deed, world = f"bumps the generation to {generation}", world._replace(generation=generation)
            case Do.FLUSH_GATEWAY:
                deed, world = "flushes the gateway's cache", world._replace(gateway=frozenset())
            case Do.ACKNOWLEDGE:
                deed, world = f"acknowledges {_named(version)}", self._acknowledged(world, version)
        if steps[step + 1 : step + 2] == (Do.ACKNOWLEDGE,):
            return f"{deed}, acknowledges {_named(version)}", self._acknowledged(world, version), step + 2, version
        return deed, world, step + 1, version

    def _acknowledged(self, world: World, version: int) -> World:
        newest = max(world.acknowledged, version)
        if self.protocol.promise is Promise.ON_ACKNOWLEDGEMENT:
            return world._replace(acknowledged=newest, promised=newest)
        return world._replace(acknowledged=newest)

    # Requests

    def _starting_request(self, world: World) -> Iterator[Move]:
        """Requests start in the order of their numbers."""
        if TO_COME not in world.requests:
            return
        number = world.requests.index(TO_COME)
        request = Request(step=0, promised=world.promised, era=world.clock.era)
        for version in sorted({answer.version for answer in world.gateway}):
            deed = f"starts, and is answered on {_named(version)} by the gateway's cache"
            yield Move(f"request {number + 1}", deed, _answer(world, number, request._replace(version=version)))
        for container in self._free_containers(world):
            for move in self._authorizer(world, number, request._replace(container=container)):
                yield move._replace(deed=f"starts in container {container + 1}, {move.deed}")

    def _free_containers(self, world: World) -> Iterator[int]:
        """The containers that can take a request; of idle ones with the same memory, the first stands for all."""
        busy = {request.container for request in world.requests if self._is_running(request)}
        idle = set()
        for number, container in enumerate(world.containers):
            if number not in busy and container not in idle:
                idle.add(container)
                yield number
            elif number in busy and self.situation.containers_take_several:
                yield number

    def _is_running(self, request: Request) -> bool:
        return 0 <= request.step < len(self.protocol.authorizer)

    def _running_requests(self, world: World) -> Iterator[Move]:
        for number, request in enumerate(world.requests):
            if self._is_running(request):
                yield from self._authorizer(world, number, request)
            elif request.step == len(self.protocol.authorizer):
                cached = world._replace(gateway=world.gateway | {Answer(request.version, request.era)})
                deed = f"is answered on {_named(request.version)}, which the gateway caches"
                yield Move(f"request {number + 1}", deed, _answer(cached, number, request))

    def _authorizer(self, world: World, number: int, request: Request) -> Iterator[Move]:
        for deed, after, container in self._ask(world, request, world.containers[request.container]):
            then = world._replace(containers=_put(world.containers, request.container, container))
            if after.step == len(self.protocol.authorizer) and not self.protocol.gateway_cache:
                yield Move(f"request {number + 1}", deed, _answer(then, number, after))
            else:
                yield Move(f"request {number + 1}", deed, then._replace(requests=_put(world.requests, number, after)))

    def _ask(self, world: World, request: Request, container: Container) -> Iterator[tuple[str, Request, Container]]:
        """The ways in which the next step of the authorizer can end."""
        ask, on = self.protocol.authorizer[request.step], request._replace(step=request.step + 1)
        newest, policy, memory, state = world.generation, world.policy, container.memory, container.state
        match ask:
            case Ask.READ_GENERATION:
                yield f"reads generation {newest}", on._replace(generation=newest), container
            case Ask.REUSE_GENERATION:
                read = container._replace(state=StateReader(newest, request.era))
                yield f"reads generation {newest}", on._replace(generation=newest), read
                if state:
                    reused = on._replace(generation=state.generation, era=min(request.era, state.era))
                    yield f"takes generation {state.generation} as read before", reused, container
            case Ask.TRY_MEMORY | Ask.TRUST_MEMORY:
                if memory and (ask is Ask.TRUST_MEMORY or memory.generation == request.generation):
                    era = min(request.era, memory.era) if self._memory_expires else request.era
                    decided = request._replace(step=len(self.protocol.authorizer), version=memory.version, era=era)
                    yield f"decides on {_named(memory.version)} from memory", decided, container
                else:
                    yield "finds nothing of use in memory", on, container
            case Ask.READ_POLICY:
                yield f"reads {_named(policy)}", on._replace(version=policy), container
            case Ask.READ_BOTH:
                if request.generation == UNREAD:
                    half = request if request.version == UNREAD else on
                    yield f"reads generation {newest} in its batch", half._replace(generation=newest), container
                if request.version == UNREAD:
                    half = request if request.generation == UNREAD else on
                    yield f"reads {_named(policy)} in its batch", half._replace(version=policy), container
            case Ask.REMEMBER:
                remembered = Memory(request.version, request.generation, request.era if self._memory_expires else 0)
                under = f" under generation {request.generation}" if request.generation != UNREAD else ""
                deed = f"decides on {_named(request.version)} and remembers it{under}"
                yield deed, on, container._replace(memory=remembered)

    # Time

    @property
    def _memory_expires(self) -> bool:
        return self.protocol.promise is Promise.WHEN_MEMORY_EXPIRED

    def _forgetting(self, world: World) -> Iterator[Move]:
        for number, container in enumerate(world.containers):
            if container != Container():
                blank = _put(world.containers, number, Container())
                yield Move(f"container {number + 1}", "forgets everything", world._replace(containers=blank))

    def _clock(self, world: World) -> Iterator[Move]:
        """One wait may begin; it ends after all that is older than itself has ended."""
        due = world.policy if self._memory_expires else world.acknowledged
        if world.clock.era == 0 and due > world.promised:
            yield Move("clock", f"begins the wait for {_named(due)}", world._replace(clock=Clock(era=1, due=due)))
        elif world.clock.era == 1 and all(request.era or request.step < 0 for request in world.requests):
            after = world._replace(
                gateway=frozenset(answer for answer in world.gateway if answer.era),
                containers=tuple(self._aged(container) for container in world.containers),
                promised=world.clock.due,
                clock=Clock(era=2),
            )
            yield Move("clock", f"ends the wait: {_named(world.clock.due)} is promised", after)

    def _aged(self, container: Container) -> Container:
        memory, state = container
        return Container(
            memory=memory if memory and (memory.era or not self._memory_expires) else None,
            state=state if state and state.era else None,
        )


def _answer(world: World, number: int, request: Request) -> World:
    """Answer a request. Of one that got what was promised nothing is kept, so that the worlds stay few."""
    after = request._replace(step=WRONGED) if request.version < request.promised else SERVED
    return world._replace(requests=_put(world.requests, number, after))


Item = TypeVar("Item")


def _put(items: tuple[Item, ...], number: int, *instead: Item) -> tuple[Item, ...]:
    return items[:number] + instead + items[number + 1 :]


def _named(version: int) -> str:
    return f"v{version} ({'revoked' if version % 2 else 'granted'})"


# --------------------------------------------------------------------------------------------------------- the checker


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checker saw.

    worlds, moves   how many of each; all there are, if the protocol holds
    deeds           what was done at least once
    trace           a shortest way to a broken promise, one line a move; empty if there is none
    """

    worlds: int
    moves: int
    deeds: frozenset[str]
    trace: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.trace


def check(protocol: Protocol, situation: Situation) -> Verdict:
    """Visit every world that can come about, the nearest first, until a request in one of them is wronged."""
    model = Model(protocol, situation)
    beginning = model.beginning()
    came_from: dict[World, tuple[World, Move] | None] = {beginning: None}
    to_visit = deque([beginning])
    moves, deeds = 0, set()
    while to_visit:
        world = to_visit.popleft()
        for move in model.moves(world):
            moves += 1
            deeds.add(move.deed)
            if move.world in came_from:
                continue
            came_from[move.world] = world, move
            to_visit.append(move.world)
            if any(request.wronged for request in move.world.requests):
                return Verdict(len(came_from), moves, frozenset(deeds), _trace(came_from, move.world))
    return Verdict(len(came_from), moves, frozenset(deeds))


def _trace(came_from: dict[World, tuple[World, Move] | None], end: World) -> tuple[str, ...]:
    number, wronged = next((number, request) for number, request in enumerate(end.requests) if request.wronged)
    lines = [f"BROKEN: {_named(wronged.promised)} had been promised when request {number + 1} started"]
    world = end
    while step := came_from[world]:
        world, move = step
        lines.append(f"{move.actor} {move.deed}")
    return tuple(reversed(lines))


# ------------------------------------------------------------------------------------------------------- the protocols

SHIPPED = Protocol(
    writer=(Do.PUT_POLICY, Do.BUMP_GENERATION, Do.ACKNOWLEDGE),
    authorizer=(Ask.READ_GENERATION, Ask.TRY_MEMORY, Ask.READ_POLICY, Ask.REMEMBER),
    stream_handler=(Do.BUMP_GENERATION, Do.ACKNOWLEDGE),
)
SHIPPED_WITH_CACHES = replace(
    SHIPPED,
    authorizer=(Ask.REUSE_GENERATION, Ask.TRY_MEMORY, Ask.READ_POLICY, Ask.REMEMBER),
    stream_handler=(Do.BUMP_GENERATION, Do.FLUSH_GATEWAY, Do.ACKNOWLEDGE),
    gateway_cache=True,
    promise=Promise.WHEN_CACHES_EXPIRED,
)
WITHOUT_BUMPS = replace(SHIPPED, writer=(Do.PUT_POLICY, Do.ACKNOWLEDGE), stream_handler=())
MEMORY_BY_AGE = replace(WITHOUT_BUMPS, authorizer=(Ask.TRUST_MEMORY, Ask.READ_POLICY, Ask.REMEMBER))
NO_MEMORY = replace(WITHOUT_BUMPS, authorizer=(Ask.READ_POLICY,))

ONE_CHANGE = Situation()
ALL_GOES_WRONG = Situation(
    writers_may_die=True, records_may_come_twice=True, containers_may_forget=True, containers_take_several=True
)


class Case(NamedTuple):
    protocol: Protocol
    situation: Situation = ONE_CHANGE


SAFE = {
    "one change": Case(SHIPPED),
    "one change, five requests": Case(SHIPPED, Situation(requests=5)),
    "a revocation and a grant by one writer": Case(SHIPPED, Situation(changes=(2,))),
    "a revocation and a grant by two writers at once": Case(SHIPPED, Situation(changes=(1, 1))),
    "a writer that may die, healed by the stream handler": Case(SHIPPED, Situation(writers_may_die=True)),
    "two writers that may die": Case(SHIPPED, Situation(changes=(1, 1), writers_may_die=True)),
    "two edits by any tool, healed by the stream handler": Case(
        replace(SHIPPED, writer=(Do.PUT_POLICY,)), Situation(changes=(2,))
    ),
    "one change, and all that may go wrong": Case(SHIPPED, ALL_GOES_WRONG),
}
SAFE_AFTER_A_WAIT = {
    "the gateway caches answers and containers reuse the generation": Case(SHIPPED_WITH_CACHES),
    "the writer died and the stream failed": Case(
        replace(SHIPPED, writer=(Do.PUT_POLICY,), stream_handler=(), promise=Promise.WHEN_MEMORY_EXPIRED)
    ),
    "the writer died and the stream failed, with every cache in use": Case(
        replace(SHIPPED_WITH_CACHES, writer=(Do.PUT_POLICY,), stream_handler=(), promise=Promise.WHEN_MEMORY_EXPIRED)
    ),
}
SAFE_BUT_NOT_SHIPPED = {
    "no memory": Case(NO_MEMORY),
    "memory trusted by its age, once that is over": Case(replace(MEMORY_BY_AGE, promise=Promise.WHEN_MEMORY_EXPIRED)),
}
UNSAFE = {
    "memory is trusted by its age alone": Case(MEMORY_BY_AGE),
    "generation and policy come in one batch": Case(
        replace(SHIPPED, authorizer=(Ask.READ_BOTH, Ask.TRY_MEMORY, Ask.REMEMBER))
    ),
    "the policy is read before the generation": Case(
        replace(SHIPPED, authorizer=(Ask.READ_POLICY, Ask.READ_GENERATION, Ask.TRY_MEMORY, Ask.REMEMBER))
    ),
    "the policy is remembered under a generation read after it": Case(
        replace(
            SHIPPED,
            authorizer=(Ask.READ_GENERATION, Ask.TRY_MEMORY, Ask.READ_POLICY, Ask.READ_GENERATION, Ask.REMEMBER),
        )
    ),
    "the generation is bumped before the policy is put": Case(
        replace(SHIPPED, writer=(Do.BUMP_GENERATION, Do.PUT_POLICY, Do.ACKNOWLEDGE))
    ),
    "the change is acknowledged before the bump": Case(
        replace(SHIPPED, writer=(Do.PUT_POLICY, Do.ACKNOWLEDGE, Do.BUMP_GENERATION))
    ),
    "one flush is to heal gateway and memory": Case(
        replace(MEMORY_BY_AGE, writer=(Do.PUT_POLICY, Do.FLUSH_GATEWAY, Do.ACKNOWLEDGE), gateway_cache=True)
    ),
    "one flush is to heal the gateway": Case(
        replace(NO_MEMORY, writer=(Do.PUT_POLICY, Do.FLUSH_GATEWAY, Do.ACKNOWLEDGE), gateway_cache=True)
    ),
    "two flushes are to heal the gateway": Case(
        replace(
            NO_MEMORY,
            writer=(Do.PUT_POLICY, Do.FLUSH_GATEWAY, Do.FLUSH_GATEWAY, Do.ACKNOWLEDGE),
            gateway_cache=True,
        )
    ),
    "the stream handler's flush is all there is": Case(
        replace(NO_MEMORY, stream_handler=(Do.FLUSH_GATEWAY, Do.ACKNOWLEDGE), gateway_cache=True)
    ),
    "the stream handler's flush is all there is, and nothing is promised before": Case(
        replace(
            NO_MEMORY,
            writer=(Do.PUT_POLICY,),
            stream_handler=(Do.FLUSH_GATEWAY, Do.ACKNOWLEDGE),
            gateway_cache=True,
        )
    ),
    "the stream handler acknowledges without a bump": Case(replace(SHIPPED, stream_handler=(Do.ACKNOWLEDGE,))),
    "the gateway caches, and nobody waits": Case(replace(SHIPPED, gateway_cache=True)),
    "containers reuse the generation, and nobody waits": Case(
        replace(SHIPPED, authorizer=SHIPPED_WITH_CACHES.authorizer)
    ),
    "nobody bumps, and the wait is shorter than memory": Case(
        replace(WITHOUT_BUMPS, promise=Promise.WHEN_CACHES_EXPIRED)
    ),
}


def main() -> None:
    print("| the protocol | verdict | worlds | moves | seconds |\n|---|---|---|---|---|")
    traces = {}
    for name, case in (SAFE | SAFE_AFTER_A_WAIT | SAFE_BUT_NOT_SHIPPED | UNSAFE).items():
        began = perf_counter()
        verdict = check(*case)
        took = perf_counter() - began
        traces[name] = verdict.trace
        result = "holds" if verdict.holds else "fails"
        print(f"| {name} | {result} | {verdict.worlds:,} | {verdict.moves:,} | {took:.2f} |", flush=True)
    for name, trace in traces.items():
        if trace:
            print(f"\nIt fails when {name}:", *trace, sep="\n  ")


if __name__ == "__main__":
    main()
