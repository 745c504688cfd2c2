"""Adds routes to the API of a stage that forward requests to an upstream server. Pure functions of templates.

API Gateway's own HTTP integration forwards `/upstream/{proxy+}`, without a Lambda. docs/decisions/0020 has the reasons.

The headers for the upstream have no hyphen. Some servers read `a_b` and `a-b` alike, and then a caller could send a
second spelling that API Gateway does not overwrite. Each mapped value is never empty: API Gateway omits an empty
header, and the header of the caller would take its place.
"""

from collections.abc import Mapping
from typing import Any

from chalicelib.core.route import Authorizer, Route
from chalicelib.core.upstream_paths import PREFIX, routes

_NONE = "'none'"
_UNKNOWN = "'null'"  # JSON null: the list is unknown, which is not an empty list
_BINARY = "x-amazon-apigateway-binary-media-types"
_SUBJECT, _CLIENT, _GROUPS, _POLICIES = "GatehouseSubject", "GatehouseClient", "GatehouseGroups", "GatehousePolicies"
_TOKEN = "GatehouseToken"  # noqa: S105  # the name of a header
_PARAMETER = "proxy"
# As authorizers/cognito.py writes it. An application without a route of use case 1 has no such authorizer.
_POOL = {
    "in": "header",
    "type": "apiKey",
    "name": "Authorization",
    "x-amazon-apigateway-authtype": "cognito_user_pools",
    "x-amazon-apigateway-authorizer": {
        "type": "cognito_user_pools",
        "providerARNs": [{"Ref": "UserPoolArn"}],
        "authorizerResultTtlInSeconds": 0,
    },
}

Json = dict[str, Any]


def add_upstream(template: Json, given: Mapping[str, str]) -> None:
    """Adds the routes of the upstream to the packaged template of a stage. Without `UpstreamUrl`, adds nothing.

    given  parameters of the application's stack
    """
    url = given.get("UpstreamUrl", "")
    if not url:
        return
    definition = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    if _by_scopes(given):
        definition["securityDefinitions"].setdefault("pool", _POOL)
    for route in routes(given.get("UpstreamReadScope"), given.get("UpstreamWriteScope")):
        definition["paths"].setdefault(route.path, {})[route.method.lower()] = _operation(route, url, given)
    definition[_BINARY] = ["*/*"]  # otherwise API Gateway would read uploads and downloads as UTF-8 text


def _by_scopes(given: Mapping[str, str]) -> bool:
    return bool(given.get("UpstreamReadScope") or given.get("UpstreamWriteScope"))


def _operation(route: Route, url: str, given: Mapping[str, str]) -> Json:
    parameter = _PARAMETER if _PARAMETER in route.path else ""
    by_policies = route.authorizer is Authorizer.POLICIES
    path = [{"name": parameter, "in": "path", "required": True, "type": "string"}] if parameter else []
    token = [{"name": "Authorization", "in": "header", "required": False, "type": "string"}]
    proxied = f"method.request.path.{parameter}" if parameter else "'/'"
    written = {**_headers(given), **_routing(route.method, proxied, given)}
    mapped = {f"integration.request.header.{name}": source for name, source in written.items()}
    if parameter:
        mapped[f"integration.request.path.{parameter}"] = proxied
    return {
        "parameters": path + token,
        "responses": {"default": {"description": ""}},
        "security": [{"policy_authorizer": []} if by_policies else {"pool": list(route.scopes)}],
        "x-amazon-apigateway-integration": {
            "type": "http_proxy",
            "httpMethod": route.method,
            "uri": f"{url}/{{{parameter}}}" if parameter else f"{url}/",
            "requestParameters": mapped,
            "passthroughBehavior": "when_no_match",
            "responses": {"default": {"statusCode": "200"}},
        },
    }


def _headers(given: Mapping[str, str]) -> Json:
    """Returns the headers that API Gateway writes into each request to the upstream, and the source of each value."""
    token = "method.request.header.Authorization" if given.get("UpstreamReceivesToken") == "true" else _NONE
    secret = f"{{{{resolve:secretsmanager:{given['UpstreamSecretArn']}:SecretString}}}}"
    identity = _scoped_identity() if _by_scopes(given) else _policy_identity()
    return {**identity, _TOKEN: token, "Authorization": f"'Bearer {secret}'"}


def _routing(method: str, proxied: str, given: Mapping[str, str]) -> Json:
    """Returns the headers from which some servers read the method, the path and the public address of a request.

    Without them, a caller could send such headers to reach a method or path that was not authorized, or to forge links.
    """
    base_path = given.get("ApiBasePath", "")
    return {
        **dict.fromkeys(("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"), f"'{method}'"),
        **dict.fromkeys(("X-Original-URL", "X-Rewrite-URL"), proxied),
        "X-Forwarded-Host": "context.domainName",
        "X-Forwarded-Prefix": f"'/{base_path}{PREFIX}'" if base_path else f"'{PREFIX}'",
        "Forwarded": "'for=unknown'",
    }


def _policy_identity() -> Json:
    return {
        _SUBJECT: "context.authorizer.principalId",
        _CLIENT: "context.authorizer.client",
        _GROUPS: "context.authorizer.groups",
        _POLICIES: "context.authorizer.policies",
    }


def _scoped_identity() -> Json:
    """Returns the headers behind the Cognito authorizer. It gives no policies, and not every token has groups."""
    return {
        _SUBJECT: "context.authorizer.claims.sub",
        _CLIENT: "context.authorizer.claims.client_id",
        _GROUPS: _UNKNOWN,
        _POLICIES: _UNKNOWN,
    }
