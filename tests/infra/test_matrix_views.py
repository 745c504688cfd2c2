"""The access matrix as a table, CSV and SVG: every cell is there, and no name breaks the form."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any
from xml.etree import ElementTree

from chalicelib.core.policy import Policy
from chalicelib.core.route import Authorizer, Route
from chalicelib.matrix import Matrix, build_matrix
from operations.matrix_views import as_csv, as_svg, as_table
from tests.fakes import allow, deny, statements

ROUTES = [
    Route("/", "GET", Authorizer.NONE),
    Route("/orders", "GET", Authorizer.POLICIES),
    Route("/orders/{id}", "GET", Authorizer.POLICIES),
]


def matrix(**policies: list[dict[str, Any]]) -> Matrix:
    stored = [Policy(f"group:{name}", 1, statements(*rules), "", "") for name, rules in policies.items()]
    return build_matrix(stored, ROUTES)


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


def test_an_empty_matrix_can_be_shown() -> None:
    empty = build_matrix([], [])
    assert (as_table(empty), as_csv(empty)) == ((["route"], []), "subject,method,path,access,reason\n")
    ElementTree.fromstring(as_svg(empty))  # noqa: S314  # our own text
