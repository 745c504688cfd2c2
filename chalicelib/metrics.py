"""The metrics of Gatehouse: their names and units, and how a function writes them.

The authorizer writes its metrics with the decision log, in one line. The other functions write a line for each value.
"""

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from chalicelib.core.principal import Principal
from chalicelib.ports import AuthorizationState, StateReader

NAMESPACE = "Gatehouse"
UNITS: Mapping[str, str] = {
    "Decisions": "Count",
    "TookMilliseconds": "Milliseconds",
    "StateMilliseconds": "Milliseconds",
    "KeysOutageSeconds": "Seconds",
    "KeyFetches": "Count",
    "KeyFetchFailures": "Count",
    "InvalidationLagSeconds": "Seconds",
    "Onboarded": "Count",
    "OnboardingFailed": "Count",
    "UnmappedGroups": "Count",
}

Result = TypeVar("Result")


def write_metric(function: str, name: str, value: float) -> None:
    """Writes one value. The function's name distinguishes applications and stages."""
    # Powertools is slow to import, and the authorizer imports this module.
    from aws_lambda_powertools.metrics import MetricUnit, single_metric

    with single_metric(name=name, unit=MetricUnit(UNITS[name]), value=value, namespace=NAMESPACE) as metric:
        metric.add_dimension(name="function", value=function)


class Measurements:
    """The values of one request. A Lambda handles one request at a time."""

    def __init__(self) -> None:
        self._values: dict[str, float] = {}

    def add(self, name: str, value: float) -> None:
        self._values[name] = self._values.get(name, 0) + value

    def take(self) -> Mapping[str, float]:
        """Returns the values since the last call."""
        values, self._values = self._values, {}
        return values


class MeasuredState:
    """A StateReader that measures the duration of each read."""

    def __init__(
        self, state: StateReader, measurements: Measurements, now: Callable[[], float] = time.perf_counter
    ) -> None:
        self._state = state
        self._measurements = measurements
        self._now = now

    def read(self, principal: Principal) -> AuthorizationState:
        began = self._now()
        try:
            return self._state.read(principal)
        finally:
            self._measurements.add("StateMilliseconds", round((self._now() - began) * 1000, 3))


def counted_fetch(fetch: Callable[[], Result], measurements: Measurements) -> Callable[[], Result]:
    """Returns a function that calls `fetch` and counts its calls and failures."""

    def counted() -> Result:
        measurements.add("KeyFetches", 1)
        try:
            return fetch()
        except Exception:
            measurements.add("KeyFetchFailures", 1)
            raise

    return counted
