"""When policies change the generation is counted first, and only then is the gateway's cache flushed."""

import pytest

from chalicelib.core.errors import InternalError
from chalicelib.invalidate import Invalidate
from tests.fakes import FakeGatewayCache, FakeState, Journal


def test_a_change_is_counted_and_the_number_given():
    state = FakeState(generation=7)
    assert Invalidate(state, gateway_cache=None)() == 8
    assert state.generation == 8


def test_the_cache_is_flushed_after_the_change_was_counted():
    journal = Journal()
    Invalidate(journal.of("generation", FakeState()), journal.of("cache", FakeGatewayCache()))()
    assert journal.calls == ["generation.bump", "cache.flush"]


def test_a_flush_that_fails_is_told_on_and_leaves_the_change_counted():
    state, cache = FakeState(generation=7), FakeGatewayCache(failure=InternalError("flush_failed", "throttled"))
    with pytest.raises(InternalError):
        Invalidate(state, cache)()
    assert state.generation == 8


def test_without_a_count_nothing_is_flushed():
    class NeverCounts:
        def bump(self) -> int:
            raise InternalError("state_unreachable", "timeout")

    cache = FakeGatewayCache()
    with pytest.raises(InternalError):
        Invalidate(NeverCounts(), cache)()
    assert cache.flushes == 0


def test_doing_it_twice_is_as_good_as_once():
    state, cache = FakeState(), FakeGatewayCache()
    invalidate = Invalidate(state, cache)
    assert invalidate() < invalidate()
    assert cache.flushes == 2
