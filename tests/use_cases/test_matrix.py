"""A cell of the matrix agrees with the decisions on the requests of its route."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.authorize import merge
from chalicelib.core.policy import CorruptPolicy, DeletedPolicy, Policy, StoredPolicy
from chalicelib.core.route import Authorizer, Route
from chalicelib.matrix import Access, build_matrix, cell
from tests.fakes import allow, deny, statements
from tests.strategies import repeatable

READ, WRITE = "https://gatehouse.example/file.read", "https://gatehouse.example/file.write"
REPORT = Route("/r/{id}", "GET", Authorizer.POLICIES)


def policy(*rules: dict[str, Any], subject: str = "group:clerks") -> Policy:
    return Policy(subject, 3, statements(*rules), "admin", "2027-01-15T08:00:00+00:00")


PATTERNS = st.lists(st.text("ab*?", max_size=3).map("/r/".__add__), min_size=1, max_size=2, unique=True)
RULES = st.lists(
    st.fixed_dictionaries(
        {"effect": st.sampled_from(["Allow", "Deny"]), "methods": st.just(["GET"]), "paths": PATTERNS},
        optional={"scopes": st.lists(st.sampled_from([READ, WRITE]), min_size=1, unique=True)},
    ),
    max_size=4,
)
PATHS = [f"/r/{''.join(text)}" for size in (1, 2, 3) for text in product("abz", repeat=size)]
TOKENS = [frozenset(), frozenset({READ}), frozenset({WRITE}), frozenset({READ, WRITE})]


@repeatable
@given(RULES)
@example([allow("/r/*"), deny("/r/a?", sid="deny")])
@example([allow("/r/*", scopes=[READ]), deny("/r/*", sid="deny", scopes=[WRITE])])
def test_a_cell_agrees_with_the_decision_on_every_short_path(rules: Any) -> None:
    clerks = policy(*rules)
    permissions = [merge([clerks], scopes, generation=0) for scopes in TOKENS]
    decided = {allowed.decide("GET", path).allowed for allowed in permissions for path in PATHS}
    expected = {Access.ALLOWED: {True}, Access.DENIED: {False}, Access.PARTLY: {True, False}}
    assert decided <= expected[cell(clerks, REPORT).access]


@repeatable
@given(RULES)
def test_the_exceptions_of_a_cell_are_real(rules: Any) -> None:
    clerks = policy(*rules)
    found = cell(clerks, REPORT)
    assert (found.access is Access.PARTLY) is bool(found.exceptions)
    for outcome in found.exceptions:
        decision = merge([clerks], outcome.case.scopes, generation=0).decide("GET", outcome.case.path)
        assert (decision.allowed, decision.because) == (outcome.allowed, outcome.because)


def shown(*rules: dict[str, Any], route: Route = REPORT) -> tuple[str, str, list[tuple[str, list[str]]]]:
    found = cell(policy(*rules), route)
    return found.access.value, found.reason, [(o.case.path, sorted(o.case.scopes)) for o in found.exceptions]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([allow("/r/*")], ("allowed", "allowed_by", [])),
        ([], ("denied", "not_permitted", [])),
        ([allow("/r/*", methods=["PUT"])], ("denied", "not_permitted", [])),
        ([allow("/r/*"), deny("/r/annual")], ("partly", "allowed_by", [("/r/annual", [])])),
        ([allow("/r/annual")], ("partly", "not_permitted", [("/r/annual", [])])),
        ([allow("/r/*"), deny("/*")], ("denied", "denied_by", [])),
        ([allow("/r/*", scopes=[READ])], ("partly", "not_permitted", [("/r/0", [READ])])),
    ],
)
def test_a_cell_says_which_requests_are_the_exception(rules: Any, expected: Any) -> None:
    assert shown(*rules) == expected


def test_scopes_decide_on_a_route_of_use_case_1() -> None:
    files = Route("/files", "GET", Authorizer.SCOPES, (READ,))
    assert shown(allow("/*"), route=files) == ("partly", "scope_missing", [("/files", [READ])])


def test_a_public_route_is_allowed_to_everyone() -> None:
    assert shown(deny("/*"), route=Route("/", "GET", Authorizer.NONE)) == ("allowed", "public", [])


def test_a_corrupt_policy_permits_nothing_and_a_deleted_policy_is_not_listed() -> None:
    stored: list[StoredPolicy] = [
        CorruptPolicy("group:a", None, None, None),
        DeletedPolicy("group:b", 2, None, None),
        policy(allow("/r/*")),
    ]
    matrix = build_matrix(stored, [REPORT])
    assert matrix.subjects == (("group:a", None), ("group:clerks", 3))
    assert [(c.subject, c.access.value, c.reason) for c in matrix.cells] == [
        ("group:a", "denied", "policy_corrupt"),
        ("group:clerks", "allowed", "allowed_by"),
    ]


def test_a_policy_that_cannot_be_compared_is_not_shown_as_denied() -> None:
    rules = [allow(*(f"/r/*{letter}{'?' * 12}" for letter in "abcd"))]
    assert shown(*rules) == ("partly", "too_many_patterns", [])
