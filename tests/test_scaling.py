"""Checks the simulation behind docs/scaling.md in cases with a known result."""

import random
from pathlib import Path

import pytest

from benchmarks import copies, scaling
from benchmarks.fleet import Account, Fleet, arrivals
from benchmarks.scaling import burst, state_reads

PAGE = Path(__file__).resolve().parents[1] / "docs/scaling.md"


def test_requests_arrive_at_the_given_rate() -> None:
    moments = list(arrivals(rate=500, seconds=10, chance=random.Random(1)))  # noqa: S311
    assert len(moments) == pytest.approx(5_000, rel=0.05)
    assert moments == sorted(moments)


def test_the_most_recently_used_idle_environment_is_reused_first() -> None:
    fleet = Fleet()
    first, second = fleet.take(0.0), fleet.take(0.0)
    assert first == (0, True)
    assert second == (1, True)
    fleet.give_back(0)
    fleet.give_back(1)
    assert fleet.take(0.0) == (1, False)
    assert fleet.size == 2


def test_concurrent_environments_do_not_exceed_the_accounts_limit() -> None:
    account = Account(concurrency=2)
    fleet, other = Fleet(account), Fleet(account)
    assert fleet.take(0.0)
    assert other.take(0.0)
    assert fleet.take(0.0) is None
    other.give_back(0)
    assert fleet.take(0.0)


def test_a_function_grows_by_1000_environments_and_then_by_100_each_second() -> None:
    fleet = Fleet()
    assert [fleet.take(0.0) is None for _ in range(1_001)] == [False] * 1_000 + [True]
    assert [fleet.take(1.0) is None for _ in range(101)] == [False] * 100 + [True]


def test_every_decision_reads_the_state_item_without_staleness() -> None:
    assert state_reads(rate=400, callers=5, staleness=0).per_second == pytest.approx(400, rel=0.1)


def test_one_caller_causes_one_read_for_each_environment_and_staleness_interval() -> None:
    reads = state_reads(rate=20, callers=1, staleness=2)
    assert 0 < reads.per_second <= reads.environments / 2


def test_staleness_removes_almost_no_reads_with_many_callers() -> None:
    assert state_reads(rate=1_000, callers=50_000, staleness=5).per_second > 950


def test_the_simulation_matches_the_formula_of_the_page() -> None:
    rate, callers, staleness = 500, 1_000, 5
    reads = state_reads(rate, callers, staleness)
    each = rate / (callers * reads.environments)
    assert reads.per_second == pytest.approx(rate / (1 + each * staleness), rel=0.1)


def test_a_burst_within_the_accounts_limit_waits_and_is_not_refused() -> None:
    one = burst(rate=100, cold_start=1.0, seconds=2.0)
    assert one.refused == 0
    assert one.waited > 0.5


def test_a_burst_above_the_accounts_limit_is_partly_refused() -> None:
    assert burst(rate=100, cold_start=1.0, seconds=2.0, concurrency=20).refused > 0.3


def test_longer_cold_starts_cause_more_refusals() -> None:
    refused = [burst(800, cold_start, seconds=2.0).refused for cold_start in (0.5, 1.0, 2.0)]
    assert refused == sorted(refused)
    assert refused[0] < refused[-1]


def test_the_page_contains_the_read_counts_of_the_simulation() -> None:
    table = scaling.reads_table({name: [state_reads(500, callers, 5)] for name, callers in scaling.CALLERS.items()})
    cells = [line.split(" | ")[:2] for line in table.splitlines()[2:-1]]
    for name, reads in cells:
        assert f"{name} | {reads.rstrip(' |')} | " in PAGE.read_text("utf-8"), "run `manage.py bench scaling`"


def test_a_decision_with_copies_reads_three_keys_for_a_user_and_one_for_a_machine() -> None:
    user, machine = (copies.load(2_000, 4, is_machine, seconds=0.2) for is_machine in (False, True))
    assert (user.keys, machine.keys) == (3, 1)
    assert user.busiest == machine.busiest, "one busy machine uses all copies"
    assert 500 <= user.busiest < 1_500


def test_after_a_change_each_environment_reads_the_policies_once() -> None:
    one = copies.load(2_000, 4, seconds=0.4)
    assert 0 < one.policy_reads <= one.environments


def test_a_copy_chosen_by_the_caller_gets_all_requests_of_one_machine() -> None:
    assert copies.busiest_by_caller(1_000, 64, callers=1) == 1_000


def test_the_page_contains_the_reads_of_the_busiest_copy() -> None:
    busiest = copies.load(10_000, 64).busiest
    assert f"| reads of the busiest copy a second | {busiest:,.0f} | " in PAGE.read_text("utf-8")
