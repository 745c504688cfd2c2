"""Reads the routes with their authorizers, and the functions' handlers, from the packaged template.

Packaging imports app.py in a process of its own, so this module does not depend on the application.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.settings import Settings
from infra.packaged_routes import operations_of
from infra.stage import Stage
from infra.templates import resolve

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


def expected_authorizers(
    template: Mapping[str, Any], resource_server: str
) -> Mapping[tuple[str, str], RouteAuthorizer]:
    """Returns the authorizer of each method and path. A route without an authorizer is public.

    template         as packaging writes it
    resource_server  prefix of this stage's scopes
    """
    definition = _definition(template)
    kinds = {name: _KINDS[it["x-amazon-apigateway-authtype"]] for name, it in definition["securityDefinitions"].items()}
    packaged_server = Settings(os.environ).resource_server  # packaging inherits this process's environment
    return {
        (method, path): RouteAuthorizer(
            kinds[name],
            name,
            tuple(sorted(f"{resource_server}{scope.removeprefix(packaged_server)}" for scope in scopes)),
        )
        if name
        else PUBLIC
        for method, path, name, scopes in operations_of(definition)
    }


def expected_handlers(template: Mapping[str, Any], stage: Stage) -> Mapping[str, str]:
    """Returns the handler of each function, by the name that the function has on AWS."""
    properties = [it["Properties"] for it in template["Resources"].values() if "Handler" in it.get("Properties", {})]
    names = {"AppName": stage.app, "Stage": stage.name}
    return {resolve(it["FunctionName"], names): it["Handler"] for it in properties}


def authorizer_names(template: Mapping[str, Any]) -> set[str]:
    """Returns the names of the authorizers that a route uses. Chalice creates no other one."""
    return set(_definition(template)["securityDefinitions"])


def _definition(template: Mapping[str, Any]) -> Mapping[str, Any]:
    definition: Mapping[str, Any] = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    return definition
