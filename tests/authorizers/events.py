"""Requests as API Gateway hands them to the service."""

import re
from collections.abc import Mapping
from typing import Any


def proxy_event(
    method: str,
    resource: str,
    parameters: Mapping[str, str] | None = None,
    authorizer: Mapping[str, Any] | None = None,
    body: str | None = None,
) -> dict[str, Any]:
    """The event of one request; path parameters that are not given are called after themselves.

    authorizer  what the route's guard left in the request's context; nothing if there was no guard
    """
    named = {name: name for name in re.findall(r"\{(\w+)\}", resource)} | dict(parameters or {})
    context: dict[str, Any] = {"httpMethod": method, "resourcePath": resource, "stage": "v1"}
    if authorizer is not None:
        context["authorizer"] = dict(authorizer)
    return {
        "httpMethod": method,
        "resource": resource,
        "path": re.sub(r"\{(\w+)\}", lambda name: named[name[1]], resource),
        "headers": {"content-type": "application/json"},
        "multiValueHeaders": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": named or None,
        "stageVariables": None,
        "requestContext": context,
        "body": body,
        "isBase64Encoded": False,
    }


def token_event(header: str, method_arn: str) -> dict[str, Any]:
    """What API Gateway asks a Lambda authorizer."""
    return {"type": "TOKEN", "authorizationToken": header, "methodArn": method_arn}
