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


class Scene:
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


def test_nothing_is_fetched_before_a_key_is_needed() -> None:
    scene = Scene(OLD)
    assert scene.source.revision == scene.source.revision
    assert scene.source.outage_seconds == 0
    assert scene.endpoint.fetches == 0


def test_a_key_is_fetched_once_and_cached() -> None:
    scene = Scene(OLD)
    assert [scene.ask(OLD) for _ in range(3)] == ["found"] * 3
    assert scene.endpoint.fetches == 1


def test_forged_key_ids_cause_one_fetch_in_ten_seconds() -> None:
    scene = Scene(OLD)
    assert [scene.ask(f"forged-{number}") for number in range(5)] == [UNKNOWN] * 5
    scene.clock.advance(COOLDOWN - 0.001)
    assert scene.ask("forged-6") == UNKNOWN
    assert scene.endpoint.fetches == 1
    scene.clock.advance(0.001)
    assert [scene.ask(f"forged-{number}") for number in range(5)] == [UNKNOWN] * 5
    assert scene.endpoint.fetches == 2


def test_forged_key_ids_do_not_block_valid_tokens() -> None:
    scene = Scene(OLD)
    assert [scene.ask(kid) for kid in ("forged-1", OLD, "forged-2", OLD)] == [UNKNOWN, "found", UNKNOWN, "found"]


# --- rotation ---


def test_a_new_key_is_fetched_by_the_first_request_that_names_it() -> None:
    scene = Scene(OLD)
    scene.ask(OLD)
    scene.clock.advance(COOLDOWN)
    scene.endpoint.publish(OLD, NEW)
    assert [scene.ask(kid) for kid in (NEW, OLD, NEW)] == ["found"] * 3


def test_a_withdrawn_key_is_used_until_the_next_fetch_at_most() -> None:
    scene = Scene(OLD)
    scene.ask(OLD)
    scene.endpoint.publish(NEW)
    scene.clock.advance(REFRESH_AFTER - 0.001)
    assert scene.source.key(OLD)
    scene.clock.advance(0.001)
    assert scene.ask(OLD) == UNKNOWN
    assert scene.ask(NEW) == "found"


def test_the_revision_changes_only_with_the_set_of_keys() -> None:
    scene = Scene(OLD)
    scene.ask(OLD)
    first = scene.source.revision
    scene.clock.advance(REFRESH_AFTER)
    assert scene.source.revision == first
    assert scene.endpoint.fetches == 2
    scene.endpoint.publish(OLD, NEW)
    scene.clock.advance(REFRESH_AFTER)
    assert scene.source.revision != first


def test_the_revision_changes_when_a_key_id_gets_another_key() -> None:
    scene = Scene(OLD)
    scene.ask(OLD)
    first = scene.source.revision
    scene.endpoint.keys[OLD] = mint.private_key(NEW).public_key()
    scene.clock.advance(REFRESH_AFTER)
    assert scene.source.revision != first


# --- an outage ---


@pytest.mark.parametrize("outage", [OSError("refused"), TimeoutError(), ValueError("no JSON")], ids=lambda e: repr(e))
def test_an_outage_without_cached_keys_is_our_failure_during_the_cooldown_too(outage: Exception) -> None:
    scene = Scene(OLD)
    scene.endpoint.outage = outage
    assert [scene.ask(kid) for kid in (OLD, "forged")] == [UNREACHABLE] * 2
    scene.clock.advance(COOLDOWN - 0.001)
    scene.endpoint.outage = None
    assert [scene.ask(kid) for kid in (OLD, "forged")] == [UNREACHABLE] * 2
    assert scene.endpoint.fetches == 1
    scene.clock.advance(0.001)
    assert [scene.ask(kid) for kid in (OLD, "forged")] == ["found", UNKNOWN]


def test_the_cause_of_an_outage_is_chained() -> None:
    scene = Scene(OLD)
    scene.endpoint.outage = OSError("refused")
    with pytest.raises(CannotDecide) as failed:
        scene.source.key(OLD)
    assert failed.value.__cause__ is scene.endpoint.outage


def test_during_an_outage_cached_keys_are_used_and_an_unknown_key_is_our_failure() -> None:
    scene = Scene(OLD)
    scene.ask(OLD)
    scene.endpoint.outage = OSError("refused")
    scene.clock.advance(COOLDOWN)
    assert [scene.ask(kid) for kid in (NEW, OLD, NEW)] == [UNREACHABLE, "found", UNREACHABLE]
    assert scene.endpoint.fetches == 2


def test_during_an_outage_keys_are_used_up_to_the_maximum_age() -> None:
    scene = Scene(OLD)
    scene.ask(OLD)
    scene.endpoint.outage = OSError("refused")
    scene.clock.advance(MAX_AGE - 0.001)
    assert scene.ask(OLD) == "found"
    scene.clock.advance(0.001)
    assert scene.ask(OLD) == UNREACHABLE
    scene.endpoint.outage = None
    scene.clock.advance(COOLDOWN)
    assert scene.ask(OLD) == "found"


def test_keys_that_are_too_old_have_another_revision() -> None:
    scene = Scene(OLD)
    scene.ask(OLD)
    good = scene.source.revision
    scene.endpoint.outage = OSError("refused")
    scene.clock.advance(MAX_AGE - 0.001)
    assert scene.source.revision == good
    scene.clock.advance(0.001)
    assert scene.source.revision != good


def test_an_unreachable_endpoint_is_tried_every_ten_seconds_at_most() -> None:
    scene = Scene(OLD)
    scene.ask(OLD)
    scene.endpoint.outage = OSError("refused")
    scene.clock.advance(REFRESH_AFTER)
    for _ in range(20):
        scene.ask(OLD)
        assert scene.source.revision
        scene.clock.advance(1)
    assert scene.endpoint.fetches == 1 + 2


def test_the_length_of_an_outage_is_the_age_of_the_keys_in_use() -> None:
    scene = Scene(OLD)
    scene.ask(OLD)
    scene.endpoint.outage = OSError("refused")
    scene.clock.advance(REFRESH_AFTER)
    assert scene.source.outage_seconds == 0, "no request has noticed yet"
    scene.ask(OLD)
    scene.clock.advance(25)
    assert scene.source.outage_seconds == REFRESH_AFTER + 25
    scene.endpoint.outage = None
    scene.ask(NEW)
    assert scene.source.outage_seconds == 0


@pytest.mark.parametrize("seconds", ["60", "599", "3600", "86400"])
def test_no_request_fails_at_any_maximum_age_while_the_keys_can_be_fetched(seconds: str) -> None:
    max_age = Settings({"JWKS_MAX_AGE_SECONDS": seconds}).jwks_max_age_seconds
    scene = Scene(OLD, max_age=max_age)
    for _ in range(100):
        assert scene.ask(OLD) == "found"
        scene.clock.advance(max_age / 10)


def test_a_cached_token_is_not_used_with_keys_that_are_too_old() -> None:
    scene = Scene(mint.KID)
    wall = Clock(mint.NOW)
    verify = VerifyToken(scene.source, Expectation(mint.ISSUER, frozenset({mint.WEB_CLIENT})), now=wall)
    token = mint.token(mint.person(exp=mint.NOW + 86_400))
    verify(token)
    scene.endpoint.outage = OSError("refused")
    scene.clock.advance(MAX_AGE)
    with pytest.raises(CannotDecide):
        verify(token)


# --- several threads ---


class SlowEndpoint(Endpoint):
    """Responds at once until it is made slow. Then it waits until a second thread has read the clock."""

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
