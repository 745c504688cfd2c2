"""Simulates Lambda functions under load. Deterministic: the same seed gives the same result.

Requests arrive at random. Each environment runs one request at a time, and the most recently used environment is used
first. An account has two limits: the number of concurrent environments, and the rate of new environments.
Source:  docs.aws.amazon.com/lambda → "Lambda scaling behavior", "Understanding Lambda function scaling"
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

NEW_AT_ONCE, NEW_PER_SECOND = 1_000, 100  # environments of one function: 1,000 every 10 s, refilled continuously


def arrivals(rate: float, seconds: float, chance: random.Random) -> Iterator[float]:
    """Yields the arrival times of independent requests in seconds, on average `rate` a second."""
    moment = chance.expovariate(rate)
    while moment < seconds:
        yield moment
        moment += chance.expovariate(rate)


@dataclass
class Account:
    """The concurrency limit of an account, shared by all its functions."""

    concurrency: int
    working: int = 0


@dataclass
class Fleet:
    """The environments of one function.

    account  shared with other functions. None means no limit
    """

    account: Account | None = None
    _idle: list[int] = field(default_factory=list)
    _names: Iterator[int] = field(default_factory=count)
    _allowance: float = NEW_AT_ONCE
    _refilled_at: float = 0.0
    size: int = 0

    def take(self, now: float) -> tuple[int, bool] | None:
        """Returns an environment and whether it is new. Returns None if Lambda refuses the request."""
        if self.account and self.account.working >= self.account.concurrency:
            return None
        new = not self._idle
        if new and not self._may_grow(now):
            return None
        if self.account:
            self.account.working += 1
        self.size += new
        return (next(self._names), True) if new else (self._idle.pop(), False)

    def warm(self, environments: int) -> None:
        """Adds idle environments, as after hours of the same load."""
        self._idle += [next(self._names) for _ in range(environments)]
        self.size += environments

    def give_back(self, environment: int) -> None:
        self._idle.append(environment)
        if self.account:
            self.account.working -= 1

    def _may_grow(self, now: float) -> bool:
        self._allowance = min(NEW_AT_ONCE, self._allowance + (now - self._refilled_at) * NEW_PER_SECOND)
        self._refilled_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


@dataclass
class Agenda:
    """The ends of running requests: (time, fleet, environment), the earliest first."""

    _entries: list[tuple[float, int, Fleet, int]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)

    def add(self, moment: float, fleet: Fleet, environment: int) -> None:
        heappush(self._entries, (moment, next(self._order), fleet, environment))

    def due(self, now: float) -> Iterator[tuple[float, Fleet, int]]:
        while self._entries and self._entries[0][0] <= now:
            moment, _, fleet, environment = heappop(self._entries)
            yield moment, fleet, environment
