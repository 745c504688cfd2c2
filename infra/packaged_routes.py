"""Reads the routes of the application with their authorizers from the packaged template.

Packaging imports app.py in a process of its own, so this module does not depend on the application.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chalicelib.core.route import Authorizer, Route
from chalicelib.settings import Settings
from infra.package import package_without_dependencies

PREFLIGHT = "OPTIONS"  # Chalice answers it without the application, so it needs no token
_AUTHORIZERS = {"custom": Authorizer.POLICIES, "cognito_user_pools": Authorizer.SCOPES}  # by Swagger's name


def package_routes(project: Path, resource_server: str) -> tuple[Route, ...]:
    """Packages the application, and returns its routes. Raises PackagingFailed.

    resource_server  prefix of the scopes
    """
    with TemporaryDirectory() as folder:
        template, _ = package_without_dependencies(Path(folder), project)
    return routes_of(json.loads(template)["Resources"]["RestAPI"]["Properties"]["DefinitionBody"], resource_server)


def routes_of(definition: Mapping[str, Any], resource_server: str) -> tuple[Route, ...]:
    """Returns the routes of an API's definition, sorted by path and method."""
    kinds = {name: item["x-amazon-apigateway-authtype"] for name, item in definition["securityDefinitions"].items()}
    packaged_server = Settings(os.environ).resource_server  # packaging inherits this process's environment
    return tuple(
        sorted(
            Route(
                path,
                method,
                _AUTHORIZERS[kinds[name]] if name else Authorizer.NONE,
                tuple(sorted(f"{resource_server}{scope.removeprefix(packaged_server)}" for scope in scopes)),
            )
            for method, path, name, scopes in operations_of(definition)
        )
    )


def operations_of(definition: Mapping[str, Any]) -> Iterator[tuple[str, str, str, list[str]]]:
    """Yields method, path, authorizer and scopes. The authorizer of a public route is empty."""
    for path, methods in definition["paths"].items():
        for method, operation in methods.items():
            if method.upper() != PREFLIGHT:
                ((name, scopes),) = [item for it in operation.get("security", []) for item in it.items()] or [("", [])]
                yield method.upper(), path, name, scopes
