"""The method: every round runs every contestant once, and only ratios inside a round count.

A machine grows faster and slower by the minute, and so does whatever runs on it. Within one round of some tens of
milliseconds all contestants meet the same machine, and the median over many rounds forgets the odd ones. What counts is
processor time, so that an interruption costs nobody more than its caches. The order is drawn anew for every round: who
always follows the same contestant finds the processor always as that one has left it.
"""

import gc
import random
from collections.abc import Callable, Mapping
from itertools import repeat
from statistics import quantiles
from time import thread_time
from typing import NamedTuple

Timer = Callable[[int], float]  # how many seconds of the processor so many runs take

ROUNDS = 300
TIMING_SECONDS = 0.002
WARM_UP = 8  # for so many runs that are timed, one more that is not


class Ratio(NamedTuple):
    """Time in units: the median over the rounds, and the quartiles around it."""

    median: float
    low: float
    high: float


def timer(call: Callable[[], object]) -> Timer:
    """Time a call, many at a stretch."""

    def seconds(count: int) -> float:
        for _ in repeat(None, 1 + count // WARM_UP):  # untimed: brings code and data back into the processor's caches
            call()
        runs = repeat(None, count)
        began = thread_time()
        for _ in runs:
            call()
        return thread_time() - began

    return seconds


def race(contestants: Mapping[str, Timer], unit: Timer, rounds: int = ROUNDS) -> dict[str, Ratio]:
    """Measure contestants in units. The unit is measured in every round, as one of them."""
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
    """How many runs fill one timing; finding out also warms the contestant up."""
    count = 1
    while (taken := timer(count)) < TIMING_SECONDS:
        count *= 2
    return max(1, round(count * TIMING_SECONDS / taken))
