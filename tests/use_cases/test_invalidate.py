"""An invalidation increments the generation before it flushes the gateway's cache."""

import pytest

from chalicelib.core.errors import InternalError
from chalicelib.invalidate import Invalidate
from tests.fakes import FakeGatewayCache, FakeState, Journal


def test_an_invalidation_increments_the_generation_and_returns_it() -> None:
    state = FakeState(generation=7)
    assert Invalidate(state, gateway_cache=None)() == 8
    assert state.generation == 8


def test_an_invalidation_flushes_the_cache_after_the_increment() -> None:
    journal = Journal()
    Invalidate(journal.of("generation", FakeState()), journal.of("cache", FakeGatewayCache()))()
    assert journal.calls == ["generation.bump", "cache.flush"]


def test_a_failed_flush_raises_after_the_increment_of_the_generation() -> None:
    state, cache = FakeState(generation=7), FakeGatewayCache(failure=InternalError("flush_failed", "throttled"))
    with pytest.raises(InternalError):
        Invalidate(state, cache)()
    assert state.generation == 8


def test_a_failed_increment_prevents_the_flush() -> None:
    class NeverCounts:
        def bump(self) -> int:
            raise InternalError("state_unreachable", "timeout")

    cache = FakeGatewayCache()
    with pytest.raises(InternalError):
        Invalidate(NeverCounts(), cache)()
    assert cache.flushes == 0


def test_a_second_invalidation_increments_and_flushes_again() -> None:
    state, cache = FakeState(), FakeGatewayCache()
    invalidate = Invalidate(state, cache)
    assert invalidate() < invalidate()
    assert cache.flushes == 2
