"""API Gateway's form of an answer. The only place that spells execute-api ARNs."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from chalicelib.core.errors import CannotDecide
from chalicelib.core.policy import MAX_ARN_CHARACTERS, MAX_DOCUMENT_BYTES, Effect, Statement

_EVERYTHING = "*/*"
_ENCODER = json.JSONEncoder(separators=(",", ":"))


@lru_cache(maxsize=256)
def split_method_arn(arn: str) -> tuple[str, str, str]:
    """Take a method ARN apart.

    Shape:   arn:<partition>:execute-api:<region>:<account>:<api>/<stage>/<verb>/<path>
             → ("arn:…/<stage>/", verb, path), the path beginning with "/"; it may hold further colons and slashes
    Raises:  CannotDecide
    """
    parts = arn.split(":", 5)
    route = parts[5].split("/", 3) if len(parts) == 6 else []
    if len(route) < 3 or parts[2] != "execute-api":
        raise CannotDecide("not_a_method_arn", "the event does not name an execute-api method")
    api, stage, verb = route[:3]
    return f"{':'.join(parts[:5])}:{api}/{stage}/", verb, f"/{route[3] if len(route) == 4 else ''}"


def build(statements: Iterable[Statement], arn_base: str) -> dict[str, Any]:
    """Write statements as IAM does; without an Allow among them, an explicit Deny of everything.

    It is for whatever request: API Gateway may replay it for any other of this stage.

    Raises:  CannotDecide for an ARN that API Gateway would not take
    """
    statements = tuple(statements)
    allowed, denied = _resources(statements, Effect.ALLOW, arn_base), _resources(statements, Effect.DENY, arn_base)
    if not allowed:
        allowed, denied = [], [arn_base + _EVERYTHING]
    longest = max(map(len, (*allowed, *denied)))
    if longest > MAX_ARN_CHARACTERS:
        excess = longest - MAX_ARN_CHARACTERS
        raise CannotDecide("arn_too_long", f"an ARN of {longest} characters is {excess} over API Gateway's limit")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": effect.value, "Action": "execute-api:Invoke", "Resource": resources}
            for effect, resources in ((Effect.ALLOW, allowed), (Effect.DENY, denied))
            if resources
        ],
    }


def result(principal_id: str, policy: Mapping[str, Any], context: Mapping[str, str]) -> dict[str, Any]:
    """Put an authorizer's result together. Raises CannotDecide if it is larger than API Gateway takes."""
    whole = {"principalId": principal_id, "policyDocument": policy, "context": context}
    size = json_bytes(whole)
    if size > MAX_DOCUMENT_BYTES:
        excess = size - MAX_DOCUMENT_BYTES
        raise CannotDecide("document_too_large", f"{size} bytes of authorizer result are {excess} over the budget")
    return whole


def json_bytes(value: Any) -> int:
    return len(_ENCODER.encode(value))


def _resources(statements: Iterable[Statement], effect: Effect, arn_base: str) -> list[str]:
    # Every verb is written out: `*` in its place would reach across the slash behind it, into other paths.
    return list(
        dict.fromkeys(
            f"{arn_base}{method}{path}"
            for statement in statements
            if statement.effect is effect
            for method in statement.methods
            for path in statement.paths
        )
    )
