"""The access matrix as a table, CSV and SVG: every cell is there, and no name breaks the form."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any
from xml.etree import ElementTree

import pytest

from chalicelib.core.policy import Policy
from chalicelib.core.route import Authorizer, Route
from chalicelib.core.upstream_paths import guarded, routes
from chalicelib.matrix import Matrix, build_matrix
from chalicelib.stage_rules import NO_RULES, StageRules
from operations.matrix_views import as_csv, as_svg, as_table, duration, legend
from tests.fakes import allow, deny, statements

ROUTES = [
    Route("/", "GET", Authorizer.NONE),
    Route("/orders", "GET", Authorizer.POLICIES),
    Route("/orders/{id}", "GET", Authorizer.POLICIES),
]


def matrix(rules: StageRules = NO_RULES, /, **policies: list[dict[str, Any]]) -> Matrix:
    stored = [Policy(f"group:{name}", 1, statements(*found), "", "") for name, found in policies.items()]
    return build_matrix(stored, rules.with_upstream(ROUTES), rules)


CLERKS = {"clerks": [allow("/orders", "/orders/*"), deny("/orders/annual", sid="freeze")], "guests": []}


def test_the_table_has_a_row_for_each_route() -> None:
    assert as_table(matrix(**CLERKS)) == (
        ["route", "group:clerks", "group:guests"],
        [["GET /", "yes", "yes"], ["GET /orders", "yes", "-"], ["GET /orders/{id}", "partly", "-"]],
    )


def test_the_csv_has_a_line_for_each_cell_with_its_reason() -> None:
    lines = list(csv.DictReader(StringIO(as_csv(matrix(**CLERKS)))))
    assert len(lines) == 6
    assert lines[2] == {
        "subject": "group:clerks",
        "method": "GET",
        "path": "/orders/{id}",
        "access": "partly",
        "reason": "allowed_by (allow); denied: /orders/annual",
    }


def test_a_scope_is_named_in_the_reason() -> None:
    (line,) = [
        line for line in as_csv(matrix(a=[allow("/orders", scopes=["openid"])])).splitlines() if "partly" in line
    ]
    assert line == "group:a,GET,/orders,partly,not_permitted; allowed: /orders with openid"


def test_the_svg_has_each_cell_and_is_well_formed_for_any_name() -> None:
    hostile = '<script>&"'
    drawn = ElementTree.fromstring(as_svg(matrix(**CLERKS, **{hostile: []})))  # noqa: S314  # our own text
    titles = [title.text for title in drawn.iter("{http://www.w3.org/2000/svg}title")]
    assert "group:clerks GET /orders/{id}: allowed_by (allow); denied: /orders/annual" in titles
    assert f"group:{hostile} GET /orders: not_permitted" in titles
    assert len(titles) == 3 + 9
    assert list(drawn.iter("{http://www.w3.org/2000/svg}script")) == []


STEP_UP = [allow("/orders", sid="recent", signed_in_within=900), allow("/orders/7", sid="one")]


def test_a_step_up_is_shown_in_every_form_and_explained_in_the_legend() -> None:
    found = matrix(clerks=[*STEP_UP, allow("/orders/*", sid="all", signed_in_within=3_600)])
    assert [row[1] for row in as_table(found)[1]] == ["yes", "yes, signed in within 15 min", "partly"]
    assert [line.split(",", 3)[3] for line in as_csv(found).splitlines()[2:]] == [
        'partly,"allowed_by (recent), signed in within 15 min"',
        'partly,"allowed_by (all), signed in within 1 h; allowed: /orders/7"',
    ]
    svg = as_svg(found)
    assert ">yes, within 15 min<title>group:clerks GET /orders: allowed_by (recent), signed in within 15 min<" in svg
    (meaning,) = [line for line in legend(found) if line.startswith("signed in within: ")]
    assert "until the sign-in of the user is older (signed_in_within)" in meaning
    assert meaning in svg
    assert not any("signed in" in line for line in legend(matrix(**CLERKS)))


def test_the_legend_explains_exactly_the_words_that_are_shown() -> None:
    assert [line.partition(":")[0] for line in legend(matrix(**CLERKS))] == ["yes", "partly", "-"]


def test_the_routes_of_an_upstream_name_the_statement_that_holds_for_everyone() -> None:
    stage = StageRules(complete=guarded, upstream_routes=routes())
    found = matrix(stage, clerks=[allow("/upstream/*", "/orders")])
    guard = "denied to everyone (ambiguous-path): */upstream*%* */upstream*//*"
    assert legend(found)[-1].startswith(guard)
    reasons = {line.split(",")[2]: line for line in as_csv(found).splitlines() if ",GET," in line}
    assert f"allowed_by (allow); {guard}" in reasons["/upstream/{proxy+}"]
    assert guard not in reasons["/orders"]
    assert guard in as_svg(found)
    by_scope = matrix(StageRules(complete=guarded, upstream_routes=routes("https://x.example/read")), clerks=[])
    assert "scope_missing; allowed: /upstream with https://x.example/read\n" in as_csv(by_scope)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(60, "1 min"), (61, "61 s"), (900, "15 min"), (5_400, "90 min"), (7_200, "2 h"), (2_592_000, "30 d")],
)
def test_a_time_has_the_largest_unit_that_divides_it(seconds: int, shown: str) -> None:
    assert duration(seconds) == shown


def test_an_empty_matrix_can_be_shown() -> None:
    empty = build_matrix([], [])
    assert (as_table(empty), as_csv(empty)) == ((["route"], []), "subject,method,path,access,reason\n")
    ElementTree.fromstring(as_svg(empty))  # noqa: S314  # our own text
