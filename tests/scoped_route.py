"""The routes of use case 1 that the application has, for the tests that need one. A fork can have none."""

from __future__ import annotations

import pytest
from chalice.app import RouteEntry

from app import app
from authorizers.cognito import PoolAuthorizer


def _is_scoped(route: RouteEntry) -> bool:
    return isinstance(route.authorizer, PoolAuthorizer)


# By their paths, then by their methods.
SCOPED_ROUTES = sorted(
    ((method, path) for path, methods in app.routes.items() for method, route in methods.items() if _is_scoped(route)),
    key=lambda route: (route[1], route[0]),
)
# A path without parameters, for requests by GET.
SCOPED_PATH = next((path for method, path in SCOPED_ROUTES if method == "GET" and "{" not in path), "")
needs_scoped_route = pytest.mark.skipif(not SCOPED_PATH, reason="the application has no route of use case 1")
