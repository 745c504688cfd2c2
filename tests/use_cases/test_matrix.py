"""A cell of the matrix agrees with the decisions on the requests of its route."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.authorize import merge
from chalicelib.core.policy import CorruptPolicy, DeletedPolicy, Policy, StoredPolicy
from chalicelib.core.route import Authorizer, Route
from chalicelib.core.statement import Statement
from chalicelib.core.upstream_paths import AMBIGUOUS, guarded, routes
from chalicelib.matrix import Access, MatrixTooLarge, build_matrix, cases, cell, outcomes
from chalicelib.stage_rules import StageRules
from tests.fakes import allow, deny, statements
from tests.strategies import repeatable

READ, WRITE = "https://gatehouse.example/file.read", "https://gatehouse.example/file.write"
REPORT = Route("/r/{id}", "GET", Authorizer.POLICIES)


def policy(*rules: dict[str, Any], subject: str = "group:clerks") -> Policy:
    return Policy(subject, 3, statements(*rules), "admin", "2027-01-15T08:00:00+00:00")


PATTERNS = st.lists(st.text("ab*?", max_size=3).map("/r/".__add__), min_size=1, max_size=2, unique=True)
SCOPES = st.lists(st.sampled_from([READ, WRITE]), min_size=1, unique=True)
RULES = st.lists(
    st.fixed_dictionaries(
        {"effect": st.sampled_from(["Allow", "Deny"]), "methods": st.just(["GET"]), "paths": PATTERNS},
        optional={"scopes": SCOPES},
    )
    | st.fixed_dictionaries(
        {"effect": st.just("Allow"), "methods": st.just(["GET"]), "paths": PATTERNS},
        optional={"scopes": SCOPES, "signed_in_within": st.sampled_from([60, 900])},
    ),
    max_size=4,
)
PATHS = [f"/r/{''.join(text)}" for size in (1, 2, 3) for text in product("abz", repeat=size)]
TOKENS = [frozenset(), frozenset({READ}), frozenset({WRITE}), frozenset({READ, WRITE})]


@repeatable
@given(RULES, st.sampled_from([0, 61, 300]))
@example([allow("/r/*"), deny("/r/a?", sid="deny")], 0)
@example([allow("/r/*", scopes=[READ]), deny("/r/*", sid="deny", scopes=[WRITE])], 0)
@example([allow("/r/*", signed_in_within=60)], 0)
@example([allow("/r/*", signed_in_within=60)], 61)
def test_a_cell_agrees_with_the_decision_on_every_short_path(rules: Any, reused_for: int) -> None:
    clerks = policy(*rules)
    ages = [age + reused_for for age in (0, 61, 901)]
    permissions = [merge([clerks], scopes, generation=0).after(age) for scopes in TOKENS for age in ages]
    decided = {allowed.decide("GET", path).allowed for allowed in permissions for path in PATHS}
    expected = {Access.ALLOWED: {True}, Access.DENIED: {False}, Access.PARTLY: {True, False}}
    assert decided <= expected[cell(clerks, REPORT, StageRules(reused_for)).access]


@repeatable
@given(RULES, st.sampled_from([0, 61, 300]))
def test_the_exceptions_and_the_limits_of_a_cell_are_real(rules: Any, reused_for: int) -> None:
    clerks = policy(*rules)
    found = cell(clerks, REPORT, StageRules(reused_for))
    assert (found.access is Access.PARTLY) is bool(found.exceptions or found.signed_in_within is not None)
    for outcome in found.exceptions:
        permissions = merge([clerks], outcome.case.scopes, generation=0)
        decision = permissions.after(reused_for).decide("GET", outcome.case.path)
        assert (decision.allowed, decision.because) == (outcome.allowed, outcome.because)
        for seconds in (60, 61, 900, 901, 10**9):
            still = permissions.after(seconds + reused_for).decide("GET", outcome.case.path).allowed
            in_time = outcome.signed_in_within is None or seconds <= outcome.signed_in_within
            assert still is (outcome.allowed and in_time)


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


@pytest.mark.parametrize(
    ("rules", "reused_for", "expected"),
    [
        ([allow("/r/*", signed_in_within=900)], 0, ("partly", "allowed_by", 900, [])),
        ([allow("/r/*", signed_in_within=900)], 300, ("partly", "allowed_by", 600, [])),
        ([allow("/r/*", signed_in_within=60)], 300, ("denied", "sign_in_too_old", None, [])),
        ([allow("/r/*"), allow("/r/*", sid="recent", signed_in_within=900)], 0, ("allowed", "allowed_by", None, [])),
        (
            [allow("/r/a", sid="a"), allow("/r/*", signed_in_within=900)],
            0,
            ("partly", "allowed_by", 900, [("/r/a", True, None)]),
        ),
        (
            [allow("/r/*"), deny("/r/a", sid="deny")],
            0,
            ("partly", "allowed_by", None, [("/r/a", False, None)]),
        ),
    ],
)
def test_a_cell_says_how_recent_a_sign_in_must_be(rules: Any, reused_for: float, expected: Any) -> None:
    found = cell(policy(*rules), REPORT, StageRules(reused_for))
    exceptions = [(it.case.path, it.allowed, it.signed_in_within) for it in found.exceptions]
    assert (found.access.value, found.reason, found.signed_in_within, exceptions) == expected
    assert found.as_dict()["signed_in_within"] == expected[2]
    assert found.as_dict()["allowed"] is (expected[0] == "allowed")


def test_a_matrix_of_a_stage_with_an_upstream_has_its_routes_and_its_guard() -> None:
    rules = StageRules(complete=guarded, upstream_routes=routes())
    clerks = policy(allow("/upstream/*"), deny("/upstream/secret", sid="secret"))
    found = build_matrix([clerks], rules.with_upstream([REPORT]), rules)
    assert (found.guards, found.as_dict()["guards"][0]["sid"]) == ((AMBIGUOUS,), "ambiguous-path")
    (proxied,) = [it for it in found.cells if str(it.route) == "GET /upstream/{proxy+}"]
    assert (proxied.access.value, proxied.reason) == ("partly", "allowed_by")
    # The authorizer also denies the path with a final slash.
    assert {it.case.path for it in proxied.exceptions} <= {"/upstream/secret", "/upstream/secret/"}
    for path in ("/upstream/secret", "/upstream/secret/", "/upstream/a;b"):
        assert not merge([clerks], frozenset(), 0, guarded).decide("GET", path).allowed


def test_a_matrix_with_too_many_cells_is_refused_with_its_size() -> None:
    policies = [policy(subject=f"group:g{number}") for number in range(3)]
    assert len(build_matrix(policies, [REPORT] * 2, most=6).cells) == 6
    with pytest.raises(MatrixTooLarge, match=r"^matrix: 3 groups and .* x 2 routes are 6 cells.*\?subject=.*\?path="):
        build_matrix(policies, [REPORT] * 2, most=5)


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


def test_the_policy_is_merged_once_for_each_token_and_not_for_each_path() -> None:
    merged = []

    def counted(found: Iterable[Statement]) -> tuple[Statement, ...]:
        merged.append(tuple(found))
        return merged[-1]

    rules = StageRules(complete=counted)
    rule = allow(*(f"/r/{letter}*" for letter in "abcdefgh"), scopes=[READ])
    cases_ = list(cases(REPORT, policy(rule).statements))
    assert (len(cases_) > 16, len(list(outcomes(policy(rule), REPORT, cases_, rules)))) == (True, len(cases_))
    assert len(merged) == 2  # without a scope, and with one
