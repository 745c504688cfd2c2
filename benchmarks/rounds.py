"""Measures in rounds: every round runs every contestant once, and only ratios within a round count.

The speed of a machine varies from minute to minute. Within one round of some tens of milliseconds, it is the same for
all contestants. The median over many rounds ignores outliers. Processor time is measured, so an interruption costs
only the processor's caches. Every round has a new random order, because a contestant influences the caches of the next.
"""

import gc
import random
from collections.abc import Callable, Mapping
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
    """Return a timer that runs a call many times in a row."""

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
    """Measure contestants in units. Every round also measures the unit."""
    timers = [unit, *contestants.values()]
    counts = [_enough(timer) for timer in timers]
    taken: list[list[float]] = [[] for _ in timers]
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for _ in range(rounds):
            for who in random.sample(range(len(timers)), len(timers)):
                taken[who].append(timers[who](counts[who]) / counts[who])
            gc.collect()
    finally:
        gc.enable()
        gc.unfreeze()
    return {name: _ratio(times, taken[0]) for name, times in zip(contestants, taken[1:], strict=True)}


def _ratio(times: list[float], units: list[float]) -> Ratio:
    low, median, high = quantiles([time / unit for time, unit in zip(times, units, strict=True)], n=4)
    return Ratio(median, low, high)


def _enough(timer: Timer) -> int:
    """Return the number of runs for one measurement. This also warms the contestant up."""
    count = 1
    while (taken := timer(count)) < TIMING_SECONDS:
        count *= 2
    return max(1, round(count * TIMING_SECONDS / taken))
