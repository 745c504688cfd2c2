"""Models the copies of the state (`STATE_SHARDS`) and checks every order in which their actors can act.

The question is that of `protocol_model`: can a request that starts after a change was acknowledged still be decided on
older content? Here the state consists of one original item and of copies. An authorizer reads one of these items.

    an item        its generation; None while the item does not exist or is not in use, and its readers then fail.
                   Its mark is what it stores about revoked app clients and about a lockdown
    `shards`       an attribute of the original: the number of copies that writers maintain
    a writer       changes the policy, or the mark. It writes the original first, and learns `shards` at the latest then
    a lifter       lifts the mark of all items in one transaction, unless the original has changed since it was read
    the handler    of the stream: counts all generations up for each stored policy, late, never, or twice
    the operator   changes the number of copies, step by step, and may stop or begin again at any step
    a container    one warm authorizer. It reads the item that its settings chose: any item, at any time. The guarantee
                   does not depend on the settings of the authorizers that run during a deployment
    a request      reads the item, uses the cached policy of this generation, or reads the policy and caches it

Every step is one strongly consistent read or write of one item, except the transaction of a lifter. Content is a
version number, and each change replaces it. A request writes nothing that another container reads, so one container is
enough in most cases.

An authorizer that reads an item without a generation answers 500. This is safe, but an outage: the deploy program
prevents it by its order.

`python -m tests.proofs.shard_model` prints the size of each case, and a trace of each unsafe protocol.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, NamedTuple

from tests.proofs import checker
from tests.proofs.checker import Verdict, put, report, search

# ------------------------------------------------------------------------------------------------ the protocol


class Step(Enum):
    """A step of a writer, of the stream handler or of the operator. "Each copy": one step for each."""

    PUT_POLICY = "puts the policy"
    COUNT_ORIGINAL = "counts the original up, and learns the number of copies"
    COUNT_ORIGINAL_ALONE = "counts the original up"
    MARK_ORIGINAL = "marks the original"
    LEARN_SHARDS = "learns the number of copies"
    TAKE_NUMBER = "takes the next number of the original, and learns the number of copies"
    COUNT_COPIES = "counts each copy in use up"
    COUNT_OR_CREATE_COPIES = "counts each copy up, and creates a missing one"
    MARK_COPIES = "marks each copy, unless a greater number has marked it"
    ACKNOWLEDGE = "acknowledges"
    SET_SHARDS = "sets the number of copies"
    READ_MARK = "reads the mark of the original"
    READ_ORIGINAL = "reads the original, its number and the number of copies"
    LIFT = "lifts the mark of the original and of each copy at once, if the original is as it was read"
    LIFT_UNCHECKED = "lifts the mark of the original and of each copy at once"
    START_COPIES = "gives each unused copy a generation"
    REMOVE_COPIES = "removes each copy beyond the number"


_FOR_EACH = {
    Step.COUNT_COPIES,
    Step.COUNT_OR_CREATE_COPIES,
    Step.MARK_COPIES,
    Step.START_COPIES,
    Step.REMOVE_COPIES,
}


@dataclass(frozen=True, slots=True)
class Protocol:
    """The steps of each actor, in order.

    knows_shards      writers learn `shards` from the table. Otherwise each writer uses the number of its settings
    pins_its_item     a container reads one item for its whole life. Otherwise any item for each request
    cache_by_item     a cached policy counts only for the item under whose generation it was read
    unique_starts     a copy starts with a generation that it never had before
    marks_by_number   a write of a mark does not replace one with a greater number
    """

    policy_writer: tuple[Step, ...] = (Step.PUT_POLICY, Step.COUNT_ORIGINAL, Step.COUNT_COPIES, Step.ACKNOWLEDGE)
    mark_writer: tuple[Step, ...] = (
        Step.MARK_ORIGINAL,
        Step.TAKE_NUMBER,
        Step.READ_MARK,
        Step.MARK_COPIES,
        Step.ACKNOWLEDGE,
    )
    lifter: tuple[Step, ...] = (Step.READ_ORIGINAL, Step.LIFT, Step.ACKNOWLEDGE)
    stream_handler: tuple[Step, ...] = (Step.COUNT_ORIGINAL, Step.COUNT_COPIES, Step.ACKNOWLEDGE)
    grow: tuple[Step, ...] = (
        Step.SET_SHARDS,
        Step.TAKE_NUMBER,
        Step.READ_MARK,
        Step.MARK_COPIES,
        Step.START_COPIES,
    )
    shrink: tuple[Step, ...] = (Step.REMOVE_COPIES, Step.SET_SHARDS)
    knows_shards: bool = True
    pins_its_item: bool = True
    cache_by_item: bool = True
    unique_starts: bool = True
    marks_by_number: bool = True


@dataclass(frozen=True, slots=True)
class Situation:
    """The actors and the faults.

    shards             the number of copies that exist at the beginning, all in use
    resizes            the numbers of copies that the operator sets, one after the other
    policies, marks    the number of consecutive changes of each writer
    lifts              the number of consecutive liftings of each lifter
    settings           the number of copies in the settings of each writer, for a protocol that uses them
    handles_stream     whether the stream handler runs
    writers_may_crash  between two steps of a change
    restarts           how often the operator may begin a resize again, after any step
    """

    shards: int = 2
    resizes: tuple[int, ...] = ()
    policies: tuple[int, ...] = ()
    marks: tuple[int, ...] = ()
    lifts: tuple[int, ...] = ()
    settings: tuple[int, ...] = ()
    containers: int = 1
    requests: int = 2
    handles_stream: bool = False
    writers_may_crash: bool = False
    restarts: int = 0


# --------------------------------------------------------------------------------- the state of the model


class Item(NamedTuple):
    """One item of the state table. `lives` counts how often it got a first generation.

    number  of the original: the last that was taken; of a copy: the number that wrote its mark
    """

    generation: int | None = None
    mark: int = 0
    lives: int = 0
    number: int = 0


class Run(NamedTuple):
    """The progress of one actor through its steps.

    shards   the number of copies that it knows
    copy     the next copy, in a step for each copy
    version  of its change
    number   the number that it took, or that a lifter read
    mark     the mark that it read
    """

    step: int = 0
    shards: int = 0
    copy: int = 1
    version: int = 0
    number: int = 0
    mark: int = 0


class Writer(NamedTuple):
    changes_left: int
    run: Run = Run()


class Cached(NamedTuple):
    """A policy in the cache of a container, and the item and the generation under which it was read."""

    item: int
    generation: int
    version: int


class Container(NamedTuple):
    item: int | None = None
    cached: frozenset[Cached] = frozenset()


class Request(NamedTuple):
    """A request. `policy` and `mark` are the versions that were guaranteed when it started."""

    stage: str = "not started"
    container: int = 0
    item: int = 0
    generation: int = 0
    policy: int = 0
    mark: int = 0
    problem: str = ""


ANSWERED = Request("answered")


class World(NamedTuple):
    """`lifted` are the versions of the mark that lift it."""

    items: tuple[Item, ...]
    shards: int
    policy_writers: tuple[Writer, ...]
    mark_writers: tuple[Writer, ...]
    lifters: tuple[Writer, ...]
    containers: tuple[Container, ...]
    requests: tuple[Request, ...]
    operator: Run = Run()
    resizes: tuple[int, ...] = ()
    restarts: int = 0
    records: tuple[Run, ...] = ()
    policy: int = 0
    guaranteed_policy: int = 0
    guaranteed_mark: int = 0
    lifted: frozenset[int] = frozenset()


Move = checker.Move[World]

# ----------------------------------------------------------------------------------------------- the possible moves


@dataclass(frozen=True, slots=True)
class Model:
    """Generates the possible moves of one protocol in one situation."""

    protocol: Protocol
    situation: Situation

    def initial_world(self) -> World:
        there = self.situation
        most = max(there.shards, *there.resizes, 0)
        used = [Item(generation=0, lives=1)] * (1 + there.shards)
        return World(
            items=tuple(used + [Item()] * (most - there.shards)),
            shards=there.shards,
            policy_writers=tuple(Writer(changes) for changes in there.policies),
            mark_writers=tuple(Writer(changes) for changes in there.marks),
            lifters=tuple(Writer(changes) for changes in there.lifts),
            containers=(Container(),) * there.containers,
            requests=(Request(),) * there.requests,
            resizes=there.resizes,
            restarts=there.restarts,
        )

    def moves(self, world: World) -> Iterator[Move]:
        yield from self._writers(world, "policy_writers", self.protocol.policy_writer)
        yield from self._writers(world, "mark_writers", self.protocol.mark_writer)
        yield from self._writers(world, "lifters", self.protocol.lifter)
        yield from self._stream_handler(world)
        yield from self._operator(world)
        yield from self._requests(world)

    # Writers, the stream handler and the operator

    def _writers(self, world: World, group: str, steps: tuple[Step, ...]) -> Iterator[Move]:
        writers: tuple[Writer, ...] = getattr(world, group)
        for number, writer in enumerate(writers):
            name = f"{group[:-1].replace('_', ' ')} {number + 1}"
            if not writer.changes_left:
                continue
            action, after, run = self._step(world, steps, self._configured(writer.run, number))
            if group == "lifters" and run.version:
                after = after._replace(lifted=after.lifted | {run.version})
            then = Writer(writer.changes_left - 1) if run.step == len(steps) else Writer(writer.changes_left, run)
            yield Move(name, action, _with(after, **{group: put(writers, number, then)}))
            if writer.run.step and self.situation.writers_may_crash:
                yield Move(name, "crashes", _with(world, **{group: put(writers, number, Writer(0))}))

    def _configured(self, run: Run, number: int) -> Run:
        return run if self.protocol.knows_shards else run._replace(shards=self.situation.settings[number])

    def _stream_handler(self, world: World) -> Iterator[Move]:
        steps = self.protocol.stream_handler
        for number, record in enumerate(world.records):
            action, after, run = self._step(world, steps, record)
            name = f"stream handler of v{record.version}"
            later = () if run.step == len(steps) else (run,)
            yield Move(name, action, after._replace(records=put(world.records, number, *later)))

    def _operator(self, world: World) -> Iterator[Move]:
        if not world.resizes:
            return
        target, *others = world.resizes
        steps = self._steps_to(target, world)
        run = world.operator._replace(shards=target)
        action, after, then = self._step(world, steps, run)
        if then.step == len(steps):
            after = after._replace(operator=Run(), resizes=tuple(others))
        else:
            after = after._replace(operator=then)
        yield Move("operator", action, after)
        if world.operator.step and world.restarts:
            yield Move("operator", "begins again", world._replace(operator=Run(), restarts=world.restarts - 1))

    def _steps_to(self, target: int, world: World) -> tuple[Step, ...]:
        before = (self.situation.shards, *self.situation.resizes)[-len(world.resizes) - 1]
        return self.protocol.grow if target >= before else self.protocol.shrink

    def _step(self, world: World, steps: tuple[Step, ...], run: Run) -> tuple[str, World, Run]:
        """Takes one step. Returns the action, the new world, and the progress. An acknowledgement follows at once."""
        step = steps[run.step]
        if step in _FOR_EACH:
            action, world, run = self._copy_step(world, step, run)
        else:
            action, world, run = self._single_step(world, step, run)
            run = run._replace(step=run.step + 1, copy=1)
        while run.step < len(steps) and steps[run.step] in _FOR_EACH and not self._copies(world, steps[run.step], run):
            run = run._replace(step=run.step + 1, copy=1)
        if steps[run.step : run.step + 1] == (Step.ACKNOWLEDGE,):
            action, world = f"{action}, acknowledges v{run.version}", self._acknowledged(world, steps, run.version)
            run = run._replace(step=run.step + 1)
        return action, world, run

    def _copies(self, world: World, step: Step, run: Run) -> range:
        """Returns the copies that a step for each copy has not visited yet."""
        if step is Step.REMOVE_COPIES:
            return range(max(run.copy, run.shards + 1), len(world.items))
        return range(run.copy, run.shards + 1)

    def _single_step(self, world: World, step: Step, run: Run) -> tuple[str, World, Run]:
        original = world.items[0]
        match step:
            case Step.PUT_POLICY:
                run = run._replace(version=world.policy + 1)
                record = (Run(version=run.version),) if self.situation.handles_stream else ()
                after = world._replace(policy=run.version, records=world.records + record)
                return f"puts policy v{run.version}", after, run
            case Step.COUNT_ORIGINAL | Step.COUNT_ORIGINAL_ALONE:
                assert original.generation is not None, "nothing removes the original"
                counted = original._replace(generation=original.generation + 1)
                run = self._learned(run, world) if step is Step.COUNT_ORIGINAL else run
                return "counts the original up", _with_item(world, 0, counted), run
            case Step.MARK_ORIGINAL:
                run = run._replace(version=original.mark + 1)
                return (
                    f"marks the original v{run.version}",
                    _with_item(world, 0, original._replace(mark=run.version)),
                    run,
                )
            case Step.LEARN_SHARDS:
                return "learns the number of copies", world, self._learned(run, world)
            case Step.TAKE_NUMBER:
                run = self._learned(run, world)._replace(number=original.number + 1)
                taken = original._replace(number=run.number)
                return f"takes number {run.number}", _with_item(world, 0, taken), run
            case Step.READ_MARK:
                return f"reads mark v{original.mark}", world, run._replace(mark=original.mark)
            case Step.READ_ORIGINAL:
                run = self._learned(run, world)._replace(number=original.number, mark=original.mark)
                return "reads the original", world, run
            case Step.LIFT if (run.number, run.mark, run.shards) != (original.number, original.mark, world.shards):
                return (
                    "finds another original, lifts nothing",
                    world,
                    run._replace(step=run.step + 1),
                )  # and skips the end
            case Step.LIFT | Step.LIFT_UNCHECKED:
                run = run._replace(version=original.mark + 1)
                lifted = [item._replace(mark=run.version, number=original.number + 1) for item in world.items]
                items = (*lifted[: run.shards + 1], *world.items[run.shards + 1 :])
                return f"lifts the mark of each item v{run.version}", world._replace(items=items), run
            case Step.SET_SHARDS:
                return f"sets the number of copies to {run.shards}", world._replace(shards=run.shards), run
        raise NotImplementedError(step)

    def _learned(self, run: Run, world: World) -> Run:
        return run._replace(shards=world.shards) if self.protocol.knows_shards else run

    def _copy_step(self, world: World, step: Step, run: Run) -> tuple[str, World, Run]:
        number = self._copies(world, step, run)[0]
        item, name = world.items[number], f"copy {number}"
        after = run._replace(copy=number + 1)
        match step:
            case Step.COUNT_COPIES | Step.COUNT_OR_CREATE_COPIES if item.generation is not None:
                counted = item._replace(generation=item.generation + 1)
                return f"counts {name} up", _with_item(world, number, counted), after
            case Step.COUNT_COPIES:
                return f"finds {name} unused", world, after
            case Step.COUNT_OR_CREATE_COPIES:
                return f"creates {name}", _with_item(world, number, self._started(item)), after
            case Step.MARK_COPIES if self.protocol.marks_by_number and item.number >= run.number:
                return f"finds a later mark in {name}", world, after
            case Step.MARK_COPIES:
                marked = item._replace(mark=run.mark, number=run.number)
                return f"marks {name} v{run.mark}", _with_item(world, number, marked), after
            case Step.START_COPIES:
                started = item if item.generation is not None else self._started(item)
                return f"starts {name}", _with_item(world, number, started), after
            case Step.REMOVE_COPIES:
                return f"removes {name}", _with_item(world, number, Item(lives=item.lives)), after
        raise NotImplementedError(step)

    def _started(self, item: Item) -> Item:
        first = 100 * item.lives if self.protocol.unique_starts else 0
        return item._replace(generation=first, lives=item.lives + 1)

    def _acknowledged(self, world: World, steps: tuple[Step, ...], version: int) -> World:
        if steps in (self.protocol.mark_writer, self.protocol.lifter):
            return world._replace(guaranteed_mark=max(world.guaranteed_mark, version))
        return world._replace(guaranteed_policy=max(world.guaranteed_policy, version))

    # Requests

    def _requests(self, world: World) -> Iterator[Move]:
        for number, request in enumerate(world.requests):
            if request.stage == "not started":
                yield from self._starting(world, number)
                break  # requests start in the order of their numbers
        for number, request in enumerate(world.requests):
            if request.stage == "has the generation":
                yield self._deciding(world, number, request)
            elif request.stage == "has the policy":
                yield self._caching(world, number, request)

    def _starting(self, world: World, number: int) -> Iterator[Move]:
        busy = {request.container for request in world.requests if request.stage.startswith("has")}
        idle = set()
        for place, container in enumerate(world.containers):
            if place in busy or container in idle:
                continue
            idle.add(container)
            pinned = self.protocol.pins_its_item and container.item is not None
            for item in (container.item,) if pinned else range(len(world.items)):
                assert item is not None
                request = Request("started", place, item, 0, world.guaranteed_policy, world.guaranteed_mark)
                yield self._reading(world, number, request, container._replace(item=item))

    def _reading(self, world: World, number: int, request: Request, container: Container) -> Move:
        """The request starts, and reads its item. An item without a generation gives 500."""
        actor, where = (
            f"request {number + 1}",
            f"starts in container {request.container + 1}, reads item {request.item}",
        )
        item = world.items[request.item]
        world = world._replace(containers=put(world.containers, request.container, container))
        if item.generation is None:
            return Move(actor, f"{where}: unused, answers 500", _answer(world, number, ""))
        if item.mark < request.mark:
            problem = f"mark v{request.mark} was guaranteed when request {number + 1} started"
            return Move(actor, f"{where}: mark v{item.mark}", _answer(world, number, problem))
        read = request._replace(stage="has the generation", generation=item.generation)
        return Move(actor, f"{where}: generation {item.generation}", _with_request(world, number, read))

    def _deciding(self, world: World, number: int, request: Request) -> Move:
        for cached in world.containers[request.container].cached:
            same_item = cached.item == request.item or not self.protocol.cache_by_item
            if same_item and cached.generation == request.generation:
                action = f"decides on policy v{cached.version} from the cache"
                return Move(f"request {number + 1}", action, _decided(world, number, request, cached.version))
        read = request._replace(stage="has the policy", problem=str(world.policy))
        return Move(f"request {number + 1}", f"reads policy v{world.policy}", _with_request(world, number, read))

    def _caching(self, world: World, number: int, request: Request) -> Move:
        version = int(request.problem)
        container = world.containers[request.container]
        others = frozenset(cached for cached in container.cached if cached.item != request.item)
        cached = others | {Cached(request.item, request.generation, version)}
        after = world._replace(containers=put(world.containers, request.container, container._replace(cached=cached)))
        action = f"decides on policy v{version}, and caches it"
        return Move(f"request {number + 1}", action, _decided(after, number, request, version))


def _decided(world: World, number: int, request: Request, version: int) -> World:
    stale = version < request.policy
    return _answer(
        world, number, f"policy v{request.policy} was guaranteed when request {number + 1} started" if stale else ""
    )


def _answer(world: World, number: int, problem: str) -> World:
    return _with_request(world, number, ANSWERED._replace(problem=problem))


def _with(world: World, **parts: Any) -> World:
    return world._replace(**parts)


def _with_request(world: World, number: int, request: Request) -> World:
    return world._replace(requests=put(world.requests, number, request))


def _with_item(world: World, number: int, item: Item) -> World:
    return world._replace(items=put(world.items, number, item))


def check(protocol: Protocol, situation: Situation) -> Verdict:
    model = Model(protocol, situation)
    return search(model.initial_world(), model.moves, _violation)


def _violation(world: World) -> str:
    used = [item.mark for item in world.items if item.generation is not None]
    for version in world.lifted:
        if min(used) < version <= max(used):
            return f"the lifting v{version} is in some items and not in others"
    return next((request.problem for request in world.requests if request.stage == "answered" and request.problem), "")


# ------------------------------------------------------------------------------------------------------- the protocols


class Case(NamedTuple):
    situation: Situation
    protocol: Protocol = Protocol()


SAFE = {
    "one change of a policy": Case(Situation(policies=(1,), containers=2, requests=3)),
    "two writers at once": Case(Situation(shards=1, policies=(1, 1))),
    "a writer dies between two copies, and the next write repairs": Case(
        Situation(shards=1, policies=(1, 1), writers_may_crash=True)
    ),
    "a writer dies between two copies, and the stream handler repairs": Case(
        Situation(policies=(1,), writers_may_crash=True, handles_stream=True)
    ),
    "the number grows": Case(Situation(shards=0, resizes=(2,), policies=(1,), restarts=1)),
    "the number grows from one to two": Case(Situation(shards=1, resizes=(2,), policies=(1,))),
    "the number shrinks": Case(Situation(shards=2, resizes=(1,), policies=(1,), restarts=1)),
    "the number shrinks and grows again": Case(Situation(shards=1, resizes=(0, 1), policies=(1, 1))),
    "the number grows, shrinks and grows, with the stream handler": Case(
        Situation(shards=0, resizes=(1, 0, 1), policies=(1,), handles_stream=True, writers_may_crash=True)
    ),
    "one lockdown and its lifting": Case(Situation(marks=(2,), requests=3)),
    "a lockdown and a lifting at once": Case(Situation(marks=(1, 1))),
    "a lockdown while the number grows": Case(Situation(shards=0, resizes=(1,), marks=(1,), restarts=1)),
    "two lockdowns while the number grows": Case(Situation(shards=0, resizes=(1,), marks=(1, 1), requests=1)),
    "a lockdown while the number shrinks and grows": Case(Situation(shards=1, resizes=(0, 1), marks=(2,))),
    "a lifting and a lockdown that may die at once": Case(Situation(marks=(1,), lifts=(1,), writers_may_crash=True)),
    "two liftings at once": Case(Situation(shards=1, marks=(1,), lifts=(1, 1))),
    "a lifting while the number grows": Case(Situation(shards=0, resizes=(1,), marks=(1,), lifts=(1,), requests=1)),
    "a lifting while the number shrinks and grows": Case(
        Situation(shards=1, resizes=(0, 1), marks=(1,), lifts=(1,), requests=1)
    ),
    "a lockdown, a policy and a growing number": Case(Situation(shards=0, resizes=(1,), policies=(1,), marks=(1,))),
}
SAFE_BUT_NOT_SHIPPED = {
    "each request reads another item, and the cache knows the item": Case(
        Situation(policies=(1,), requests=3), Protocol(pins_its_item=False)
    ),
    "every writer has the same settings": Case(
        Situation(shards=1, policies=(1, 1), settings=(1, 1)), Protocol(knows_shards=False)
    ),
}

_PUT, _ORIGINAL, _COPIES, _ACKNOWLEDGE = Protocol().policy_writer
_SET, _TAKE, _READ, _COPY, _START = Protocol().grow
_MARK = Protocol().mark_writer[0]
UNSAFE = {
    "a change is acknowledged before all copies are counted up": Case(
        Situation(policies=(1,)), Protocol(policy_writer=(_PUT, _ORIGINAL, _ACKNOWLEDGE, _COPIES))
    ),
    "the copies are counted up before the policy is put": Case(
        Situation(policies=(1,)), Protocol(policy_writer=(_ORIGINAL, _COPIES, _PUT, _ACKNOWLEDGE))
    ),
    "the stream handler counts the original only": Case(
        Situation(policies=(1,), writers_may_crash=True, handles_stream=True),
        Protocol(stream_handler=(_ORIGINAL, _ACKNOWLEDGE)),
    ),
    "a cached policy counts for another item with the same number": Case(
        Situation(shards=1, policies=(1, 1), writers_may_crash=True),
        Protocol(pins_its_item=False, cache_by_item=False),
    ),
    "a writer learns the number of copies before it puts the policy": Case(
        Situation(shards=0, resizes=(1,), policies=(1,)),
        Protocol(policy_writer=(Step.LEARN_SHARDS, _PUT, Step.COUNT_ORIGINAL_ALONE, _COPIES, _ACKNOWLEDGE)),
    ),
    "a writer uses the number of its old settings": Case(
        Situation(shards=2, policies=(1,), settings=(1,)), Protocol(knows_shards=False)
    ),
    "old and new writers run at once": Case(
        Situation(shards=1, policies=(1, 1), settings=(1, 0)), Protocol(knows_shards=False)
    ),
    "a new copy is started before the writers know it": Case(
        Situation(shards=0, resizes=(1,), policies=(1,)), Protocol(grow=(_START, _SET))
    ),
    "a removed copy starts again with its first number": Case(
        Situation(shards=1, resizes=(0, 1), policies=(1,)), Protocol(unique_starts=False)
    ),
    "writers forget a copy before it is removed": Case(
        Situation(shards=1, resizes=(0,), policies=(1,)), Protocol(shrink=(Step.SET_SHARDS, Step.REMOVE_COPIES))
    ),
    "a writer creates a copy that was removed": Case(
        Situation(shards=1, resizes=(0,), policies=(1, 1)),
        Protocol(policy_writer=(_PUT, _ORIGINAL, Step.COUNT_OR_CREATE_COPIES, _ACKNOWLEDGE)),
    ),
    "a lockdown is acknowledged before all copies are marked": Case(
        Situation(marks=(1,)),
        Protocol(mark_writer=(_MARK, _TAKE, _READ, _ACKNOWLEDGE, _COPY)),
    ),
    "a lockdown learns the number of copies before it marks the original": Case(
        Situation(shards=0, resizes=(1,), marks=(1,)),
        Protocol(mark_writer=(_TAKE, _MARK, _READ, _COPY, _ACKNOWLEDGE)),
    ),
    "a new copy has no marks": Case(Situation(shards=0, resizes=(1,), marks=(1,)), Protocol(grow=(_SET, _START))),
    "a new copy is started before it gets its marks": Case(
        Situation(shards=0, resizes=(1,), marks=(1,)), Protocol(grow=(_SET, _START, _TAKE, _READ, _COPY))
    ),
    "the marks are read before the writers know the new copy": Case(
        Situation(shards=0, resizes=(1,), marks=(1,)), Protocol(grow=(_READ, _SET, _TAKE, _COPY, _START))
    ),
    "a lifting is written to one copy after the other": Case(
        Situation(lifts=(1,)), Protocol(lifter=(_MARK, _TAKE, _READ, _COPY, _ACKNOWLEDGE))
    ),
    "a lifting does not compare the original with what it has read": Case(
        Situation(shards=0, resizes=(1,), lifts=(1,)),
        Protocol(lifter=(Step.READ_ORIGINAL, Step.LIFT_UNCHECKED, _ACKNOWLEDGE)),
    ),
    "an older lockdown replaces a later one": Case(Situation(marks=(1, 1)), Protocol(marks_by_number=False)),
    "a lockdown reads the original before it takes its number": Case(
        Situation(marks=(1, 1)), Protocol(mark_writer=(_MARK, _READ, _TAKE, _COPY, _ACKNOWLEDGE))
    ),
}


def main() -> None:
    cases = SAFE | SAFE_BUT_NOT_SHIPPED | UNSAFE
    report({name: partial(check, case.protocol, case.situation) for name, case in cases.items()})


if __name__ == "__main__":
    main()
