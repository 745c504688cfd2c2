"""The routes of use case 1, for tests that need one. A fork may have no such route."""

from __future__ import annotations

import pytest
from chalice.app import RouteEntry

from app import app
from authorizers.cognito import PoolAuthorizer


def _is_scoped(route: RouteEntry) -> bool:
    return isinstance(route.authorizer, PoolAuthorizer)


# Sorted by path, then by method.
SCOPED_ROUTES = sorted(
    ((method, path) for path, methods in app.routes.items() for method, route in methods.items() if _is_scoped(route)),
    key=lambda route: (route[1], route[0]),
)
# A GET path without parameters, or "".
SCOPED_PATH = next((path for method, path in SCOPED_ROUTES if method == "GET" and "{" not in path), "")
needs_scoped_route = pytest.mark.skipif(not SCOPED_PATH, reason="the application has no route of use case 1")
