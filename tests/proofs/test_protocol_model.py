"""Checks that the shipped invalidation protocol holds in every order of events, and that each unsafe variant fails."""

from functools import cache

import pytest

from tests.proofs.checker import Verdict, each
from tests.proofs.protocol_model import (
    SAFE,
    SAFE_AFTER_A_WAIT,
    SAFE_BUT_NOT_SHIPPED,
    UNSAFE,
    Case,
    Model,
    World,
    check,
)


@cache
def verdict_on(case: Case) -> Verdict:
    return check(case.protocol, case.situation)


@each(SAFE)
def test_the_shipped_protocol_never_serves_a_revoked_permission(case: Case) -> None:
    assert verdict_on(case).trace == ()


@each(SAFE_AFTER_A_WAIT)
def test_the_shipped_protocol_never_serves_a_revoked_permission_after_the_wait_when(case: Case) -> None:
    assert verdict_on(case).trace == ()


@each(SAFE_BUT_NOT_SHIPPED)
def test_the_checker_accepts_a_safe_protocol_with(case: Case) -> None:
    assert verdict_on(case).trace == ()


@each(UNSAFE)
def test_the_protocol_fails_when(case: Case) -> None:
    verdict = verdict_on(case)
    assert not verdict.holds
    assert verdict.trace[-1] == "VIOLATION: v1 (revoked) was guaranteed when request 2 started"


@pytest.mark.parametrize(
    ("name", "trace"),
    [
        pytest.param(
            "generation and policy are read in one batch",
            (
                "request 1 starts in container 1, reads v0 (granted) in its batch",
                "writer 1 puts v1 (revoked)",
                "writer 1 bumps the generation to 1, acknowledges v1 (revoked)",
                "request 1 reads generation 1 in its batch",
                "request 1 finds no usable policy in the cache",
                "request 1 decides on v0 (granted) and caches it under generation 1",
                "request 2 starts in container 1, reads generation 1 in its batch",
                "request 2 reads v1 (revoked) in its batch",
                "request 2 decides on v0 (granted) from the cache",
                "VIOLATION: v1 (revoked) was guaranteed when request 2 started",
            ),
            id="a policy older than its generation",
        ),
        pytest.param(
            "one flush is the only invalidation of the gateway's cache",
            (
                "request 1 starts in container 1, reads v0 (granted)",
                "writer 1 puts v1 (revoked)",
                "writer 1 flushes the gateway's cache, acknowledges v1 (revoked)",
                "request 1 is answered with v0 (granted), and the gateway caches the answer",
                "request 2 starts, and gets v0 (granted) from the gateway's cache",
                "VIOLATION: v1 (revoked) was guaranteed when request 2 started",
            ),
            id="a request in flight that refills the cache",
        ),
    ],
)
def test_a_failed_check_gives_the_moves_that_lead_to_the_failure(name: str, trace: tuple[str, ...]) -> None:
    assert verdict_on(UNSAFE[name]).trace == trace


def after(case: Case, *trace: str) -> World:
    """Returns the world after these moves. Fails if a move is not possible."""
    model = Model(case.protocol, case.situation)
    world = model.initial_world()
    for line in trace:
        (world,) = {move.world for move in model.moves(world) if f"{move.actor} {move.action}" == line}
    return world


def test_a_flush_empties_the_gateways_cache() -> None:
    trace = (
        "request 1 starts in container 1, reads v0 (granted)",
        "request 1 is answered with v0 (granted), and the gateway caches the answer",
        "writer 1 puts v1 (revoked)",
        "writer 1 flushes the gateway's cache, acknowledges v1 (revoked)",
    )
    case = UNSAFE["one flush is the only invalidation of the gateway's cache"]
    assert after(case, *trace[:3]).gateway
    assert not after(case, *trace).gateway


def test_a_late_acknowledgement_does_not_lower_the_guaranteed_version() -> None:
    trace = (
        "writer 1 puts v1 (revoked)",
        "writer 2 puts v2 (granted)",
        "writer 2 bumps the generation to 1, acknowledges v2 (granted)",
        "writer 1 bumps the generation to 2, acknowledges v1 (revoked)",
    )
    assert after(SAFE["two writers revoke and grant at the same time"], *trace).guaranteed == 2


def test_a_change_of_a_crashed_writer_is_guaranteed_after_the_stream_handler_ran() -> None:
    case = SAFE["a writer may crash, and the stream handler invalidates"]
    trace = (
        "writer 1 puts v1 (revoked)",
        "writer 1 crashes",
        "stream handler of v1 (revoked) bumps the generation to 1, acknowledges v1 (revoked)",
    )
    assert after(case, *trace[:2]).guaranteed == 0
    assert after(case, *trace).guaranteed == 1


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        pytest.param(
            "one writer revokes and grants again",
            {f"decides on {version} from the cache" for version in ("v0 (granted)", "v1 (revoked)", "v2 (granted)")},
            id="cached policies of each version are used",
        ),
        pytest.param(
            "a writer may crash, and the stream handler invalidates",
            {"crashes", "bumps the generation to 1, acknowledges v1 (revoked)"},
            id="a writer crashes and the stream handler bumps",
        ),
        pytest.param(
            "one change, and every fault may happen",
            {"crashes", "loses its cache", "bumps the generation to 3, acknowledges v1 (revoked)"},
            id="a record repeats after the writer has bumped",
        ),
        pytest.param(
            "two edits by another tool, and the stream handler invalidates",
            {f"bumps the generation to 2, acknowledges {version}" for version in ("v1 (revoked)", "v2 (granted)")},
            id="records arrive in either order",
        ),
    ],
)
def test_a_safe_case_includes(name: str, actions: set[str]) -> None:
    assert actions <= verdict_on(SAFE[name]).actions


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        pytest.param(
            "the gateway caches answers and containers reuse the generation",
            {
                "starts, and gets v0 (granted) from the gateway's cache",
                "starts in container 1, reuses generation 0",
                "flushes the gateway's cache, acknowledges v1 (revoked)",
                "ends the wait: v1 (revoked) is guaranteed",
            },
            id="caches are used before the wait ends",
        ),
        pytest.param(
            "the writer crashed and the stream failed",
            {"decides on v0 (granted) from the cache", "ends the wait: v1 (revoked) is guaranteed"},
            id="the cache is used although no writer bumps",
        ),
    ],
)
def test_a_case_that_is_safe_after_a_wait_includes(name: str, actions: set[str]) -> None:
    assert actions <= verdict_on(SAFE_AFTER_A_WAIT[name]).actions
