"""The shipped invalidation protocol holds in every order of events, and each tempting shortcut is seen to break."""

from functools import cache

import pytest

from tests.proofs.protocol_model import (
    SAFE,
    SAFE_AFTER_A_WAIT,
    SAFE_BUT_NOT_SHIPPED,
    UNSAFE,
    Case,
    Model,
    Verdict,
    World,
    check,
)


@cache
def verdict_on(case: Case) -> Verdict:
    return check(case.protocol, case.situation)


def each(cases: dict[str, Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in cases.items()])


@each(SAFE)
def test_the_shipped_protocol_never_serves_a_revoked_permission(case):
    assert verdict_on(case).trace == ()


@each(SAFE_AFTER_A_WAIT)
def test_the_shipped_protocol_never_serves_a_revoked_permission_after_the_wait_when(case):
    assert verdict_on(case).trace == ()


@each(SAFE_BUT_NOT_SHIPPED)
def test_the_checker_finds_no_fault_where_there_is_none_with(case):
    assert verdict_on(case).trace == ()


@each(UNSAFE)
def test_the_protocol_fails_when(case):
    verdict = verdict_on(case)
    assert not verdict.holds
    assert verdict.trace[-1] == "BROKEN: v1 (revoked) had been promised when request 2 started"


@pytest.mark.parametrize(
    ("name", "trace"),
    [
        pytest.param(
            "generation and policy come in one batch",
            (
                "request 1 starts in container 1, reads v0 (granted) in its batch",
                "writer 1 puts v1 (revoked)",
                "writer 1 bumps the generation to 1, acknowledges v1 (revoked)",
                "request 1 reads generation 1 in its batch",
                "request 1 finds nothing of use in memory",
                "request 1 decides on v0 (granted) and remembers it under generation 1",
                "request 2 starts in container 1, reads generation 1 in its batch",
                "request 2 reads v1 (revoked) in its batch",
                "request 2 decides on v0 (granted) from memory",
                "BROKEN: v1 (revoked) had been promised when request 2 started",
            ),
            id="content older than its tag",
        ),
        pytest.param(
            "one flush is to heal the gateway",
            (
                "request 1 starts in container 1, reads v0 (granted)",
                "writer 1 puts v1 (revoked)",
                "writer 1 flushes the gateway's cache, acknowledges v1 (revoked)",
                "request 1 is answered on v0 (granted), which the gateway caches",
                "request 2 starts, and is answered on v0 (granted) by the gateway's cache",
                "BROKEN: v1 (revoked) had been promised when request 2 started",
            ),
            id="a request in flight that refills the cache",
        ),
    ],
)
def test_a_failure_comes_with_the_moves_that_lead_to_it(name, trace):
    assert verdict_on(UNSAFE[name]).trace == trace


def after(case: Case, *story: str) -> World:
    """The world after these moves, which must be possible one after the other."""
    model = Model(case.protocol, case.situation)
    world = model.beginning()
    for line in story:
        (world,) = {move.world for move in model.moves(world) if f"{move.actor} {move.deed}" == line}
    return world


def test_a_flush_leaves_the_gateway_nothing_that_it_cached():
    story = (
        "request 1 starts in container 1, reads v0 (granted)",
        "request 1 is answered on v0 (granted), which the gateway caches",
        "writer 1 puts v1 (revoked)",
        "writer 1 flushes the gateway's cache, acknowledges v1 (revoked)",
    )
    case = UNSAFE["one flush is to heal the gateway"]
    assert after(case, *story[:3]).gateway
    assert not after(case, *story).gateway


def test_a_late_acknowledgement_takes_no_promise_back():
    story = (
        "writer 1 puts v1 (revoked)",
        "writer 2 puts v2 (granted)",
        "writer 2 bumps the generation to 1, acknowledges v2 (granted)",
        "writer 1 bumps the generation to 2, acknowledges v1 (revoked)",
    )
    assert after(SAFE["a revocation and a grant by two writers at once"], *story).promised == 2


def test_a_writer_that_dies_has_promised_nothing_until_the_stream_handler_heals():
    case = SAFE["a writer that may die, healed by the stream handler"]
    story = (
        "writer 1 puts v1 (revoked)",
        "writer 1 dies",
        "stream handler of v1 (revoked) bumps the generation to 1, acknowledges v1 (revoked)",
    )
    assert after(case, *story[:2]).promised == 0
    assert after(case, *story).promised == 1


@pytest.mark.parametrize(
    ("name", "deeds"),
    [
        pytest.param(
            "a revocation and a grant by one writer",
            {f"decides on {version} from memory" for version in ("v0 (granted)", "v1 (revoked)", "v2 (granted)")},
            id="memory that is used under each version",
        ),
        pytest.param(
            "a writer that may die, healed by the stream handler",
            {"dies", "bumps the generation to 1, acknowledges v1 (revoked)"},
            id="writers that die and a handler that heals",
        ),
        pytest.param(
            "one change, and all that may go wrong",
            {"dies", "forgets everything", "bumps the generation to 3, acknowledges v1 (revoked)"},
            id="a record that comes twice after the writer's own bump",
        ),
        pytest.param(
            "two edits by any tool, healed by the stream handler",
            {f"bumps the generation to 2, acknowledges {version}" for version in ("v1 (revoked)", "v2 (granted)")},
            id="records that come in either order",
        ),
    ],
)
def test_what_holds_was_tried_with(name, deeds):
    assert deeds <= verdict_on(SAFE[name]).deeds


@pytest.mark.parametrize(
    ("name", "deeds"),
    [
        pytest.param(
            "the gateway caches answers and containers reuse the generation",
            {
                "starts, and is answered on v0 (granted) by the gateway's cache",
                "starts in container 1, takes generation 0 as read before",
                "flushes the gateway's cache, acknowledges v1 (revoked)",
                "ends the wait: v1 (revoked) is promised",
            },
            id="caches that are used before the wait is over",
        ),
        pytest.param(
            "the writer died and the stream failed",
            {"decides on v0 (granted) from memory", "ends the wait: v1 (revoked) is promised"},
            id="memory that is used although nobody bumps",
        ),
    ],
)
def test_what_holds_after_the_wait_was_tried_with(name, deeds):
    assert deeds <= verdict_on(SAFE_AFTER_A_WAIT[name]).deeds
