"""Checks tokens and paths as API Gateway does, and completes its gateway responses."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.services import apigateway_v1

from local.front.access import API
from local.front.http import Request
from local.front.patches import registry

_SERVICE = "ministack.services.apigateway_v1"

# ministack caches the policy document only. This key of the document carries the context of the authorizer.
_CARRIED_CONTEXT = "local.front:context"

_request: ContextVar[Request] = ContextVar("request")
_context: ContextVar[Mapping[str, str]] = ContextVar("gateway_response_context")


def begin(request: Request) -> None:
    """Stores what the checks, the integrations and the gateway responses need to know about a request."""
    path = "/" + request.path.removeprefix(API).partition("/")[2]
    _request.set(request)
    host = request.header("host")
    _context.set({"context.httpMethod": request.method, "context.path": path, "context.domainName": host})


def current_request() -> Request:
    """Returns the request that is being answered, with all its headers."""
    return _request.get()


def context_value(name: str) -> str:
    """Returns the value of a context variable, such as `context.authorizer.principalId`. It can be empty."""
    return _context.get().get(name, "")


@registry.patches(_SERVICE, "_match_resource_tree")
def _match_resource_tree(original: Callable[..., Any], api_id: str, segments: list[str]) -> Any:
    """Finds no resource for a path with an empty segment or a dot segment."""
    # ministack serves `/reports//a` and `/reports/a/` as `/reports/a`, and evaluates the policy for another ARN.
    # Such a path would bypass an explicit Deny of `/reports/a`.
    received = _request.get().path.removeprefix(API).split("/")[2:]
    resource, parameters = original(api_id, segments)
    if received[-1:] == [""] and (len(received) == 1 or _forwards(resource)):
        received.pop()  # the root, or a final slash that the integration passes on
    return (None, {}) if {"", ".", ".."} & set(received) else (resource, parameters)


def _forwards(resource: Any) -> bool:
    methods = (resource or {}).get("resourceMethods", {}).values()
    return any(method.get("methodIntegration", {}).get("type") == "HTTP_PROXY" for method in methods)


@registry.patches(_SERVICE, "_validate_cognito_authorizer")
async def _validate_cognito_authorizer(
    original: Callable[..., Any], authorizer: Any, method: Any, headers: Any, query: Any, stage: Any
) -> Any:
    """Refuses malformed tokens, ID tokens for scopes, and access tokens where a method names no scope."""
    refused = None, apigateway_v1._gw_error("UNAUTHORIZED", "Unauthorized")
    try:
        claims, error = await original(authorizer, method, headers, query, stage)
    except (OverflowError, RecursionError):  # of a number or a nesting depth: ministack would answer 500
        return refused
    token = apigateway_v1._cognito_token_from_request(authorizer, headers, query, stage) or ""
    # API Gateway accepts access tokens for a method with scopes, and ID tokens for a method without scopes.
    use = "access" if method.get("authorizationScopes") else "id"
    if error or not _is_sound(token, claims, use):
        return (None, error) if error else refused
    delivered = apigateway_v1._stringify_claims(claims)
    _context.set({**_context.get(), **{f"context.authorizer.claims.{name}": text for name, text in delivered.items()}})
    return claims, None


@registry.patches(_SERVICE, "_invoke_authorizer_lambda")
async def _invoke_authorizer_lambda(
    original: Callable[..., Any], authorizer: Any, event: Any, account: str, region: str
) -> Any:
    """Caches the context of an authorizer together with its policy document."""
    result = await original(authorizer, event, account, region)
    answer = (result or {}).get("body")
    if isinstance(answer, dict) and isinstance(answer.get("policyDocument"), dict):
        context = apigateway_v1._stringify_context(answer.get("context"))
        answer["policyDocument"][_CARRIED_CONTEXT] = {**context, "principalId": str(answer.get("principalId") or "")}
    return result


@registry.patches(_SERVICE, "_evaluate_policy")
def _evaluate_policy(original: Callable[..., Any], document: Any, method_arn: str) -> Any:
    """Stores the context of the authorizer for gateway responses."""
    carried = document.get(_CARRIED_CONTEXT, {}) if isinstance(document, dict) else {}
    _context.set({**_context.get(), **{f"context.authorizer.{key}": value for key, value in carried.items()}})
    return original(document, method_arn)


@registry.patches(_SERVICE, "_gateway_error_response")
def _gateway_error_response(original: Callable[..., Any], error: Any, request: Any) -> Any:
    """Replaces the variables of a response template that ministack does not replace."""
    status, headers, body = original(error, request)
    return status, headers, apigateway_v1._GATEWAY_TEMPLATE_VARIABLE.sub(_value, body.decode()).encode()


def _value(variable: re.Match[str]) -> str:
    name = variable[1] or variable[2]
    if name not in _context.get() and not name.startswith("context.authorizer."):
        return variable[0]
    # AWS does not escape the value. Here, a quote in a path must not break the JSON of the response.
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
    # A token has one spelling: no padding, no `+/` alphabet, no unused bits in the last character.
    try:
        content = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return False
    return base64.urlsafe_b64encode(content).rstrip(b"=") == part.encode()
