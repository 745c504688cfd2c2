"""Checks the cost computation, and that docs/cost.md contains its result."""

from pathlib import Path

import pytest

from benchmarks import cost, prices
from benchmarks.cost import Load

PAGE = Path(__file__).resolve().parents[1] / "docs/cost.md"


def dollars(lines: list[cost.Line], item: str) -> tuple[float, ...]:
    return next(line.dollars for line in lines if line.item == item)


def test_the_page_contains_the_current_tables() -> None:
    tables = cost.tables(Load())
    assert f"{cost.BEGIN}\n\n{tables}\n{cost.END}" in PAGE.read_text("utf-8"), "run `manage.py bench cost`"


def test_each_price_step_applies_only_to_the_units_of_that_step() -> None:
    price = prices.Price("thing", ((10, 3.0), (30, 2.0), (float("inf"), 1.0)), "assumed", "here")
    assert [price.of(units) for units in (0, 5, 10, 20, 30, 31)] == [0, 15, 30, 50, 70, 71]


def test_a_billion_requests_use_two_price_steps_of_api_gateway() -> None:
    assert dollars(cost.every_request(Load()), "API Gateway")[2] == pytest.approx(333 * 3.50 + 667 * 2.80)


def test_the_cost_of_a_million_decisions_matches_a_manual_computation() -> None:
    load = Load(authorizer_seconds=0.1, cold_share=0, memory_gb=1, state_keys=4, policy_reads=0)
    lines = cost.decisions(load)
    assert dollars(lines, "Lambda, the authorizer")[1] == pytest.approx(0.20 + 0.1 * 16.67)
    assert dollars(lines, "DynamoDB")[1] == pytest.approx(4 * 0.125)


def test_the_first_ten_thousand_users_are_free() -> None:
    assert dollars(cost.fixed(Load(requests_per_active_user=100)), "Cognito")[1] == 0
    assert dollars(cost.fixed(Load(requests_per_active_user=50)), "Cognito")[1] == pytest.approx(150)


def test_a_decision_line_has_a_plausible_size() -> None:
    assert 400 < cost.decision_line_bytes() < 1_000


def test_use_case_2_costs_use_case_1_plus_the_decisions() -> None:
    rows = [row.split(" | ") for row in cost.tables(Load()).splitlines() if "total" in row]
    first, second = ([float(cell.strip("*| ").replace(",", "")) for cell in row[2:]] for row in rows)
    added = [sum(column) for column in zip(*(line.dollars for line in cost.decisions(Load())), strict=True)]
    assert second == pytest.approx([a + b for a, b in zip(first, added, strict=True)], rel=0.01, abs=0.02)


def test_the_runbook_has_the_costs_of_functions_that_are_started_in_advance() -> None:
    gb_seconds = 0.5 * 730 * 3600  # a month with 512 MB
    page = (PAGE.parent / "runbook/release.md").read_text("utf-8")
    assert f"{prices.PROVISIONED_GB_SECOND.of(gb_seconds):.2f} a month for each environment" in page
    assert f"{prices.SNAPSHOT_GB_SECOND.of(gb_seconds):.2f} a month for each published version" in page
    assert f"{prices.RESTORED_GB.of(500):.2f} for 1,000 restores" in page
    less = 1 - prices.PROVISIONED_CALL_GB_SECOND.of(1) / prices.GB_SECOND.of(1)
    assert f"costs {less:.0%} less".replace("%", " %") in page
