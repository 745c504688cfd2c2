"""Visits every reachable world of a model, nearest first, until one of them breaks the guarantee."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Generic, NamedTuple, TypeVar

import pytest

W = TypeVar("W")
T = TypeVar("T")


class Move(NamedTuple, Generic[W]):
    """An action that an actor can take next, and the state of the model after it."""

    actor: str
    action: str
    world: W


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a check.

    worlds, moves   the number of each that were visited: all of them if the protocol holds
    actions         the actions that occurred at least once
    trace           a shortest path to a stale decision, one line for each move; empty if the protocol holds
    """

    worlds: int
    moves: int
    actions: frozenset[str]
    trace: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.trace


def search(first: W, moves: Callable[[W], Iterator[Move[W]]], violation: Callable[[W], str]) -> Verdict:
    """Visits the worlds. `violation` returns what a world breaks, or an empty text."""
    came_from: dict[W, tuple[W, Move[W]] | None] = {first: None}
    to_visit = deque([first])
    count, actions = 0, set()
    while to_visit:
        world = to_visit.popleft()
        for move in moves(world):
            count += 1
            actions.add(move.action)
            if move.world in came_from:
                continue
            came_from[move.world] = world, move
            to_visit.append(move.world)
            if broken := violation(move.world):
                trace = (*_path(came_from, move.world), f"VIOLATION: {broken}")
                return Verdict(len(came_from), count, frozenset(actions), trace)
    return Verdict(len(came_from), count, frozenset(actions))


def put(items: tuple[T, ...], number: int, *instead: T) -> tuple[T, ...]:
    """Returns the items with other ones, or none, in the place of one."""
    return items[:number] + instead + items[number + 1 :]


def report(checks: Mapping[str, Callable[[], Verdict]]) -> None:
    """Prints the size of each case, and a trace of each case in which the guarantee fails."""
    print("| case | verdict | worlds | moves | seconds |\n|---|---|---|---|---|")
    traces = {}
    for name, check in checks.items():
        began = perf_counter()
        verdict = check()
        took = perf_counter() - began
        traces[name] = verdict.trace
        result = "holds" if verdict.holds else "fails"
        print(f"| {name} | {result} | {verdict.worlds:,} | {verdict.moves:,} | {took:.2f} |", flush=True)
    for name, trace in traces.items():
        if trace:
            print(f"\nThe guarantee fails when {name}:", *trace, sep="\n  ")


def each(cases: Mapping[str, Any]) -> pytest.MarkDecorator:
    """Runs a test with each case."""
    return pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in cases.items()])


def _path(came_from: dict[W, tuple[W, Move[W]] | None], world: W) -> tuple[str, ...]:
    lines = []
    while step := came_from[world]:
        world, move = step
        lines.append(f"{move.actor} {move.action}")
    return tuple(reversed(lines))
