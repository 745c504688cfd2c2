"""A document over a limit of API Gateway is a failure. It is not shortened and does not become a Deny."""

import json
from typing import Any

import pytest

from authorizers import policy_document
from authorizers.decision_log import DecisionLog
from authorizers.policy import respond
from chalicelib.authorize import Authorize
from chalicelib.core.errors import CannotDecide
from chalicelib.core.statement import Effect, Statement
from tests.fakes import FakePolicies, FakeState, principal

STAGE = "arn:aws:execute-api:mars-west-1:123456789012:gatehouse1/v1/"


def one(path: str, effect: Effect = Effect.ALLOW) -> tuple[Statement, ...]:
    """Returns a statement without a check of its size. Another tool can store such a statement."""
    return (Statement("one", effect, ("GET",), (path,)),)


def path_for_an_arn_of(characters: int) -> str:
    return "/" + "a" * (characters - len(f"{STAGE}GET/"))


def test_an_arn_of_512_characters_is_accepted() -> None:
    written = policy_document.build(one(path_for_an_arn_of(512)), STAGE)
    assert [len(arn) for arn in written["Statement"][0]["Resource"]] == [512]


@pytest.mark.parametrize("excess", [1, 88])
def test_an_arn_of_more_than_512_characters_is_refused_with_the_excess(excess: int) -> None:
    with pytest.raises(CannotDecide, match=f"{512 + excess} characters, {excess} more than") as failed:
        policy_document.build(one(path_for_an_arn_of(512 + excess)), STAGE)
    assert failed.value.code == "arn_too_long"


def test_a_deny_with_an_arn_that_is_too_long_fails_and_is_not_omitted() -> None:
    with pytest.raises(CannotDecide):
        policy_document.build(one("/*") + one(path_for_an_arn_of(513), Effect.DENY), STAGE)


def result_with(context: dict[str, str]) -> dict[str, Any]:
    return policy_document.result("clerk", policy_document.build(one("/reports"), STAGE), context)


def size(result: dict[str, Any]) -> int:
    return len(json.dumps(result, separators=(",", ":")))


def context_for_a_result_of(size_wanted: int, **context: str) -> dict[str, str]:
    bare = size(result_with({**context, "filling": ""}))
    return {**context, "filling": "x" * (size_wanted - bare)}


def test_a_result_of_8192_bytes_is_accepted() -> None:
    assert size(result_with(context_for_a_result_of(8192))) == 8192


@pytest.mark.parametrize("excess", [1, 1000])
def test_a_result_of_more_than_8192_bytes_is_refused_with_the_excess(excess: int) -> None:
    with pytest.raises(
        CannotDecide, match=f"the authorizer result has {8192 + excess} bytes, {excess} more than"
    ) as failed:
        result_with(context_for_a_result_of(8192 + excess))
    assert failed.value.code == "document_too_large"


def test_the_size_of_a_name_is_measured_in_bytes_and_not_in_characters() -> None:
    fits = context_for_a_result_of(8192, name="clerk")
    with pytest.raises(CannotDecide):
        result_with({**fits, "name": "größe"})


def answered(policy: tuple[Statement, ...], **claims: object) -> dict[str, Any] | None:
    """Returns the result for a caller with the policy, or None if the document is too large."""
    holder = principal(**claims)
    policies = FakePolicies()
    policies.put("group:clerks", policy, "admin", None)
    authorize = Authorize(lambda _: holder, FakeState(generation=1_800_000_000_000), policies)
    try:
        return respond("token", f"{STAGE}GET/reports", lambda: authorize, DecisionLog(write_line=lambda _: None))
    except CannotDecide as failed:
        if failed.code != "document_too_large":
            raise
        return None


USERNAMES = {"ASCII": "u" * 128, "quotes": '"' * 128, "umlauts": "ü" * 128, "emoji": "🙂" * 128}
RESOURCES = 11


@pytest.mark.parametrize("username", USERNAMES.values(), ids=USERNAMES.keys())
def test_the_largest_accepted_result_has_at_most_8192_bytes_for_any_username(username: str) -> None:
    policies = [
        tuple(statement for number in range(RESOURCES) for statement in one(f"/{number:02}{'a' * length}"))
        for length in range(120, 440)
    ]
    results = [answered(policy, username=username) for policy in policies]
    given = [size(result) for result in results if result is not None]
    assert results[len(given) :] == [None] * (len(results) - len(given)), (
        "a policy is too large if a smaller policy is too large"
    )
    step = 2 * RESOURCES  # a path is written twice: in the document and in the context
    assert 8192 - step < max(given) <= 8192
