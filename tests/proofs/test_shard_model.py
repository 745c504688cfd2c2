"""Checks that copies of the state keep the guarantee in every order of events, and that each wrong order is found."""

from functools import cache

import pytest

from tests.proofs.checker import Verdict, each
from tests.proofs.shard_model import SAFE, SAFE_BUT_NOT_SHIPPED, UNSAFE, Case, check


@cache
def verdict_on(case: Case) -> Verdict:
    return check(case.protocol, case.situation)


@each(SAFE)
def test_the_guarantee_holds_with(case: Case) -> None:
    assert verdict_on(case).trace == ()


@each(SAFE_BUT_NOT_SHIPPED)
def test_the_checker_accepts_that(case: Case) -> None:
    assert verdict_on(case).trace == ()


@each(UNSAFE)
def test_the_guarantee_fails_if(case: Case) -> None:
    assert verdict_on(case).trace[-1].startswith("VIOLATION: ")


def test_a_failed_check_gives_the_moves_that_lead_to_the_failure() -> None:
    assert verdict_on(UNSAFE["a new copy is started before the writers know it"]).trace == (
        "operator starts copy 1",
        "request 1 starts in container 1, reads item 1: generation 0",
        "request 1 reads policy v0",
        "policy writer 1 puts policy v1",
        "policy writer 1 counts the original up, acknowledges v1",
        "request 1 decides on policy v0, and caches it",
        "request 2 starts in container 1, reads item 1: generation 0",
        "request 2 decides on policy v0 from the cache",
        "VIOLATION: policy v1 was guaranteed when request 2 started",
    )


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        pytest.param(
            "the number grows, shrinks and grows, with the stream handler",
            {
                "crashes",
                "finds copy 1 unused, acknowledges v1",
                "removes copy 1",
                "starts copy 1",
                "counts copy 1 up, acknowledges v1",
            },
            id="a writer meets a copy that is being removed or created",
        ),
        pytest.param(
            "the number grows",
            {"begins again", "starts in container 1, reads item 2: unused, answers 500"},
            id="an authorizer reads a copy too early",
        ),
        pytest.param(
            "two lockdowns while the number grows",
            {"marks copy 1 v0", "marks copy 1 v1", "finds a later mark in copy 1, acknowledges v1"},
            id="a lockdown and the operator write the same copy",
        ),
    ],
)
def test_a_safe_case_includes(name: str, actions: set[str]) -> None:
    assert actions <= verdict_on(SAFE[name]).actions
