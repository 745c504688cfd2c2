"""Writes the OpenAPI 3.1 document of an application, from its routes, their authorizers and their descriptions."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chalice.app import Chalice, RouteEntry

from chalicelib.core.route import Authorizer
from chalicelib.describe import Description, description_of, required_fields
from chalicelib.json_schema import Schemas
from chalicelib.route_table import read_route

VERSION = "1"
_PARAMETER = re.compile(r"\{(\w+)\+?\}")
_WRITES = ("PATCH", "POST", "PUT")
_ERROR = {"$ref": "#/components/responses/Error"}
_ERROR_REFERENCE = {"$ref": "#/components/schemas/Error"}
_OF_AUTHORIZERS = (401, 403)
_OF_PARAMETERS = (400, 404)
_OF_BODIES = (400, 413, 415)
_OF_EVERY_ROUTE = (429, 500, 504)
_SCHEMES = {
    "scopes": "An access token of the user pool that carries a scope of the route. API Gateway checks it (use case 1).",
    "policies": "An access token of the user pool. A policy of the caller must allow the request (use case 2).",
}


def document(app: Chalice, base_path: str = "/") -> dict[str, Any]:
    """Returns the document. `base_path` is the path of the API's stage, before the paths of the routes."""
    schemas = Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for entry in _entries(app):
        path = _PARAMETER.sub(r"{\1}", entry.uri_pattern)
        paths.setdefault(path, {})[entry.method.lower()] = _operation(entry, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": app.app_name, "version": VERSION},
        "servers": [{"url": base_path}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                name: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": text}
                for name, text in _SCHEMES.items()
            },
            "responses": {"Error": {"description": "The request failed.", **_json(_ERROR_REFERENCE)}},
            "schemas": {"Error": _ERROR_FORM, **schemas.named},
        },
    }


# API Gateway writes `null` as the message of some of its own errors.
_ERROR_FORM = {
    "type": "object",
    "properties": {"message": {"type": ["string", "null"]}, "code": {"type": "string"}},
    "required": ["message"],
}


def _entries(app: Chalice) -> Iterator[RouteEntry]:
    for path in sorted(app.routes):
        yield from (app.routes[path][method] for method in sorted(app.routes[path]))


def _operation(entry: RouteEntry, schemas: Schemas) -> dict[str, Any]:
    described = description_of(entry.view_function)
    name = entry.view_function.__name__
    parameters = [*_path_parameters(entry, described), *(_query_parameters(described) if described else ())]
    body = _body(entry, described, schemas)
    return {
        "operationId": name,
        "summary": name.replace("_", " ").capitalize(),
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": body} if body else {}),
        "responses": {**_success(described, schemas), **_errors(entry, described, bool(parameters), bool(body))},
        "security": _security(entry),
    }


def _path_parameters(entry: RouteEntry, described: Description | None) -> Iterator[dict[str, Any]]:
    typed = _properties(described.path) if described else {}
    for name in _PARAMETER.findall(entry.uri_pattern):
        schema = typed.get(name, {"type": "string", "minLength": 1})
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(described: Description) -> Iterator[dict[str, Any]]:
    for name, schema in _properties(described.query).items():
        required = name in required_fields(described.query)
        yield {"name": name, "in": "query", "required": required, "schema": schema}


def _properties(form: Any) -> Mapping[str, Any]:
    """Returns the schemas of the fields of a TypedDict. Parameters have no objects, so nothing is named."""
    schemas = Schemas()
    properties: Mapping[str, Any] = schemas.named[schemas.name_of(form)]["properties"] if form else {}
    return properties


def _body(entry: RouteEntry, described: Description | None, schemas: Schemas) -> dict[str, Any]:
    if described is None:
        return _json({}) if entry.method in _WRITES else {}
    return {"required": not described.optional, **_json(schemas.of(described.body))} if described.body else {}


def _success(described: Description | None, schemas: Schemas) -> dict[str, Any]:
    if described is None:
        return {"default": {"description": "The answer of the service.", **_json({})}}
    content = _json(schemas.of(described.answer)) if described.answer is not None else {}
    return {str(described.status): {"description": "Done.", **content}}


def _errors(entry: RouteEntry, described: Description | None, has_parameters: bool, has_body: bool) -> dict[str, Any]:
    statuses = {
        *_OF_EVERY_ROUTE,
        *(_OF_AUTHORIZERS if entry.authorizer else ()),
        *(_OF_PARAMETERS if has_parameters else ()),
        *(_OF_BODIES if has_body else ()),
        *(described.errors if described else ()),
    }
    return {str(status): _ERROR for status in sorted(statuses)}


def _security(entry: RouteEntry) -> list[Mapping[str, list[str]]]:
    route = read_route(entry)
    if route.authorizer is Authorizer.NONE:
        return []
    if route.authorizer is Authorizer.SCOPES:
        return [{"scopes": [scope]} for scope in route.scopes]  # one of them is enough
    return [{"policies": []}]


def _json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}
