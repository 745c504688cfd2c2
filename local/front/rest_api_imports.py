"""Imports the definition of a REST API, with its gateway responses, as `chalice deploy` and CloudFormation request it.

ministack imports a definition for CloudFormation only. Its ImportRestApi leaves the API empty, and PutRestApi is
missing. When a definition changes, its CloudFormation creates an API with another address. AWS overwrites the
definition. tests/rehearsal/ and tests/local/test_rest_api_imports.py test these patches.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.services import apigateway_v1 as service

from local.front.patches import registry
from local.gateway_responses import EXTENSION

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Awaitable[Answer]]


@registry.patches("ministack.services.apigateway_v1", "handle_request")
async def _handle_request(original: Handler, method: str, path: str, headers: Any, body: bytes, query: Any) -> Answer:
    """Serves ImportRestApi and PutRestApi."""
    parts = path.strip("/").split("/")
    if method == "POST" and parts == ["restapis"] and "mode" in query:
        return _import(json.loads(body), query)
    if method == "PUT" and len(parts) == 2 and parts[0] == "restapis" and parts[1] in service._rest_apis:
        return _put(parts[1], json.loads(body))
    return await original(method, path, headers, body, query)


def _import(definition: dict[str, Any], query: Any) -> Answer:
    kind = query.get("endpointConfigurationTypes") or ["EDGE"]
    types = [kind] if isinstance(kind, str) else list(kind)
    api_id = service._import_rest_api(definition, {"endpointConfiguration": {"types": types}})
    return _view(api_id, 201)


def _put(api_id: str, definition: dict[str, Any]) -> Answer:
    _overwrite(api_id, definition)
    return _view(api_id, 200)


@registry.patches("ministack.services.apigateway_v1", "_import_rest_api")
def _import_rest_api(original: Callable[..., str], definition: dict[str, Any], *more: Any) -> str:
    """Imports the gateway responses of a definition."""
    api_id = original(definition, *more)
    for kind, response in definition.get(EXTENSION, {}).items():
        service._put_gateway_response(api_id, kind, response)
    return api_id


@registry.patches(
    "ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS", "AWS::ApiGateway::RestApi", "update"
)
def _update(original: Callable[..., Any], api_id: str, old: dict[str, Any], new: dict[str, Any], *more: Any) -> Any:
    """Updates an API in place when its definition changes, so that its address stays the same."""
    body = new.get("Body")
    if isinstance(body, dict) and body != old.get("Body") and api_id in service._rest_apis:
        _overwrite(api_id, body)
        old = {**old, "Body": body}
    return original(api_id, old, new, *more)


def _overwrite(api_id: str, definition: dict[str, Any]) -> None:
    """Replaces the resources, authorizers, models and responses of an API. Its stages and deployments stay."""
    other = service._import_rest_api(definition)
    for part in (service._resources, service._authorizers_v1, service._models, service._gateway_responses):
        part[api_id] = part[other]
    service._delete_rest_api(other)


def _view(api_id: str, status: int) -> Answer:
    answer: Answer = service._v1_response(service._rest_api_view(service._rest_apis[api_id]), status)
    return answer
