"""Reads the routes of a Chalice application with their authorizers."""

from chalice.app import Chalice, CognitoUserPoolAuthorizer, RouteEntry

from chalicelib.core.route import Authorizer, Route


def read_routes(app: Chalice) -> tuple[Route, ...]:
    """Returns all routes, sorted by path and method. Chalice's own OPTIONS routes for CORS are not in this table."""
    return tuple(sorted(read_route(entry) for methods in app.routes.values() for entry in methods.values()))


def read_route(entry: RouteEntry) -> Route:
    """Returns one route with its authorizer."""
    if entry.authorizer is None:
        return Route(entry.uri_pattern, entry.method, Authorizer.NONE)
    if isinstance(entry.authorizer, CognitoUserPoolAuthorizer):
        return Route(entry.uri_pattern, entry.method, Authorizer.SCOPES, tuple(entry.authorizer.scopes))
    return Route(entry.uri_pattern, entry.method, Authorizer.POLICIES)
