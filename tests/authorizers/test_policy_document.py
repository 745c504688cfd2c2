"""API Gateway's evaluation of a policy document equals the decision of the core, for every small policy and request."""

from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authorizers import policy_document
from chalicelib.core.decision import decide
from chalicelib.core.statement import METHODS, Statement
from tests.fakes import allow, deny, statements
from tests.oracle import iam
from tests.strategies import repeatable, requests, statement_tuples

STAGE = "arn:aws:execute-api:mars-1:12:gate/v1/"  # short, because the oracle parses it many times
EVERYTHING_DENIED = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": [STAGE + "*/*"]}],
}

PATTERNS = ["/", "/*", "/reports", "/reports/*", "/r?ports", "/*/reports/*", "/admin/*", "/*1"]
PATHS = ["/", "/reports", "/reports/1", "/reports/1/2", "/admin/reports/1", "/admin/", "/r:ports", "/reports/a:1"]
REQUESTS = list(product(["GET", "DELETE"], PATHS))
RULES = [
    statements(rule(pattern, methods=methods))[0]
    for rule, methods, pattern in product([allow, deny], [["GET"], ["*"]], PATTERNS)
]


def disagreements(policy: tuple[Statement, ...]) -> list[tuple[str, str]]:
    """Returns the requests on which the core and the oracle differ."""
    written = policy_document.build(policy, STAGE)
    return [
        (method, path)
        for method, path in REQUESTS
        if decide(policy, method, path).allowed is not iam.permits(written, f"{STAGE}{method}{path}")
    ]


def test_the_document_of_a_policy_with_up_to_two_statements_permits_what_decide_allows() -> None:
    policies = [(), *((rule,) for rule in RULES), *permutations(RULES, 2)]
    assert [policy for policy in policies if disagreements(policy)] == []


@repeatable
@given(statement_tuples, st.lists(requests, min_size=1, max_size=8))
def test_the_document_of_a_larger_policy_permits_what_decide_allows(
    policy: tuple[Statement, ...], requested: list[tuple[str, str]]
) -> None:
    written = policy_document.build(policy, STAGE)
    for method, path in requested:
        assert iam.permits(written, f"{STAGE}{method}{path}") is decide(policy, method, path).allowed


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param([], id="no statements"),
        pytest.param([deny("/reports")], id="only a deny"),
        pytest.param([deny("/reports"), deny("/*", methods=["*"], sid="all")], id="only denies"),
    ],
)
def test_a_document_without_an_allow_denies_everything_explicitly(policy: list[dict[str, Any]]) -> None:
    assert policy_document.build(statements(*policy), STAGE) == EVERYTHING_DENIED


def test_the_everything_denied_document_denies_every_request() -> None:
    for method, path in product(METHODS, PATHS):
        assert iam.evaluate(EVERYTHING_DENIED, f"{STAGE}{method}{path}") is iam.Verdict.DENIED


def test_a_document_grants_nothing_in_another_stage_or_api() -> None:
    written = policy_document.build(statements(allow("/*", methods=["*"])), STAGE)
    for other in (
        STAGE.replace("/v1/", "/v2/"),
        STAGE.replace("gate/", "gate2/"),
        STAGE.replace("12:", "13:"),
    ):
        assert not iam.permits(written, f"{other}GET/reports")


def test_a_result_has_the_principal_the_document_and_the_context() -> None:
    context = {"code": "not_permitted"}
    built = policy_document.result("clerk", EVERYTHING_DENIED, context)
    assert built == {"principalId": "clerk", "policyDocument": EVERYTHING_DENIED, "context": context}


def test_a_resource_of_several_statements_appears_once_in_the_document() -> None:
    twice = statements(allow("/reports", sid="one"), allow("/reports", "/files", sid="two"))
    (statement,) = policy_document.build(twice, STAGE)["Statement"]
    assert statement["Resource"] == [STAGE + "GET/reports", STAGE + "GET/files"]
