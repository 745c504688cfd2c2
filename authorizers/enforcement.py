"""Enforcement in the service: the second policy enforcement point, behind API Gateway.

API Gateway has already enforced the authorizer's result. This module checks the result again for the route that the
service runs. It refuses a request if the gateway interprets paths differently or was deployed without its authorizers.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from chalice.app import Chalice, ChaliceAuthorizer, CognitoUserPoolAuthorizer, Request, Response, RouteEntry

from chalicelib.api import Api
from chalicelib.core import permission_codec
from chalicelib.core.decision import decide
from chalicelib.core.errors import InvalidInput
from chalicelib.core.request_path import check_template, fill, spellings


def enforce(app: Api, now: Callable[[], float] = time.time) -> None:
    """Checks every request to a route of the app that has an authorizer.

    now      returns seconds since 1970
    Raises:  ValueError for a route that cannot be checked, now or when it is registered later
    """

    def check_request(event: Request, get_response: Callable[[Any], Any]) -> Any:
        if is_granted(app, event, now()):
            return get_response(event)
        return Response({"message": "the gateway did not grant this route", "code": "not_granted"}, status_code=403)

    app.check_routes(check)
    app.register_middleware(check_request, "http")


def check(route: RouteEntry) -> None:
    """Raises ValueError for a route whose requests `is_granted` cannot check."""
    where = f"route {route.method} {route.uri_pattern}"
    try:
        check_template(route.uri_pattern)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    authorizer = route.authorizer
    if isinstance(authorizer, CognitoUserPoolAuthorizer) and not authorizer.scopes:
        raise ValueError(f"{where}: its Cognito authorizer has no scope. Use authorizers.cognito.requires")
    if not isinstance(authorizer, ChaliceAuthorizer | CognitoUserPoolAuthorizer | None):
        kind = type(authorizer).__name__
        raise ValueError(f"{where}: the service cannot check the result of an authorizer of type {kind}")


def is_granted(app: Chalice, request: Request, now: float) -> bool:
    """Returns whether the authorizer of the route has granted the request. Raises InvalidInput for an invalid path.

    now  seconds since 1970
    """
    route = app.routes.get(request.context["resourcePath"], {}).get(request.method)
    granted = request.context.get("authorizer") or {}
    if route is None:
        return False
    if route.authorizer is None:
        return True
    if isinstance(route.authorizer, ChaliceAuthorizer):
        return _covers(granted, request, now)
    if isinstance(route.authorizer, CognitoUserPoolAuthorizer):
        claims = granted.get("claims") or {}
        carried = str(claims.get("scope", "")).split()
        return claims.get("token_use") == "access" and not set(route.authorizer.scopes).isdisjoint(carried)
    return False


def _covers(granted: Mapping[str, Any], request: Request, now: float) -> bool:
    """Returns whether the permissions allow the path as received and as percent-decoded: a view can use either."""
    try:
        path = fill(request.context["resourcePath"], request.uri_params or {})
        age = now - int(granted.get("signed_in_at", 0))
        statements = [s for s in permission_codec.decode(granted["permissions"]) if s.counts_after(age)]
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    try:
        paths = spellings(path)
    except ValueError as error:
        raise InvalidInput("path", str(error)) from None
    return all(decide(statements, request.method, spelling).allowed for spelling in paths)
