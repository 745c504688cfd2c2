"""What API Gateway does and ministack's emulation leaves out: strict tokens, and whole gateway responses.

ministack offers no seam here, so five of its functions are wrapped. It is pinned to one version, and
tests/local/test_front.py fails when an upgrade moves any of them.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.services import apigateway_v1

from local.front.access import API
from local.front.http import Request

# Where an authorizer's context rides along: ministack caches and evaluates the policy document, and looks nowhere else.
_RIDER = "local.front:context"

_one_resource: ContextVar[bool] = ContextVar("names_one_resource", default=True)
_context: ContextVar[Mapping[str, str]] = ContextVar("gateway_response_context")


def begin(request: Request) -> None:
    """Note what a gateway response may say about the request that now reaches the API."""
    path = "/" + request.path.removeprefix(API).partition("/")[2]
    _one_resource.set(_names_one_resource(request.path))
    _context.set({"context.httpMethod": request.method, "context.path": path})


def install() -> None:
    """Wrap ministack's functions; once is enough, so a second call changes nothing."""
    for wrapper in (
        _validate_cognito_authorizer,
        _invoke_authorizer_lambda,
        _evaluate_policy,
        _gateway_error_response,
        _match_resource_tree,
    ):
        original = getattr(apigateway_v1, wrapper.__name__)
        if not hasattr(original, "__wrapped__"):
            wrapped = functools.wraps(original)(functools.partial(wrapper, original))
            setattr(apigateway_v1, wrapper.__name__, wrapped)


def _names_one_resource(path: str) -> bool:
    # ministack finds the resource of `/reports//a` and `/reports/a/` under `/reports/a`, yet asks the policy about
    # another ARN: an explicit Deny of `/reports/a` would be walked around.
    segments = path.removeprefix(API).split("/")[2:]
    return segments in ([], [""]) or not {"", ".", ".."} & set(segments)


def _match_resource_tree(original: Callable[..., Any], api_id: str, segments: list[str]) -> Any:
    return original(api_id, segments) if _one_resource.get() else (None, {})


async def _validate_cognito_authorizer(
    original: Callable[..., Any], authorizer: Any, method: Any, headers: Any, query: Any, stage: Any
) -> Any:
    refused = None, apigateway_v1._gw_error("UNAUTHORIZED", "Unauthorized")
    try:
        claims, error = await original(authorizer, method, headers, query, stage)
    except (OverflowError, RecursionError):  # a number or a nesting no token has: ministack would answer 500
        return refused
    token = apigateway_v1._cognito_token_from_request(authorizer, headers, query, stage) or ""
    # API Gateway takes access tokens where a method names scopes, and ID tokens where it names none.
    use = "access" if method.get("authorizationScopes") else "id"
    return (claims, error) if error or _is_sound(token, claims, use) else refused


async def _invoke_authorizer_lambda(
    original: Callable[..., Any], authorizer: Any, event: Any, account: str, region: str
) -> Any:
    result = await original(authorizer, event, account, region)
    answer = (result or {}).get("body")
    if isinstance(answer, dict) and isinstance(answer.get("policyDocument"), dict):
        context = apigateway_v1._stringify_context(answer.get("context"))
        answer["policyDocument"][_RIDER] = {**context, "principalId": str(answer.get("principalId") or "")}
    return result


def _evaluate_policy(original: Callable[..., Any], document: Any, method_arn: str) -> Any:
    rider = document.get(_RIDER, {}) if isinstance(document, dict) else {}
    _context.set({**_context.get(), **{f"context.authorizer.{key}": value for key, value in rider.items()}})
    return original(document, method_arn)


def _gateway_error_response(original: Callable[..., Any], error: Any, request: Any) -> Any:
    status, headers, body = original(error, request)
    # What is left of the template's variables after ministack has replaced those it knows.
    return status, headers, apigateway_v1._GATEWAY_TEMPLATE_VARIABLE.sub(_value, body.decode()).encode()


def _value(variable: re.Match[str]) -> str:
    name = variable[1] or variable[2]
    if name not in _context.get() and not name.startswith("context.authorizer."):
        return variable[0]
    # AWS does not escape; a quote in a path must not break the JSON that a client is to read.
    return json.dumps(_context.get().get(name, ""))[1:-1]


def _is_sound(token: str, claims: Mapping[str, Any], use: str) -> bool:
    parts = token.split(".")
    if not all(_is_canonical(part) for part in parts):
        return False
    header = json.loads(base64.urlsafe_b64decode(parts[0] + "=="))
    times = [type(claims.get(name)) for name in ("exp", "iat")]
    return (
        header.get("alg") == "RS256" and "crit" not in header and times == [int, int] and claims.get("token_use") == use
    )


def _is_canonical(part: str) -> bool:
    # One token, one spelling: no padding, no `+/` alphabet, no stray bits in the last character.
    try:
        content = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return False
    return base64.urlsafe_b64encode(content).rstrip(b"=") == part.encode()
