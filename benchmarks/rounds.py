"""Measures in rounds: every round runs every contestant once, and only ratios within a round count.

The speed of a machine varies from minute to minute. Within one round of some tens of milliseconds, it is the same for
all contestants. The median over many rounds ignores outliers. Processor time is measured, so an interruption costs
only the processor's caches. Every round has a new random order, because a contestant influences the caches of the next.
"""

import gc
import random
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from statistics import quantiles
from time import thread_time
from typing import NamedTuple, TypeVar

Timer = Callable[[int], float]  # processor time in seconds for this number of runs
Name = TypeVar("Name")

ROUNDS = 300
TIMING_SECONDS = 0.002
WARM_UP = 8  # one additional unmeasured run for this number of measured runs


class Ratio(NamedTuple):
    """Time in units: the median and the quartiles over the rounds."""

    median: float
    low: float
    high: float


def timer(call: Callable[[], object]) -> Timer:
    """Returns a timer that runs a call many times in a row."""

    def seconds(count: int) -> float:
        for _ in repeat(None, 1 + count // WARM_UP):  # not measured: fills the processor's caches
            call()
        runs = repeat(None, count)
        began = thread_time()
        for _ in runs:
            call()
        return thread_time() - began

    return seconds


def race(contestants: Mapping[Name, Timer], unit: Timer, rounds: int = ROUNDS) -> dict[Name, Ratio]:
    """Measures contestants in units. Every round also measures the unit."""
    taken = take({None: unit, **contestants}, rounds)
    return {name: ratio(taken[name], taken[None]) for name in contestants}


def take(contestants: Mapping[Name, Timer], rounds: int = ROUNDS) -> dict[Name, list[float]]:
    """Measures contestants. Returns the seconds of one run in each round."""
    counts = {name: _enough(timer) for name, timer in contestants.items()}
    taken: dict[Name, list[float]] = {name: [] for name in contestants}
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for _ in range(rounds):
            for name in random.sample(list(contestants), len(contestants)):
                taken[name].append(contestants[name](counts[name]) / counts[name])
            gc.collect()
    finally:
        gc.enable()
        gc.unfreeze()
    return taken


def ratio(times: Sequence[float], units: Sequence[float]) -> Ratio:
    """Returns the median and the quartiles of the ratios within the rounds."""
    low, median, high = quantiles([time / unit for time, unit in zip(times, units, strict=True)], n=4)
    return Ratio(median, low, high)


def _enough(timer: Timer) -> int:
    """Returns the number of runs for one measurement. This also warms the contestant up."""
    count = 1
    while (taken := timer(count)) < TIMING_SECONDS:
        count *= 2
    return max(1, round(count * TIMING_SECONDS / taken))
