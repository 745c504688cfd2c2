"""Visits every reachable world of a model, nearest first, until one of them breaks the guarantee."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

W = TypeVar("W")


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


def _path(came_from: dict[W, tuple[W, Move[W]] | None], world: W) -> tuple[str, ...]:
    lines = []
    while step := came_from[world]:
        world, move = step
        lines.append(f"{move.actor} {move.action}")
    return tuple(reversed(lines))
