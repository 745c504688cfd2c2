"""Reads the routes with their authorizers from the definition of a REST API."""

import re
from collections.abc import Iterator, Mapping
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
    """Returns the integrations that forward to the upstream, by method and path."""
    integrations = {
        (method.upper(), path): operation["x-amazon-apigateway-integration"]
        for path, methods in definition["paths"].items()
        for method, operation in methods.items()
    }
    return {key: integration for key, integration in integrations.items() if integration["type"] == "http_proxy"}


def forwarding_faults(actual: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    """Yields the differences of two integrations that forward to the upstream. Shows no header, because one is secret.

    A mapping with the secret is compared by its form, because the template only refers to the secret. A reference that
    CloudFormation did not resolve is no secret.
    """
    if (actual.get("type"), actual.get("uri")) != ("HTTP_PROXY", expected["uri"]):
        yield "forwards to another address"
    mapped = actual.get("requestParameters") or {}
    for name, source in sorted(expected["requestParameters"].items()):
        found = mapped.get(name, "")
        is_secret = "{{resolve:" in source
        if not (re.fullmatch(r"'Bearer [^'{}]+'", found) if is_secret else found == source):
            yield f"does not set {name.removeprefix('integration.request.')} as the template says"
    for name in sorted(mapped.keys() - expected["requestParameters"].keys()):
        yield f"sets {name.removeprefix('integration.request.')}, which the template does not"


def authorizer_names(definition: Mapping[str, Any]) -> set[str]:
    """Returns the names of the authorizers that a route uses. Chalice creates no other one."""
    return set(definition["securityDefinitions"])
