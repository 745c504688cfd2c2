"""API Gateway's imports of a whole API, as `chalice deploy` and CloudFormation make them.

ministack imports a definition for CloudFormation only: a call of ImportRestApi leaves the API empty, and PutRestApi is
missing. Its CloudFormation makes a new API, with another address, when a definition changes; AWS overwrites the
definition. It is pinned, and tests/rehearsal/ and tests/local/ fail when an upgrade moves what is used here.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.services import apigateway_v1 as service
from ministack.services.cloudformation import provisioners

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Awaitable[Answer]]


def install() -> None:
    """Wrap ministack's handlers; once is enough, so a second call changes nothing."""
    if not hasattr(service.handle_request, "__wrapped__"):
        original = service.handle_request
        service.handle_request = functools.wraps(original)(functools.partial(_handle, original))
    handlers = provisioners._RESOURCE_HANDLERS["AWS::ApiGateway::RestApi"]
    if not hasattr(handlers["update"], "__wrapped__"):
        handlers["update"] = functools.wraps(handlers["update"])(functools.partial(_update, handlers["update"]))


async def _handle(original: Handler, method: str, path: str, headers: Any, body: bytes, query: Any) -> Answer:
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


def _update(original: Callable[..., Any], api_id: str, old: dict[str, Any], new: dict[str, Any], *more: Any) -> Any:
    """Update CloudFormation's RestApi in place, also with another definition: its address stays."""
    body = new.get("Body")
    if isinstance(body, dict) and body != old.get("Body") and api_id in service._rest_apis:
        _overwrite(api_id, body)
        old = {**old, "Body": body}
    return original(api_id, old, new, *more)


def _overwrite(api_id: str, definition: dict[str, Any]) -> None:
    """Overwrite an API: what the definition does not name is gone, its stages and deployments stay."""
    other = service._import_rest_api(definition)
    for part in (service._resources, service._authorizers_v1, service._models, service._gateway_responses):
        part[api_id] = part[other]
    service._delete_rest_api(other)


def _view(api_id: str, status: int) -> Answer:
    answer: Answer = service._v1_response(service._rest_api_view(service._rest_apis[api_id]), status)
    return answer
