"""The policy document of API Gateway. The only module that spells execute-api ARNs and knows their sizes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from chalicelib.core.errors import CannotDecide, InvalidInput
from chalicelib.core.statement import METHODS, Effect, Statement

MAX_ARN_CHARACTERS = 512  # API Gateway's limit for one ARN in a policy
MAX_RESULT_BYTES = 8192  # the smallest limit for an authorizer's result that API Gateway's documentation states

# A policy is written before its stage and its callers are known. Its size is checked with the longest ARN base
# (arn:aws-us-gov:…/<stage>/, with a stage name of 28 characters) and with the longest names of a caller.
LONGEST_ARN_BASE = 96
_LONGEST_PATH = MAX_ARN_CHARACTERS - LONGEST_ARN_BASE - max(map(len, METHODS))
_LONGEST_CALLER_BYTES = 1200

_EVERYTHING = "*/*"
_ENCODER = json.JSONEncoder(separators=(",", ":"))


@lru_cache(maxsize=256)
def split_method_arn(arn: str) -> tuple[str, str, str]:
    """Splits a method ARN.

    Shape:   arn:<partition>:execute-api:<region>:<account>:<api>/<stage>/<verb>/<path>
             → ("arn:…/<stage>/", verb, path). The path begins with "/" and can contain more colons and slashes.
    Raises:  CannotDecide
    """
    parts = arn.split(":", 5)
    route = parts[5].split("/", 3) if len(parts) == 6 else []
    if len(route) < 3 or parts[2] != "execute-api":
        raise CannotDecide("not_a_method_arn", "the event does not name an execute-api method")
    api, stage, verb = route[:3]
    return f"{':'.join(parts[:5])}:{api}/{stage}/", verb, f"/{route[3] if len(route) == 4 else ''}"


def build(statements: Iterable[Statement], arn_base: str) -> dict[str, Any]:
    """Returns the policy document in IAM's form. Without an Allow statement, it explicitly denies everything.

    The document does not depend on the request: API Gateway can reuse a cached document for any other request of the
    stage.

    Raises:  CannotDecide for an ARN that is longer than API Gateway accepts
    """
    statements = tuple(statements)
    allowed, denied = _resources(statements, Effect.ALLOW, arn_base), _resources(statements, Effect.DENY, arn_base)
    if not allowed:
        allowed, denied = [], [arn_base + _EVERYTHING]
    longest = max(map(len, (*allowed, *denied)))
    if longest > MAX_ARN_CHARACTERS:
        excess = longest - MAX_ARN_CHARACTERS
        raise CannotDecide("arn_too_long", f"an ARN has {longest} characters, {excess} more than API Gateway's limit")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": effect.value, "Action": "execute-api:Invoke", "Resource": resources}
            for effect, resources in ((Effect.ALLOW, allowed), (Effect.DENY, denied))
            if resources
        ],
    }


def result(principal_id: str, policy: Mapping[str, Any], context: Mapping[str, str]) -> dict[str, Any]:
    """Returns the authorizer's result. Raises CannotDecide for a result that is larger than API Gateway accepts."""
    whole = {"principalId": principal_id, "policyDocument": policy, "context": context}
    size = json_bytes(whole)
    if size > MAX_RESULT_BYTES:
        excess = size - MAX_RESULT_BYTES
        raise CannotDecide(
            "document_too_large", f"the authorizer result has {size} bytes, {excess} more than the limit"
        )
    return whole


def check_size(statements: Sequence[Statement]) -> None:
    """Raises InvalidInput for statements that could exceed a limit of API Gateway for some stage or some caller."""
    for number, statement in enumerate(statements):
        for position, path in enumerate(statement.paths):
            excess = len(path) - _LONGEST_PATH
            if excess > 0:
                field = f"statements[{number}].paths[{position}]"
                raise InvalidInput(
                    field,
                    f"the path has {len(path)} characters, {excess} more than the {_LONGEST_PATH} that an ARN can hold",
                )
    size = max_result_bytes(statements)
    if size > MAX_RESULT_BYTES:
        excess = size - MAX_RESULT_BYTES
        raise InvalidInput(
            "statements", f"the policy document has {size} bytes, {excess} more than the limit of {MAX_RESULT_BYTES}"
        )


def max_result_bytes(statements: Iterable[Statement]) -> int:
    """Returns an upper bound for the size of a result: the statements as ARNs and, a second time, in the context."""
    resources: set[tuple[Effect, str, str]] = set()
    rules: set[tuple[Effect, int | None, tuple[str, ...], str]] = set()
    for statement in statements:
        for path in statement.paths:
            rules.add((statement.effect, statement.signed_in_within, statement.methods, path))
            methods = ("",) if path.startswith("*") else statement.methods  # as in `_resources`
            resources.update((statement.effect, method, path) for method in methods)
    as_arns = sum(LONGEST_ARN_BASE + len(method) + len(path) + 3 for _, method, path in resources)
    in_context = sum(
        len(effect) + len("" if limit is None else f"@{limit}") + len(",".join(methods)) + len(path) + 3
        for effect, limit, methods, path in rules
    )
    return _LONGEST_CALLER_BYTES + as_arns + in_context


def json_bytes(value: Any) -> int:
    return len(_ENCODER.encode(value))


def _resources(statements: Iterable[Statement], effect: Effect, arn_base: str) -> list[str]:
    # Each verb is spelled out. A `*` in its place would match across the next slash and cover other paths. A pattern
    # that begins with `*` covers every path before it anyway, and then every verb.
    return list(
        dict.fromkeys(
            f"{arn_base}{path}" if path.startswith("*") else f"{arn_base}{method}{path}"
            for statement in statements
            if statement.effect is effect
            for method in statement.methods
            for path in statement.paths
        )
    )
