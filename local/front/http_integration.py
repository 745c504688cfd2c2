"""Forwards requests to an HTTP server, as the integration HTTP_PROXY of a REST API does.

ministack's own integration follows redirects, keeps one header of a response, and writes none into a request.
Source:  API Gateway Developer Guide, "Important notes for REST APIs" (decoded parameters, headers that are dropped or
         renamed), "Quotas" (10 MB, 29 s); tests/local/test_http_integration.py
"""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ministack.services import apigateway_v1 as service

from local.front.api_gateway import context_value, current_request
from local.front.http import Request
from local.front.patches import registry

_SERVICE = "ministack.services.apigateway_v1"
_LARGEST_BODY = 10 * 1024 * 1024
_HEADER, _PATH = "integration.request.header.", "integration.request.path."
# API Gateway sets or drops these headers of a request.
_NOT_FORWARDED = {
    *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"),
    *("transfer-encoding", "upgrade", "content-length", "content-md5", "expect", "host", "max-forwards", "via"),
}
_NOT_RETURNED = {"connection", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade"}
_RENAMED = {"content-md5", "date", "server", "via", "www-authenticate"}

Headers = list[tuple[str, str]]
Answer = tuple[int, dict[str, Any], bytes]


@registry.patches(_SERVICE, "_import_operation")
def _import_operation(
    original: Callable[..., None], api_id: str, resource_id: str, method: str, operation: Any, *more: Any
) -> None:
    """Imports the parameter mappings and the timeout of an integration."""
    original(api_id, resource_id, method, operation, *more)
    described = (operation or {}).get("x-amazon-apigateway-integration") or {}
    stored = service._resources[api_id][resource_id]["resourceMethods"][method].get("methodIntegration")
    if stored is not None:
        stored |= {key: described[key] for key in ("requestParameters", "timeoutInMillis") if key in described}


@registry.patches(_SERVICE, "_invoke_http_proxy_v1")
async def _invoke_http_proxy_v1(
    _original: Callable[..., Any],
    integration: Mapping[str, Any],
    path: str,
    method: str,
    _headers: Any,
    body: bytes,
    _query: Any,
    path_params: Mapping[str, str] | None = None,
) -> Any:
    """Forwards a request to an HTTP server as API Gateway does."""
    request, mapped = current_request(), integration.get("requestParameters") or {}
    parameters = dict(path_params or {})
    if path.endswith("/") and "proxy" in parameters:
        parameters["proxy"] += "/"  # ministack drops the final slash of a greedy parameter
    url = _address(integration["uri"], mapped, parameters)
    query = request.scope["query_string"].decode("latin-1")
    target = f"{urlsplit(url).path}?{query}" if query else urlsplit(url).path
    headers = forwarded_headers(request, mapped, parameters)
    seconds = int(integration.get("timeoutInMillis") or 29_000) / 1000
    try:
        exchange = asyncio.to_thread(_exchange, url, method, target, headers, body, seconds)
        return await asyncio.wait_for(exchange, seconds)
    except TimeoutError:
        return service._gw_error("INTEGRATION_TIMEOUT", "Endpoint request timed out")
    except (OSError, ValueError, http.client.HTTPException):
        return service._gw_error("INTEGRATION_FAILURE", "Network error communicating with endpoint")


def _address(uri: str, mapped: Mapping[str, str], parameters: Mapping[str, str]) -> str:
    """Fills the path parameters in. A REST API decodes them before it passes them on, so `%2F` becomes a slash."""
    for name, source in mapped.items():
        if name.startswith(_PATH):
            value = unquote(parameters.get(source.removeprefix("method.request.path."), ""), errors="replace")
            uri = uri.replace(f"{{{name.removeprefix(_PATH)}}}", quote(value, safe="/:@!$&'()*+,;=~"))
    return uri


def forwarded_headers(request: Request, mapped: Mapping[str, str], parameters: Mapping[str, str]) -> Headers:
    """Returns the headers of the request to the server. A mapped header replaces all headers of the same name.

    A mapping without a value writes no header, and then the header of the caller passes.
    """
    received = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]]
    connection = ",".join(value for name, value in received if name == "connection")
    dropped = _NOT_FORWARDED | {token.strip().lower() for token in connection.split(",")}
    written = {
        name.removeprefix(_HEADER): value
        for name, source in mapped.items()
        if name.startswith(_HEADER) and (value := _value(source, request, parameters))
    }
    dropped |= {name.lower() for name in written}
    client = (request.scope.get("client") or ("127.0.0.1", 0))[0]
    added = {"X-Forwarded-For": client, "X-Forwarded-Proto": "http", **written}
    return [(name, value) for name, value in received if name not in dropped] + list(added.items())


def _value(source: str, request: Request, parameters: Mapping[str, str]) -> str:
    if source[:1] == source[-1:] == "'":
        return source[1:-1]
    kind, _, name = source.rpartition(".")
    if kind == "method.request.header":
        return request.header(name.lower())
    if kind == "method.request.path":
        return parameters.get(name, "")
    return context_value(source)


def _exchange(url: str, method: str, target: str, headers: Headers, body: bytes, seconds: float) -> Any:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=seconds)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value.encode())
        if body or method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        content = response.read(_LARGEST_BODY + 1)
        if len(content) > _LARGEST_BODY:
            return service._gw_error("API_CONFIGURATION_ERROR", "Internal server error")
        return response.status, _returned(response.getheaders(), method), content
    finally:
        connection.close()


def _returned(headers: Iterable[tuple[str, str]], method: str) -> dict[str, list[str]]:
    """Returns the headers of the response to the caller, each with all its values."""
    dropped = _NOT_RETURNED if method == "HEAD" else _NOT_RETURNED | {"content-length"}
    returned: dict[str, list[str]] = {}
    for name, value in headers:
        if name.lower() not in dropped:
            key = f"x-amzn-Remapped-{name}" if name.lower() in _RENAMED else name
            returned.setdefault(key, []).append(value)
    return returned
