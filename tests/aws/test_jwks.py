"""Signing keys are fetched rarely and used during an outage for a limited time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.aws.jwks import JwksKeySource, Keys
from chalicelib.core.claims import Expectation
from chalicelib.core.errors import CannotDecide, GatehouseError, TokenRejected
from chalicelib.settings import Settings
from chalicelib.verify import VerifyToken
from tests import mint
from tests.fakes import Clock

OLD, NEW = "olympus-1", "olympus-2"
COOLDOWN, REFRESH_AFTER, MAX_AGE = 10, 600, 3600


class Endpoint:
    """The pool's JWKS endpoint. It publishes keys, fails during an `outage` and counts its requests."""

    def __init__(self, *kids: str) -> None:
        self.keys = {kid: mint.private_key(kid).public_key() for kid in kids}
        self.outage: Exception | None = None
        self.fetches = 0

    def __call__(self) -> Keys:
        self.fetches += 1
        if self.outage:
            raise self.outage
        return dict(self.keys)

    def publish(self, *kids: str) -> None:
        self.keys = {kid: mint.private_key(kid).public_key() for kid in kids}


class KeySystem:
    """A key source with its endpoint and its clock."""

    def __init__(self, *kids: str, **settings: float) -> None:
        self.endpoint, self.clock = Endpoint(*kids), Clock(0)
        self.source = JwksKeySource(self.endpoint, now=self.clock, **settings)

    def ask(self, kid: str) -> str:
        """Returns `found`, or the code of the error: 401 for the caller's fault, 500 for ours."""
        try:
            key = self.source.key(kid)
        except GatehouseError as error:
            return f"{401 if isinstance(error, TokenRejected) else 500} {error.code}"
        assert key == self.endpoint.keys[kid]
        return "found"


UNKNOWN, UNREACHABLE = "401 unknown_key", "500 keys_unreachable"


# --- the number of fetches ---


def test_no_keys_are_fetched_before_a_key_is_requested() -> None:
    system = KeySystem(OLD)
    assert system.source.revision == system.source.revision
    assert system.source.outage_seconds == 0
    assert system.endpoint.fetches == 0


def test_a_key_is_fetched_once_and_then_cached() -> None:
    system = KeySystem(OLD)
    assert [system.ask(OLD) for _ in range(3)] == ["found"] * 3
    assert system.endpoint.fetches == 1


def test_unknown_key_ids_cause_at_most_one_fetch_in_ten_seconds() -> None:
    system = KeySystem(OLD)
    assert [system.ask(f"forged-{number}") for number in range(5)] == [UNKNOWN] * 5
    system.clock.advance(COOLDOWN - 0.001)
    assert system.ask("forged-6") == UNKNOWN
    assert system.endpoint.fetches == 1
    system.clock.advance(0.001)
    assert [system.ask(f"forged-{number}") for number in range(5)] == [UNKNOWN] * 5
    assert system.endpoint.fetches == 2


def test_a_valid_key_id_is_found_during_a_series_of_unknown_key_ids() -> None:
    system = KeySystem(OLD)
    assert [system.ask(kid) for kid in ("forged-1", OLD, "forged-2", OLD)] == [UNKNOWN, "found", UNKNOWN, "found"]


# --- rotation ---


def test_a_new_key_is_fetched_by_the_first_request_that_names_it() -> None:
    system = KeySystem(OLD)
    system.ask(OLD)
    system.clock.advance(COOLDOWN)
    system.endpoint.publish(OLD, NEW)
    assert [system.ask(kid) for kid in (NEW, OLD, NEW)] == ["found"] * 3


def test_a_withdrawn_key_is_refused_after_the_next_fetch() -> None:
    system = KeySystem(OLD)
    system.ask(OLD)
    system.endpoint.publish(NEW)
    system.clock.advance(REFRESH_AFTER - 0.001)
    assert system.source.key(OLD)
    system.clock.advance(0.001)
    assert system.ask(OLD) == UNKNOWN
    assert system.ask(NEW) == "found"


def test_the_revision_changes_only_when_the_set_of_keys_changes() -> None:
    system = KeySystem(OLD)
    system.ask(OLD)
    first = system.source.revision
    system.clock.advance(REFRESH_AFTER)
    assert system.source.revision == first
    assert system.endpoint.fetches == 2
    system.endpoint.publish(OLD, NEW)
    system.clock.advance(REFRESH_AFTER)
    assert system.source.revision != first


def test_the_revision_changes_when_a_key_id_gets_another_key() -> None:
    system = KeySystem(OLD)
    system.ask(OLD)
    first = system.source.revision
    system.endpoint.keys[OLD] = mint.private_key(NEW).public_key()
    system.clock.advance(REFRESH_AFTER)
    assert system.source.revision != first


# --- an outage ---


@pytest.mark.parametrize("outage", [OSError("refused"), TimeoutError(), ValueError("no JSON")], ids=lambda e: repr(e))
def test_an_outage_without_cached_keys_is_an_internal_error_also_during_the_cooldown(outage: Exception) -> None:
    system = KeySystem(OLD)
    system.endpoint.outage = outage
    assert [system.ask(kid) for kid in (OLD, "forged")] == [UNREACHABLE] * 2
    system.clock.advance(COOLDOWN - 0.001)
    system.endpoint.outage = None
    assert [system.ask(kid) for kid in (OLD, "forged")] == [UNREACHABLE] * 2
    assert system.endpoint.fetches == 1
    system.clock.advance(0.001)
    assert [system.ask(kid) for kid in (OLD, "forged")] == ["found", UNKNOWN]


def test_the_cause_of_an_outage_is_chained() -> None:
    system = KeySystem(OLD)
    system.endpoint.outage = OSError("refused")
    with pytest.raises(CannotDecide) as failed:
        system.source.key(OLD)
    assert failed.value.__cause__ is system.endpoint.outage


def test_during_an_outage_a_cached_key_is_found_and_an_unknown_key_is_an_internal_error() -> None:
    system = KeySystem(OLD)
    system.ask(OLD)
    system.endpoint.outage = OSError("refused")
    system.clock.advance(COOLDOWN)
    assert [system.ask(kid) for kid in (NEW, OLD, NEW)] == [UNREACHABLE, "found", UNREACHABLE]
    assert system.endpoint.fetches == 2


def test_during_an_outage_keys_are_used_up_to_the_maximum_age() -> None:
    system = KeySystem(OLD)
    system.ask(OLD)
    system.endpoint.outage = OSError("refused")
    system.clock.advance(MAX_AGE - 0.001)
    assert system.ask(OLD) == "found"
    system.clock.advance(0.001)
    assert system.ask(OLD) == UNREACHABLE
    system.endpoint.outage = None
    system.clock.advance(COOLDOWN)
    assert system.ask(OLD) == "found"


def test_the_revision_changes_when_the_keys_exceed_the_maximum_age() -> None:
    system = KeySystem(OLD)
    system.ask(OLD)
    good = system.source.revision
    system.endpoint.outage = OSError("refused")
    system.clock.advance(MAX_AGE - 0.001)
    assert system.source.revision == good
    system.clock.advance(0.001)
    assert system.source.revision != good


def test_an_unreachable_endpoint_is_tried_every_ten_seconds_at_most() -> None:
    system = KeySystem(OLD)
    system.ask(OLD)
    system.endpoint.outage = OSError("refused")
    system.clock.advance(REFRESH_AFTER)
    for _ in range(20):
        system.ask(OLD)
        assert system.source.revision
        system.clock.advance(1)
    assert system.endpoint.fetches == 1 + 2


def test_the_length_of_an_outage_is_the_age_of_the_keys_in_use() -> None:
    system = KeySystem(OLD)
    system.ask(OLD)
    system.endpoint.outage = OSError("refused")
    system.clock.advance(REFRESH_AFTER)
    assert system.source.outage_seconds == 0, "no request has failed yet"
    system.ask(OLD)
    system.clock.advance(25)
    assert system.source.outage_seconds == REFRESH_AFTER + 25
    system.endpoint.outage = None
    system.ask(NEW)
    assert system.source.outage_seconds == 0


@pytest.mark.parametrize("seconds", ["60", "599", "3600", "86400"])
def test_no_request_fails_while_the_keys_can_be_fetched_for_any_maximum_age(seconds: str) -> None:
    max_age = Settings({"JWKS_MAX_AGE_SECONDS": seconds}).jwks_max_age_seconds
    system = KeySystem(OLD, max_age=max_age)
    for _ in range(100):
        assert system.ask(OLD) == "found"
        system.clock.advance(max_age / 10)


def test_a_cached_token_raises_cannot_decide_when_the_keys_exceed_the_maximum_age() -> None:
    system = KeySystem(mint.KID)
    wall = Clock(mint.NOW)
    verify = VerifyToken(system.source, Expectation(mint.ISSUER, frozenset({mint.WEB_CLIENT})), now=wall)
    token = mint.token(mint.person(exp=mint.NOW + 86_400))
    verify(token)
    system.endpoint.outage = OSError("refused")
    system.clock.advance(MAX_AGE)
    with pytest.raises(CannotDecide):
        verify(token)


# --- before the first request ---


def test_prefetched_keys_need_no_fetch_at_the_first_request() -> None:
    system = KeySystem(OLD)
    system.source.prefetch()
    assert system.ask(OLD) == "found"
    assert system.endpoint.fetches == 1


def test_after_a_failed_prefetch_the_first_request_fetches_without_a_cooldown() -> None:
    system = KeySystem(OLD)
    system.endpoint.outage = OSError("refused")
    system.source.prefetch()
    assert system.source.outage_seconds == 0
    system.endpoint.outage = None
    assert system.ask(OLD) == "found"
    assert system.endpoint.fetches == 2


def test_prefetched_keys_that_became_old_in_a_snapshot_are_fetched_again() -> None:
    system = KeySystem(OLD)
    system.source.prefetch()
    system.endpoint.publish(NEW)
    system.clock.advance(MAX_AGE)
    assert system.ask(NEW) == "found"
    assert system.ask(OLD) != "found"
    assert system.endpoint.fetches == 2


# --- several threads ---


class SlowEndpoint(Endpoint):
    """Responds immediately until `slow` is set. Then it waits until a second thread has read the clock."""

    def __init__(self, *kids: str) -> None:
        super().__init__(*kids)
        self.slow, self.time = False, Clock(0)
        self.fetching, self.second_asked = threading.Event(), threading.Event()
        self._fetcher: threading.Thread | None = None

    def __call__(self) -> Keys:
        if self.slow:
            self._fetcher = threading.current_thread()
            self.fetching.set()
            assert self.second_asked.wait(10), "no other thread fetched"
        return super().__call__()

    def clock(self) -> float:
        if self.fetching.is_set() and threading.current_thread() is not self._fetcher:
            self.second_asked.set()
        return self.time()


@pytest.mark.parametrize("known", [(), (OLD,)], ids=["at the first fetch", "at a rotation"])
def test_a_concurrent_request_waits_for_the_running_fetch(known: tuple[str, ...]) -> None:
    endpoint = SlowEndpoint(*known)
    source = JwksKeySource(endpoint, now=endpoint.clock)
    for kid in known:
        source.key(kid)
    endpoint.time.advance(COOLDOWN)
    endpoint.publish(OLD, NEW)
    endpoint.slow, before = True, endpoint.fetches
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(source.key, NEW)
        assert endpoint.fetching.wait(10)
        second = threads.submit(source.key, NEW)
        assert first.result(10) == second.result(10) == endpoint.keys[NEW]
    assert endpoint.fetches == before + 1
