"""Reads the routes with their authorizers from the definition of a REST API."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.packaged_routes import operations_of

_KINDS = {"custom": "CUSTOM", "cognito_user_pools": "COGNITO_USER_POOLS"}  # Swagger's name → API Gateway's


@dataclass(frozen=True)
class RouteAuthorizer:
    """The authorization of one method.

    kind    API Gateway's authorization type: NONE, CUSTOM or COGNITO_USER_POOLS
    name    of the authorizer
    scopes  a token must carry one of them
    """

    kind: str
    name: str = ""
    scopes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {' '.join(self.scopes)}".strip()


PUBLIC = RouteAuthorizer("NONE")


def expected_authorizers(definition: Mapping[str, Any]) -> Mapping[tuple[str, str], RouteAuthorizer]:
    """Returns the authorizer of each method and path. A route without an authorizer is public."""
    schemes = definition["securityDefinitions"]
    kinds = {name: _KINDS[scheme["x-amazon-apigateway-authtype"]] for name, scheme in schemes.items()}
    return {
        (method, path): RouteAuthorizer(kinds[name], name, tuple(sorted(scopes))) if name else PUBLIC
        for method, path, name, scopes in operations_of(definition)
    }


def forwarding(definition: Mapping[str, Any]) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """Returns the type and the URI of each integration that forwards to the upstream, by method and path.

    The headers that it writes are not compared here: one of them contains a secret.
    """
    integrations = {
        (method.upper(), path): operation["x-amazon-apigateway-integration"]
        for path, methods in definition["paths"].items()
        for method, operation in methods.items()
    }
    return {
        key: {"type": "HTTP_PROXY", "uri": integration["uri"]}
        for key, integration in integrations.items()
        if integration["type"] == "http_proxy"
    }


def authorizer_names(definition: Mapping[str, Any]) -> set[str]:
    """Returns the names of the authorizers that a route uses. Chalice creates no other one."""
    return set(definition["securityDefinitions"])
