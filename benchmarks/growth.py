"""How a decision grows: with the groups of a person, the statements of its policies, and the tokens remembered."""

import json
import random
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from benchmarks import tokens
from benchmarks.ours import StatementsOf, decision, line_to_nowhere, rules
from benchmarks.rounds import Timer, race, timer
from chalicelib.core.errors import CannotDecide
from chalicelib.verify import VerifyToken
from tests import mint

GROUPS = (1, 2, 5, 10, 20, 50, 100)
STATEMENTS = (1, 2, 5, 10, 20, 40, 70)
TOKENS = (10, 100, 1_000, 10_000, 100_000)

FIRST, AGAIN, WHOLE = "first sight", "repeat", "repeat, with log line and JSON"
LOOKUP, EACH = "repeat, verification alone", "memory of one token"

_ASKED_AT_ONCE = 2_000  # of the tokens remembered; holding all of them would measure the memory of the benchmark


@dataclass(frozen=True, slots=True)
class Growth:
    """Medians, by series, for each size."""

    sizes: tuple[int, ...]
    series: dict[str, list[float]]


def with_groups(rounds: int) -> Growth:
    """Every group has the same ten statements, so that only the groups grow."""
    return _decisions(GROUPS, lambda count: (tokens.natural(count), _distinct(10)), rounds)


def with_statements(rounds: int) -> Growth:
    """One group, with statements that have nothing in common."""
    most = most_statements()
    sizes = tuple(size for size in STATEMENTS if size <= most)
    return _decisions(sizes, lambda count: (tokens.natural(), _distinct(count)), rounds)


def most_statements() -> int:
    """How many statements without anything in common one answer holds; one more is over API Gateway's 8 KB."""
    count = 1
    while True:
        try:
            decision(tokens.natural(), statements_of=_distinct(count + 1))()
        except CannotDecide:
            return count
        count += 1


def with_tokens(rounds: int) -> Growth:
    """One token after the other, in no order, out of so many that are remembered."""
    asked = {str(count): _asked_again(count) for count in TOKENS}
    return Growth(TOKENS, {LOOKUP: [ratio.median for ratio in race(asked, _unit(), rounds).values()]})


def memory() -> Growth:
    """What the remembered tokens take."""
    return Growth(TOKENS, {EACH: [_bytes_per_token(count) / 1000 for count in TOKENS]})


def _unit() -> Timer:
    return tokens.unit(tokens.natural())


def _decisions(
    sizes: tuple[int, ...],
    case: Callable[[int], tuple[str, StatementsOf]],
    rounds: int,
) -> Growth:
    contestants = {}
    for size in sizes:
        token, statements_of = case(size)
        whole = decision(token, decision_log=line_to_nowhere(), statements_of=statements_of)
        contestants[FIRST, size] = timer(decision(token, remember=0, statements_of=statements_of))
        contestants[AGAIN, size] = timer(decision(token, statements_of=statements_of))
        contestants[WHOLE, size] = timer(lambda whole=whole: json.dumps(whole()))
    ratios = race(contestants, _unit(), rounds)
    return Growth(sizes, {name: [ratios[name, size].median for size in sizes] for name in (FIRST, AGAIN, WHOLE)})


def _distinct(count: int) -> StatementsOf:
    statements = tuple(statement for number in range(count) for statement in rules([f"/reports/{number}"]))
    return lambda _: statements


def _bytes_per_token(count: int) -> float:
    verify, made = _trusting(count), _tokens(count)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for token in made:
            verify(token)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (after - before) / count


def _asked_again(count: int) -> Timer:
    verify = _trusting(count)
    kept = frozenset(random.sample(range(count), min(count, _ASKED_AT_ONCE)))
    asked = []
    for number, token in enumerate(_tokens(count)):
        verify(token)
        if number in kept:
            asked.append(token)
    random.shuffle(asked)
    turn = cycle(asked)
    return timer(lambda: verify(next(turn)))


class _TrustingKeys:
    """Implements KeySource with a key that finds every signature good: 100,000 real ones would take minutes to make."""

    revision = 1

    def key(self, kid: str) -> Any:  # noqa: ARG002
        return self

    def verify(self, *_: object) -> None: ...


def _trusting(remember: int) -> VerifyToken:
    return VerifyToken(_TrustingKeys(), tokens.EXPECTED, remember=remember)


def _tokens(count: int) -> Iterator[str]:
    """Tokens of as many people."""
    header, _, signature = tokens.natural().split(".")
    claims = tokens.claims()
    for number in range(count):
        person = f"c1e7c000-0000-4000-8000-{number:012}"
        payload = json.dumps({**claims, "sub": person, "username": person})
        yield f"{header}.{mint.base64url(payload.encode())}.{signature}"
