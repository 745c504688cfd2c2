"""A preview names the routes that a subject gains and loses, and the mistakes. It stores nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from chalicelib.core.errors import InvalidInput
from chalicelib.core.policy import CorruptPolicy, Policy
from chalicelib.core.route import Authorizer, Route
from chalicelib.core.statement import Statement
from chalicelib.core.upstream_paths import guarded, routes
from chalicelib.preview import PolicyPreview, Preview
from chalicelib.stage_rules import NO_RULES, StageRules
from tests.fakes import FakePolicies, allow, statements

ROUTES = [
    Route("/carts", "GET", Authorizer.SCOPES, ("https://olympus.example/cart.read",)),
    Route("/orders", "GET", Authorizer.POLICIES),
    Route("/orders", "POST", Authorizer.POLICIES),
    Route("/orders/{id}", "DELETE", Authorizer.POLICIES),
]
READ, WRITE = allow("/orders", sid="read"), allow("/orders", methods=["POST"], sid="write")


def refuse_three(checked: Sequence[Statement]) -> None:
    if len(checked) > 2:
        raise InvalidInput("statements", "too large")


def preview(
    subject: str, *rules: dict[str, Any], stored: FakePolicies | None = None, stage: StageRules = NO_RULES
) -> PolicyPreview:
    held = Policy("group:clerks", 4, statements(READ), "admin", "2027-01-15T08:00:00+00:00")
    policies = stored or FakePolicies({held.subject: held})
    use_case = Preview(policies, refuse_three, lambda group: group == "clerks", lambda: frozenset({"robot"}), stage)
    return use_case(subject, statements(*rules), stage.with_upstream(ROUTES))


def test_gains_and_losses_compare_with_the_stored_policy() -> None:
    found = preview("group:clerks", WRITE, allow("/orders/*", methods=["DELETE"], sid="delete"))
    assert found.gains == ("clerks gain POST /orders", "clerks gain DELETE /orders/{id}")
    assert (found.loses, found.findings) == (("clerks lose GET /orders",), ())


@pytest.mark.parametrize(
    ("before", "after", "gains", "loses"),
    [
        pytest.param(900, None, ("clerks gain GET /orders, for a sign-in older than 900 s",), (), id="a removed limit"),
        pytest.param(None, 900, (), ("clerks lose GET /orders, for a sign-in older than 900 s",), id="a new limit"),
        pytest.param(60, 900, ("clerks gain GET /orders, for a sign-in older than 60 s",), (), id="a higher limit"),
        pytest.param(900, 900, (), (), id="the same limit"),
    ],
)
def test_a_changed_age_of_the_sign_in_is_named(before: Any, after: Any, gains: Any, loses: Any) -> None:
    def rule(limit: int | None) -> dict[str, Any]:
        return READ if limit is None else {**READ, "signed_in_within": limit}

    held = Policy("group:clerks", 4, statements(rule(before)), "admin", "2027-01-15T08:00:00+00:00")
    found = preview("group:clerks", rule(after), stored=FakePolicies({held.subject: held}))
    assert (found.gains, found.loses) == (gains, loses)


def test_a_permission_that_only_a_recent_sign_in_keeps_is_lost_for_older_ones() -> None:
    recent = {**allow("/orders", methods=["GET", "POST"], sid="recent"), "signed_in_within": 900}
    held = Policy("group:clerks", 4, statements(READ, recent), "admin", "2027-01-15T08:00:00+00:00")
    found = preview("group:clerks", recent, stored=FakePolicies({held.subject: held}))
    assert found.loses == ("clerks lose GET /orders, for a sign-in older than 900 s",)


@pytest.mark.parametrize("effectless", [False, True])
def test_a_statement_without_a_limit_is_not_covered_by_one_with_a_limit(effectless: bool) -> None:
    rules = [READ, {**allow("/*", methods=["*"], sid="step-up"), "signed_in_within": 900}]
    if effectless:
        del rules[1]["signed_in_within"]
    assert bool(preview("group:clerks", *rules).findings) is effectless


def test_the_routes_of_the_upstream_are_named_on_a_stage_that_has_one() -> None:
    rules = [READ, allow("/upstream/docs/*", sid="docs")]
    found = preview("group:clerks", *rules, stage=StageRules(complete=guarded, upstream_routes=routes()))
    gained = "clerks gain GET /upstream/{proxy+}, for example GET /upstream/docs/0"
    assert (found.gains, found.findings) == ((gained,), ())
    assert preview("group:clerks", *rules).gains == ()


def test_the_stored_statements_change_nothing() -> None:
    assert preview("group:clerks", READ) == PolicyPreview(())


@pytest.mark.parametrize(
    "stored", [FakePolicies(), FakePolicies(corrupt=(CorruptPolicy("group:clerks", None, None, None),))]
)
def test_a_missing_or_corrupt_policy_permits_nothing_before(stored: FakePolicies) -> None:
    assert preview("group:clerks", READ, stored=stored).gains == ("clerks gain GET /orders",)


def test_a_mistake_is_found_with_its_statement_and_its_remedy() -> None:
    (finding,) = preview("group:clerks", allow("/order", sid="read")).findings
    assert finding == 'statement 1 ("read"): paths: /order matches no route. Did you mean /orders?'


@pytest.mark.parametrize("subject", ["group:ghosts", "client:ghosts"])
def test_an_unknown_subject_is_found(subject: str) -> None:
    assert any("'ghosts'" in finding for finding in preview(subject, READ).findings)
    assert preview("client:robot", READ).findings == ()


def test_patterns_that_overlap_too_much_are_a_finding() -> None:
    patterns = [f"/orders/*{letter}*{letter}*{letter}*{letter}*{letter}*" for letter in "abcdefghijklmnopqrs"]
    found = preview("group:clerks", allow(*patterns, methods=["DELETE"], sid="many"))
    assert (found.gains, found.loses) == ((), ())
    assert "overlap in too many ways" in found.findings[0]


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param([allow("/orders", scopes=[f"s{n}" for n in range(6000)])], id="many scopes"),
        pytest.param(
            [allow("/orders", sid=f"s{n}", scopes=[*(f"s{m}" for m in range(120)), f"t{n}"]) for n in range(100)],
            id="many statements with many scopes",
        ),
    ],
)
def test_scopes_that_take_too_long_to_compare_are_a_finding(rules: list[dict[str, Any]]) -> None:
    use_case = Preview(FakePolicies(), lambda _: None, lambda _: True, frozenset)
    found = use_case("group:clerks", statements(*rules), ROUTES)
    assert (found.gains, found.loses) == ((), ())
    assert "overlap in too many ways" in found.findings[0]


@pytest.mark.parametrize(
    ("subject", "rules"), [("group:a b", [READ]), ("robots:x", [READ]), ("group:clerks", [READ] * 3)]
)
def test_a_policy_that_cannot_be_stored_is_refused(subject: str, rules: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidInput):
        preview(subject, *[{**rule, "sid": f"s{number}"} for number, rule in enumerate(rules)])
