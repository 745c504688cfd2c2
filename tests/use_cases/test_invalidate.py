"""An invalidation increments the generation before it flushes the gateway's cache."""

import pytest

from chalicelib.core.errors import InternalError
from chalicelib.invalidate import Invalidate
from tests.fakes import FakeGatewayCache, FakeState, Journal


def test_the_generation_is_incremented_and_returned() -> None:
    state = FakeState(generation=7)
    assert Invalidate(state, gateway_cache=None)() == 8
    assert state.generation == 8


def test_the_cache_is_flushed_after_the_generation_is_incremented() -> None:
    journal = Journal()
    Invalidate(journal.of("generation", FakeState()), journal.of("cache", FakeGatewayCache()))()
    assert journal.calls == ["generation.bump", "cache.flush"]


def test_a_failed_flush_raises_after_the_generation_is_incremented() -> None:
    state, cache = FakeState(generation=7), FakeGatewayCache(failure=InternalError("flush_failed", "throttled"))
    with pytest.raises(InternalError):
        Invalidate(state, cache)()
    assert state.generation == 8


def test_the_cache_is_not_flushed_if_the_increment_fails() -> None:
    class NeverCounts:
        def bump(self) -> int:
            raise InternalError("state_unreachable", "timeout")

    cache = FakeGatewayCache()
    with pytest.raises(InternalError):
        Invalidate(NeverCounts(), cache)()
    assert cache.flushes == 0


def test_a_second_invalidation_does_no_harm() -> None:
    state, cache = FakeState(), FakeGatewayCache()
    invalidate = Invalidate(state, cache)
    assert invalidate() < invalidate()
    assert cache.flushes == 2
