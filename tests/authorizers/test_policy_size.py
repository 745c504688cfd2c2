"""A write of a policy that is too large is refused with the excess. If it was stored, every request would fail."""

import json
import re
from collections.abc import Callable
from string import ascii_lowercase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authorizers.decision_log import DecisionLog
from authorizers.policy import respond
from authorizers.policy_document import (
    LONGEST_ARN_BASE,
    MAX_ARN_CHARACTERS,
    MAX_RESULT_BYTES,
    check_size,
    max_result_bytes,
)
from chalicelib.authorize import Authorize
from chalicelib.core.errors import InvalidInput
from chalicelib.core.policy_json import parse_statements
from chalicelib.core.statement import Statement
from tests.fakes import FakePolicies, FakeState, allow, deny, principal, statements
from tests.strategies import patterns, repeatable, statement_tuples

LONGEST_METHOD = "OPTIONS"
LONGEST_PATH = MAX_ARN_CHARACTERS - LONGEST_ARN_BASE - len(LONGEST_METHOD)


def test_a_path_of_the_maximum_length_is_accepted() -> None:
    longest = "/" + "a" * (LONGEST_PATH - 1)
    check_size(statements(allow(longest)))


@pytest.mark.parametrize("excess", [1, 100])
def test_a_path_that_is_too_long_is_refused_with_the_excess(excess: int) -> None:
    path = "/" + "a" * (LONGEST_PATH - 1 + excess)
    with pytest.raises(
        InvalidInput, match=rf"{len(path)} characters, {excess} more than the {LONGEST_PATH} "
    ) as refused:
        check_size(statements(allow("/x", path)))
    assert refused.value.field == "statements[0].paths[1]"


def many_paths(count: int) -> list[str]:
    return [f"/{first}{second}" for first in ascii_lowercase for second in ascii_lowercase][:count]


def test_a_policy_that_is_too_large_is_refused_with_the_excess() -> None:
    with pytest.raises(InvalidInput) as refused:
        check_size(statements(allow(*many_paths(500))))
    size, excess, allowed = map(int, re.findall(r"\d+", refused.value.message))
    assert refused.value.field == "statements"
    assert (allowed, excess) == (MAX_RESULT_BYTES, size - MAX_RESULT_BYTES)


def test_the_largest_accepted_policy_with_one_more_path_is_refused() -> None:
    fits = [count for count in range(1, 200) if is_accepted([allow(*many_paths(count))])]
    assert fits == list(range(1, len(fits) + 1)), "more paths never make a policy smaller"
    largest = max_result_bytes(parse_statements([allow(*many_paths(len(fits)))]))
    shortest_resource = LONGEST_ARN_BASE + len("GET") + len("/aa")
    assert MAX_RESULT_BYTES - 2 * shortest_resource < largest <= MAX_RESULT_BYTES


def is_accepted(rules: list[dict[str, Any]]) -> bool:
    try:
        check_size(parse_statements(rules))
    except InvalidInput:
        return False
    return True


def written(policy: tuple[Statement, ...], arn_base: str, **claims: object) -> int:
    """Returns the bytes of the result for a caller with exactly these statements."""
    holder = principal(**claims)
    policies = FakePolicies()
    policies.put(holder.policy_subjects[0], policy, "admin", None)
    authorize = Authorize(lambda _: holder, FakeState(generation=1_800_000_000_000), policies)
    result = respond("token", f"{arn_base}GET/reports", lambda: authorize, DecisionLog(write_line=lambda _: None))
    return len(json.dumps(result, separators=(",", ":")))


def arn_base(length: int) -> str:
    """Returns an ARN base of this length."""
    beginning = "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:gatehouse1/"
    return beginning + "s" * (length - len(beginning) - 1) + "/"


long_paths = st.builds(lambda times, pattern: f"/{'a' * times}{pattern}", st.integers(1, 120), patterns)
long_rules = st.builds(
    lambda rule, paths, methods: rule(*paths, methods=methods),
    st.sampled_from([allow, deny]),
    st.lists(long_paths, min_size=1, max_size=6, unique=True),
    st.sampled_from([["GET"], ["GET", "PUT"]]),
)
long_policies = (
    st.lists(long_rules, max_size=3)
    .map(lambda rules: [{**rule, "sid": f"rule{number}"} for number, rule in enumerate(rules)])
    .filter(is_accepted)
    .map(parse_statements)
)


@repeatable
@given(statement_tuples | long_policies, st.integers(67, LONGEST_ARN_BASE))
def test_a_result_is_never_larger_than_the_estimated_maximum(statements: tuple[Statement, ...], length: int) -> None:
    scopes = {scope for statement in statements for scope in statement.scopes}
    assert written(statements, arn_base(length), scope=" ".join(scopes)) <= max_result_bytes(statements)


@pytest.mark.parametrize("rule", [allow, deny], ids=["Allow", "Deny"])
def test_the_largest_accepted_policy_fits_with_the_longest_names(rule: Callable[..., dict[str, Any]]) -> None:
    paths = [f"/{'a' * 90}/{number:03}" for number in range(100)]
    largest = max(number for number in range(1, 100) if is_accepted([allow("/"), rule(*paths[:number], sid="many")]))
    statements = parse_statements([allow("/"), rule(*paths[:largest], sid="many")])
    claims = {"cognito:groups": ["g" * 128], "username": "u" * 128, "client_id": "c" * 128}
    assert written(statements, arn_base(LONGEST_ARN_BASE), **claims) <= MAX_RESULT_BYTES
