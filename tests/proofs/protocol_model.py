"""Models the invalidation protocol and checks every order in which its actors can act.

The question: can a request that starts after a change took effect still be decided on older permissions?

The model has one policy, because the guarantee holds for each policy separately. The policy's content is a version
number. Version 0 grants a permission, version 1 revokes it, version 2 grants it again. No request may be decided on a
version older than the guaranteed one. The guarantee covers both directions: a revoked permission is refused, and a
granted permission is allowed.

    the table `policies`   world.policy is its newest version. Every change adds a record to world.stream
    the table `state`      world.generation
    a writer               changes the policy step by step, and may crash between two steps
    the stream handler     processes the records in any order, late, never, or twice
    a container            one warm authorizer with its cache
    a request              is answered from the gateway's cache, or by one run of the authorizer in a container
    the gateway            caches answers if the protocol allows it: every answer that one of its nodes may still hold
    the clock              acts only if the guarantee includes a wait, which outlasts every older cache entry

Every step is atomic, like one strongly consistent read or write of one DynamoDB item. Any actor may act between two
steps. No actor is ever forced to act. The model therefore covers slow, blocked and lost actors, and a protocol that
holds does not depend on timing.

The model combines two pairs of events, because the combination is the worst case and keeps the model small. An
acknowledgement follows its preceding step immediately. A request starts with its first step. A delay between the two
would only weaken the guarantee for that request, and would enable no other behaviour.

`python -m tests.proofs.protocol_model` prints the size of each case, and a trace of each unsafe protocol.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import NamedTuple

from tests.proofs import checker
from tests.proofs.checker import Verdict, put, report, search

# ------------------------------------------------------------------------------------------------ the protocol


class ChangeStep(Enum):
    """A step of a writer or of the stream handler."""

    PUT_POLICY = "puts the policy"
    BUMP_GENERATION = "bumps the generation"
    FLUSH_GATEWAY = "flushes the gateway's cache"
    ACKNOWLEDGE = "acknowledges"


class AuthorizerStep(Enum):
    """A step of the authorizer."""

    READ_GENERATION = "reads the generation"
    REUSE_GENERATION = "reuses the generation that its container read earlier, or reads it"
    TRY_CACHE = "decides on the cached policy if its generation is the one that was read"
    TRUST_CACHE = "decides on the cached policy if there is one"
    READ_POLICY = "reads the policy"
    READ_BOTH = "reads generation and policy in one batch, in no defined order"
    CACHE_POLICY = "decides on the policy, and caches it under the generation that was read last"


class Guarantee(Enum):
    """The moment from which a change binds every request that starts."""

    ON_ACKNOWLEDGEMENT = "as soon as the change is acknowledged"
    AFTER_WAIT = "authorizer timeout + cache seconds + staleness seconds after the acknowledgement"
    AFTER_MAX_AGE = "after everything that was read before the put has expired, acknowledged or not"


@dataclass(frozen=True, slots=True)
class Protocol:
    """The steps of each actor, in order."""

    writer: tuple[ChangeStep, ...]
    authorizer: tuple[AuthorizerStep, ...]
    stream_handler: tuple[ChangeStep, ...] = ()
    gateway_cache: bool = False
    guarantee: Guarantee = Guarantee.ON_ACKNOWLEDGEMENT


@dataclass(frozen=True, slots=True)
class Situation:
    """The actors, and the faults that may happen.

    changes                          number of consecutive changes of each writer
    writers_may_crash                between two steps of a change
    records_may_repeat               because the handler crashed after one of its steps, or for no reason
    containers_may_lose_their_cache  at any moment: an entry expired or was evicted, or the container was replaced
    containers_run_in_parallel       several requests at a time, as in the threads of `chalice local` (not on Lambda)
    """

    changes: tuple[int, ...] = (1,)
    containers: int = 2
    requests: int = 3
    writers_may_crash: bool = False
    records_may_repeat: bool = False
    containers_may_lose_their_cache: bool = False
    containers_run_in_parallel: bool = False


# --------------------------------------------------------------------------------- the state of the model

UNREAD = -1


class Writer(NamedTuple):
    changes_left: int
    step: int = 0
    version: int = UNREAD


class Record(NamedTuple):
    version: int
    step: int = 0
    is_repeat: bool = False


class CachedPolicy(NamedTuple):
    """The policy that a container has cached."""

    version: int
    generation: int
    period: int


class CachedGeneration(NamedTuple):
    """A generation that a container may reuse instead of reading it."""

    generation: int
    period: int


class Container(NamedTuple):
    policy: CachedPolicy | None = None
    generation: CachedGeneration | None = None


class Answer(NamedTuple):
    """An answer that the gateway caches."""

    version: int
    period: int


class Request(NamedTuple):
    """A request: its next step in the authorizer, the values that it has read, and what binds it.

    guaranteed  the version that was guaranteed when the request started
    period      the period of the oldest expiring value that the answer depends on
    """

    step: int
    container: int = 0
    guaranteed: int = 0
    period: int = 0
    generation: int = UNREAD
    version: int = UNREAD

    @property
    def is_stale(self) -> bool:
        return self.step == STALE


STALE = -3
ANSWERED = Request(step=-2)
NOT_STARTED = Request(step=-1)


class Clock(NamedTuple):
    """Period 0 is before the wait, 1 during it, 2 after it. The version `due` is guaranteed when the wait ends."""

    period: int = 0
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
    guaranteed: int = 0
    clock: Clock = Clock()


Move = checker.Move[World]


# ----------------------------------------------------------------------------------------------- the possible moves


@dataclass(frozen=True, slots=True)
class Model:
    """Generates the possible moves of one protocol in one situation."""

    protocol: Protocol
    situation: Situation

    def initial_world(self) -> World:
        return World(
            writers=tuple(Writer(changes) for changes in self.situation.changes),
            containers=(Container(),) * self.situation.containers,
            requests=(NOT_STARTED,) * self.situation.requests,
        )

    def moves(self, world: World) -> Iterator[Move]:
        yield from self._writers(world)
        yield from self._stream_handler(world)
        yield from self._starting_request(world)
        yield from self._running_requests(world)
        if self.situation.containers_may_lose_their_cache:
            yield from self._cache_losses(world)
        if self.protocol.guarantee is not Guarantee.ON_ACKNOWLEDGEMENT:
            yield from self._clock(world)

    # Writers and the stream handler

    def _writers(self, world: World) -> Iterator[Move]:
        for number, writer in enumerate(world.writers):
            name = f"writer {number + 1}"
            if writer.changes_left:
                action, done, step, version = self._change(world, self.protocol.writer, writer.step, writer.version)
                finished = step == len(self.protocol.writer)
                after = Writer(writer.changes_left - 1) if finished else Writer(writer.changes_left, step, version)
                yield Move(name, action, done._replace(writers=put(world.writers, number, after)))
            if writer.step and self.situation.writers_may_crash:
                yield Move(name, "crashes", world._replace(writers=put(world.writers, number, Writer(0))))

    def _stream_handler(self, world: World) -> Iterator[Move]:
        for number, record in enumerate(world.stream):
            name = f"stream handler of {_named(record.version)}"
            action, done, step, _ = self._change(world, self.protocol.stream_handler, record.step, record.version)
            finished = step == len(self.protocol.stream_handler)
            later = () if finished else (record._replace(step=step),)
            yield Move(name, action, done._replace(stream=put(world.stream, number, *later)))
            if self.situation.records_may_repeat and not record.is_repeat:
                again = Record(record.version, is_repeat=True)
                yield Move(
                    name, f"{action}, and will run again", done._replace(stream=put(world.stream, number, again))
                )

    def _change(
        self, world: World, steps: tuple[ChangeStep, ...], step: int, version: int
    ) -> tuple[str, World, int, int]:
        """Takes one step and its acknowledgement. Returns the action, the new world, the next step and the version."""
        match steps[step]:
            case ChangeStep.PUT_POLICY:
                version = world.policy + 1
                record = (Record(version),) if self.protocol.stream_handler else ()
                action, world = f"puts {_named(version)}", world._replace(policy=version, stream=world.stream + record)
            case ChangeStep.BUMP_GENERATION:
                generation = world.generation + 1
                action, world = f"bumps the generation to {generation}", world._replace(generation=generation)
            case ChangeStep.FLUSH_GATEWAY:
                action, world = "flushes the gateway's cache", world._replace(gateway=frozenset())
            case ChangeStep.ACKNOWLEDGE:
                action, world = f"acknowledges {_named(version)}", self._acknowledged(world, version)
        if steps[step + 1 : step + 2] == (ChangeStep.ACKNOWLEDGE,):
            return f"{action}, acknowledges {_named(version)}", self._acknowledged(world, version), step + 2, version
        return action, world, step + 1, version

    def _acknowledged(self, world: World, version: int) -> World:
        newest = max(world.acknowledged, version)
        if self.protocol.guarantee is Guarantee.ON_ACKNOWLEDGEMENT:
            return world._replace(acknowledged=newest, guaranteed=newest)
        return world._replace(acknowledged=newest)

    # Requests

    def _starting_request(self, world: World) -> Iterator[Move]:
        """Requests start in the order of their numbers."""
        if NOT_STARTED not in world.requests:
            return
        number = world.requests.index(NOT_STARTED)
        request = Request(step=0, guaranteed=world.guaranteed, period=world.clock.period)
        for version in sorted({answer.version for answer in world.gateway}):
            action = f"starts, and gets {_named(version)} from the gateway's cache"
            yield Move(f"request {number + 1}", action, _answer(world, number, request._replace(version=version)))
        for container in self._free_containers(world):
            for move in self._authorizer(world, number, request._replace(container=container)):
                yield move._replace(action=f"starts in container {container + 1}, {move.action}")

    def _free_containers(self, world: World) -> Iterator[int]:
        """Returns the free containers. Of several idle containers with equal caches, returns only the first."""
        busy = {request.container for request in world.requests if self._is_running(request)}
        idle = set()
        for number, container in enumerate(world.containers):
            if number not in busy and container not in idle:
                idle.add(container)
                yield number
            elif number in busy and self.situation.containers_run_in_parallel:
                yield number

    def _is_running(self, request: Request) -> bool:
        return 0 <= request.step < len(self.protocol.authorizer)

    def _running_requests(self, world: World) -> Iterator[Move]:
        for number, request in enumerate(world.requests):
            if self._is_running(request):
                yield from self._authorizer(world, number, request)
            elif request.step == len(self.protocol.authorizer):
                cached = world._replace(gateway=world.gateway | {Answer(request.version, request.period)})
                action = f"is answered with {_named(request.version)}, and the gateway caches the answer"
                yield Move(f"request {number + 1}", action, _answer(cached, number, request))

    def _authorizer(self, world: World, number: int, request: Request) -> Iterator[Move]:
        for action, after, container in self._authorizer_step(world, request, world.containers[request.container]):
            then = world._replace(containers=put(world.containers, request.container, container))
            if after.step == len(self.protocol.authorizer) and not self.protocol.gateway_cache:
                yield Move(f"request {number + 1}", action, _answer(then, number, after))
            else:
                yield Move(f"request {number + 1}", action, then._replace(requests=put(world.requests, number, after)))

    def _authorizer_step(
        self, world: World, request: Request, container: Container
    ) -> Iterator[tuple[str, Request, Container]]:
        """Yields each possible result of the next authorizer step."""
        step, on = self.protocol.authorizer[request.step], request._replace(step=request.step + 1)
        newest, policy, (cached, reusable) = world.generation, world.policy, container
        match step:
            case AuthorizerStep.READ_GENERATION:
                yield f"reads generation {newest}", on._replace(generation=newest), container
            case AuthorizerStep.REUSE_GENERATION:
                read = container._replace(generation=CachedGeneration(newest, request.period))
                yield f"reads generation {newest}", on._replace(generation=newest), read
                if reusable:
                    period = min(request.period, reusable.period)
                    reused = on._replace(generation=reusable.generation, period=period)
                    yield f"reuses generation {reusable.generation}", reused, container
            case AuthorizerStep.TRY_CACHE | AuthorizerStep.TRUST_CACHE:
                if cached and (step is AuthorizerStep.TRUST_CACHE or cached.generation == request.generation):
                    period = min(request.period, cached.period) if self._cached_policies_expire else request.period
                    decided = request._replace(
                        step=len(self.protocol.authorizer), version=cached.version, period=period
                    )
                    yield f"decides on {_named(cached.version)} from the cache", decided, container
                else:
                    yield "finds no usable policy in the cache", on, container
            case AuthorizerStep.READ_POLICY:
                yield f"reads {_named(policy)}", on._replace(version=policy), container
            case AuthorizerStep.READ_BOTH:
                if request.generation == UNREAD:
                    half = request if request.version == UNREAD else on
                    yield f"reads generation {newest} in its batch", half._replace(generation=newest), container
                if request.version == UNREAD:
                    half = request if request.generation == UNREAD else on
                    yield f"reads {_named(policy)} in its batch", half._replace(version=policy), container
            case AuthorizerStep.CACHE_POLICY:
                period = request.period if self._cached_policies_expire else 0
                filled = CachedPolicy(request.version, request.generation, period)
                under = f" under generation {request.generation}" if request.generation != UNREAD else ""
                action = f"decides on {_named(request.version)} and caches it{under}"
                yield action, on, container._replace(policy=filled)

    # Time

    @property
    def _cached_policies_expire(self) -> bool:
        return self.protocol.guarantee is Guarantee.AFTER_MAX_AGE

    def _cache_losses(self, world: World) -> Iterator[Move]:
        for number, container in enumerate(world.containers):
            if container != Container():
                blank = put(world.containers, number, Container())
                yield Move(f"container {number + 1}", "loses its cache", world._replace(containers=blank))

    def _clock(self, world: World) -> Iterator[Move]:
        """One wait may begin. It ends after every older request has ended."""
        due = world.policy if self._cached_policies_expire else world.acknowledged
        if world.clock.period == 0 and due > world.guaranteed:
            yield Move("clock", f"begins the wait for {_named(due)}", world._replace(clock=Clock(period=1, due=due)))
        elif world.clock.period == 1 and all(request.period or request.step < 0 for request in world.requests):
            after = world._replace(
                gateway=frozenset(answer for answer in world.gateway if answer.period),
                containers=tuple(self._expired(container) for container in world.containers),
                guaranteed=world.clock.due,
                clock=Clock(period=2),
            )
            yield Move("clock", f"ends the wait: {_named(world.clock.due)} is guaranteed", after)

    def _expired(self, container: Container) -> Container:
        policy, generation = container
        return Container(
            policy=policy if policy and (policy.period or not self._cached_policies_expire) else None,
            generation=generation if generation and generation.period else None,
        )


def _answer(world: World, number: int, request: Request) -> World:
    """Answers a request. A request that is not stale leaves no details, which keeps the number of worlds small."""
    after = request._replace(step=STALE) if request.version < request.guaranteed else ANSWERED
    return world._replace(requests=put(world.requests, number, after))


def _named(version: int) -> str:
    return f"v{version} ({'revoked' if version % 2 else 'granted'})"


def check(protocol: Protocol, situation: Situation) -> Verdict:
    """Visits every reachable world, nearest first, until a request is decided on a stale version."""
    model = Model(protocol, situation)
    return search(model.initial_world(), model.moves, _violation)


def _violation(world: World) -> str:
    for number, request in enumerate(world.requests):
        if request.is_stale:
            return f"{_named(request.guaranteed)} was guaranteed when request {number + 1} started"
    return ""


# ------------------------------------------------------------------------------------------------------- the protocols

SHIPPED = Protocol(
    writer=(ChangeStep.PUT_POLICY, ChangeStep.BUMP_GENERATION, ChangeStep.ACKNOWLEDGE),
    authorizer=(
        AuthorizerStep.READ_GENERATION,
        AuthorizerStep.TRY_CACHE,
        AuthorizerStep.READ_POLICY,
        AuthorizerStep.CACHE_POLICY,
    ),
    stream_handler=(ChangeStep.BUMP_GENERATION, ChangeStep.ACKNOWLEDGE),
)
SHIPPED_WITH_CACHES = replace(
    SHIPPED,
    authorizer=(
        AuthorizerStep.REUSE_GENERATION,
        AuthorizerStep.TRY_CACHE,
        AuthorizerStep.READ_POLICY,
        AuthorizerStep.CACHE_POLICY,
    ),
    stream_handler=(ChangeStep.BUMP_GENERATION, ChangeStep.FLUSH_GATEWAY, ChangeStep.ACKNOWLEDGE),
    gateway_cache=True,
    guarantee=Guarantee.AFTER_WAIT,
)
WITHOUT_BUMPS = replace(SHIPPED, writer=(ChangeStep.PUT_POLICY, ChangeStep.ACKNOWLEDGE), stream_handler=())
CACHE_BY_AGE = replace(
    WITHOUT_BUMPS, authorizer=(AuthorizerStep.TRUST_CACHE, AuthorizerStep.READ_POLICY, AuthorizerStep.CACHE_POLICY)
)
NO_CACHE = replace(WITHOUT_BUMPS, authorizer=(AuthorizerStep.READ_POLICY,))

ONE_CHANGE = Situation()
ALL_FAULTS = Situation(
    writers_may_crash=True,
    records_may_repeat=True,
    containers_may_lose_their_cache=True,
    containers_run_in_parallel=True,
)


class Case(NamedTuple):
    protocol: Protocol
    situation: Situation = ONE_CHANGE


SAFE = {
    "one change": Case(SHIPPED),
    "one change, five requests": Case(SHIPPED, Situation(requests=5)),
    "one writer revokes and grants again": Case(SHIPPED, Situation(changes=(2,))),
    "two writers revoke and grant at the same time": Case(SHIPPED, Situation(changes=(1, 1))),
    "a writer may crash, and the stream handler invalidates": Case(SHIPPED, Situation(writers_may_crash=True)),
    "two writers may crash": Case(SHIPPED, Situation(changes=(1, 1), writers_may_crash=True)),
    "two edits by another tool, and the stream handler invalidates": Case(
        replace(SHIPPED, writer=(ChangeStep.PUT_POLICY,)), Situation(changes=(2,))
    ),
    "one change, and every fault may happen": Case(SHIPPED, ALL_FAULTS),
}
SAFE_AFTER_A_WAIT = {
    "the gateway caches answers and containers reuse the generation": Case(SHIPPED_WITH_CACHES),
    "the writer crashed and the stream failed": Case(
        replace(SHIPPED, writer=(ChangeStep.PUT_POLICY,), stream_handler=(), guarantee=Guarantee.AFTER_MAX_AGE)
    ),
    "the writer crashed and the stream failed, with every cache in use": Case(
        replace(
            SHIPPED_WITH_CACHES, writer=(ChangeStep.PUT_POLICY,), stream_handler=(), guarantee=Guarantee.AFTER_MAX_AGE
        )
    ),
}
SAFE_BUT_NOT_SHIPPED = {
    "no container cache": Case(NO_CACHE),
    "the cache is trusted by its age, after the maximum age": Case(
        replace(CACHE_BY_AGE, guarantee=Guarantee.AFTER_MAX_AGE)
    ),
}
UNSAFE = {
    "the cache is trusted by its age alone": Case(CACHE_BY_AGE),
    "generation and policy are read in one batch": Case(
        replace(SHIPPED, authorizer=(AuthorizerStep.READ_BOTH, AuthorizerStep.TRY_CACHE, AuthorizerStep.CACHE_POLICY))
    ),
    "the policy is read before the generation": Case(
        replace(
            SHIPPED,
            authorizer=(
                AuthorizerStep.READ_POLICY,
                AuthorizerStep.READ_GENERATION,
                AuthorizerStep.TRY_CACHE,
                AuthorizerStep.CACHE_POLICY,
            ),
        )
    ),
    "the policy is cached under a generation read after it": Case(
        replace(
            SHIPPED,
            authorizer=(
                AuthorizerStep.READ_GENERATION,
                AuthorizerStep.TRY_CACHE,
                AuthorizerStep.READ_POLICY,
                AuthorizerStep.READ_GENERATION,
                AuthorizerStep.CACHE_POLICY,
            ),
        )
    ),
    "the generation is bumped before the policy is put": Case(
        replace(SHIPPED, writer=(ChangeStep.BUMP_GENERATION, ChangeStep.PUT_POLICY, ChangeStep.ACKNOWLEDGE))
    ),
    "the change is acknowledged before the bump": Case(
        replace(SHIPPED, writer=(ChangeStep.PUT_POLICY, ChangeStep.ACKNOWLEDGE, ChangeStep.BUMP_GENERATION))
    ),
    "one flush is the only invalidation of gateway and container caches": Case(
        replace(
            CACHE_BY_AGE,
            writer=(ChangeStep.PUT_POLICY, ChangeStep.FLUSH_GATEWAY, ChangeStep.ACKNOWLEDGE),
            gateway_cache=True,
        )
    ),
    "one flush is the only invalidation of the gateway's cache": Case(
        replace(
            NO_CACHE,
            writer=(ChangeStep.PUT_POLICY, ChangeStep.FLUSH_GATEWAY, ChangeStep.ACKNOWLEDGE),
            gateway_cache=True,
        )
    ),
    "two flushes are the only invalidation of the gateway's cache": Case(
        replace(
            NO_CACHE,
            writer=(ChangeStep.PUT_POLICY, ChangeStep.FLUSH_GATEWAY, ChangeStep.FLUSH_GATEWAY, ChangeStep.ACKNOWLEDGE),
            gateway_cache=True,
        )
    ),
    "only the stream handler flushes": Case(
        replace(NO_CACHE, stream_handler=(ChangeStep.FLUSH_GATEWAY, ChangeStep.ACKNOWLEDGE), gateway_cache=True)
    ),
    "only the stream handler flushes, and the guarantee starts after its flush": Case(
        replace(
            NO_CACHE,
            writer=(ChangeStep.PUT_POLICY,),
            stream_handler=(ChangeStep.FLUSH_GATEWAY, ChangeStep.ACKNOWLEDGE),
            gateway_cache=True,
        )
    ),
    "the stream handler acknowledges without a bump": Case(replace(SHIPPED, stream_handler=(ChangeStep.ACKNOWLEDGE,))),
    "the gateway caches, and the guarantee has no wait": Case(replace(SHIPPED, gateway_cache=True)),
    "containers reuse the generation, and the guarantee has no wait": Case(
        replace(SHIPPED, authorizer=SHIPPED_WITH_CACHES.authorizer)
    ),
    "no writer bumps the generation, and the wait is shorter than the cache age": Case(
        replace(WITHOUT_BUMPS, guarantee=Guarantee.AFTER_WAIT)
    ),
}


def main() -> None:
    cases = SAFE | SAFE_AFTER_A_WAIT | SAFE_BUT_NOT_SHIPPED | UNSAFE
    report({name: partial(check, *case) for name, case in cases.items()})


if __name__ == "__main__":
    main()
