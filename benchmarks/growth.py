"""Measures the growth of a decision with the groups of a user, the policy statements, and the cached tokens."""

import json
import random
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
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

_SAMPLE = 2_000  # repeated tokens; a list of all tokens would dominate the measured memory


@dataclass(frozen=True, slots=True)
class Growth:
    """The medians of each series, for each size."""

    sizes: tuple[int, ...]
    series: dict[str, list[float]]


def with_groups(rounds: int) -> Growth:
    """Measures a growing number of groups. All groups have the same ten statements."""
    return _decisions(GROUPS, lambda count: (tokens.natural(count), _distinct(10)), rounds)


def with_statements(rounds: int) -> Growth:
    """Measures one group with a growing number of statements without common parts."""
    most = most_statements()
    sizes = tuple(size for size in STATEMENTS if size <= most)
    return _decisions(sizes, lambda count: (tokens.natural(), _distinct(count)), rounds)


def most_statements() -> int:
    """Returns the maximum number of statements without common parts in one output of 8 KB, API Gateway's limit."""
    count = 1
    while True:
        try:
            decision(tokens.natural(), statements_of=_distinct(count + 1))()
        except CannotDecide:
            return count
        count += 1


def with_tokens(rounds: int) -> Growth:
    """Measures repeated tokens in random order, for a growing number of cached tokens."""
    repeated = {str(count): _repeated(count) for count in TOKENS}
    return Growth(TOKENS, {LOOKUP: [ratio.median for ratio in race(repeated, _unit(), rounds).values()]})


def memory() -> Growth:
    """Measures the memory of the cached tokens."""
    return Growth(TOKENS, {EACH: [_bytes_per_token(count) / 1000 for count in TOKENS]})


def _unit() -> Timer:
    return tokens.unit(tokens.natural())


def _decisions(
    sizes: tuple[int, ...],
    case: Callable[[int], tuple[str, StatementsOf]],
    rounds: int,
) -> Growth:
    contestants: dict[tuple[str, int], Timer] = {}
    for size in sizes:
        token, statements_of = case(size)
        whole = decision(token, decision_log=line_to_nowhere(), statements_of=statements_of)
        contestants[FIRST, size] = timer(decision(token, remember=0, statements_of=statements_of))
        contestants[AGAIN, size] = timer(decision(token, statements_of=statements_of))
        contestants[WHOLE, size] = timer(partial(_as_json, whole))
    ratios = race(contestants, _unit(), rounds)
    return Growth(sizes, {name: [ratios[name, size].median for size in sizes] for name in (FIRST, AGAIN, WHOLE)})


def _as_json(decide: Callable[[], Any]) -> str:
    return json.dumps(decide())


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


def _repeated(count: int) -> Timer:
    verify = _trusting(count)
    sampled = frozenset(random.sample(range(count), min(count, _SAMPLE)))
    asked = []
    for number, token in enumerate(_tokens(count)):
        verify(token)
        if number in sampled:
            asked.append(token)
    random.shuffle(asked)
    turn = cycle(asked)
    return timer(lambda: verify(next(turn)))


class _TrustingKeys:
    """Implements KeySource with a key that accepts every signature. 100,000 real signatures would take minutes."""

    revision = 1

    def key(self, kid: str) -> Any:  # noqa: ARG002
        return self

    def verify(self, *_: object) -> None: ...


def _trusting(remember: int) -> VerifyToken:
    return VerifyToken(_TrustingKeys(), tokens.EXPECTED, remember=remember)


def _tokens(count: int) -> Iterator[str]:
    """Yields tokens of `count` users."""
    header, _, signature = tokens.natural().split(".")
    claims = tokens.claims()
    for number in range(count):
        person = f"c1e7c000-0000-4000-8000-{number:012}"
        payload = json.dumps({**claims, "sub": person, "username": person})
        yield f"{header}.{mint.base64url(payload.encode())}.{signature}"
