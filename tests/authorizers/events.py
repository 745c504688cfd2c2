"""The events that API Gateway sends to the Lambdas."""

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
    """Returns the event of one request. A path parameter without a value gets its own name as the value.

    authorizer  what the authorizer of the route wrote into the request's context; None without an authorizer
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
    """Returns the event of a Lambda authorizer."""
    return {"type": "TOKEN", "authorizationToken": header, "methodArn": method_arn}
