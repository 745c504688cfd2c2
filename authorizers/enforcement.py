"""The service's own last admit: is this request one that the guard let through?

API Gateway has asked already. Asking again, about the route that the service really runs, means that a gateway which
reads paths unlike us, or was deployed without its authorizers, cannot open a door.
"""

from collections.abc import Callable
from typing import Any

from chalice.app import Chalice, ChaliceAuthorizer, CognitoUserPoolAuthorizer, Request, Response, RouteEntry

from chalicelib.api import Api
from chalicelib.core import permission_codec
from chalicelib.core.decision import decide
from chalicelib.core.errors import InvalidInput
from chalicelib.core.request_path import check_template, fill, spellings


def enforce(app: Api) -> None:
    """Look at every request to a guarded route of the app.

    Raises:  ValueError, now or when a route is registered later, for a route that cannot be judged
    """

    def admit(event: Request, get_response: Callable[[Any], Any]) -> Any:
        if is_granted(app, event):
            return get_response(event)
        return Response({"message": "the gateway did not grant this route", "code": "not_granted"}, status_code=403)

    app.check_routes(check)
    app.register_middleware(admit, "http")


def check(route: RouteEntry) -> None:
    """Raises ValueError for a route whose requests `is_granted` could not judge."""
    where = f"route {route.method} {route.uri_pattern}"
    try:
        check_template(route.uri_pattern)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    guard = route.authorizer
    if isinstance(guard, CognitoUserPoolAuthorizer) and not guard.scopes:
        raise ValueError(f"{where}: its Cognito authorizer names no scope; use authorizers.cognito.requires")
    if not isinstance(guard, ChaliceAuthorizer | CognitoUserPoolAuthorizer | None):
        raise ValueError(f"{where}: the service cannot check what an authorizer of type {type(guard).__name__} granted")


def is_granted(app: Chalice, request: Request) -> bool:
    """Tell whether the guard of the request's route has granted it. Raises InvalidInput for an unsound path."""
    route = app.routes.get(request.context["resourcePath"], {}).get(request.method)
    granted = request.context.get("authorizer") or {}
    if route is None:
        return False
    if route.authorizer is None:
        return True
    if isinstance(route.authorizer, ChaliceAuthorizer):
        return _covers(granted.get("permissions"), request)
    if isinstance(route.authorizer, CognitoUserPoolAuthorizer):
        claims = granted.get("claims") or {}
        carried = str(claims.get("scope", "")).split()
        return claims.get("token_use") == "access" and not set(route.authorizer.scopes).isdisjoint(carried)
    return False


def _covers(text: Any, request: Request) -> bool:
    """Tell whether a grant allows the path as received and as percent-decoded: a view may read either."""
    try:
        path = fill(request.context["resourcePath"], request.uri_params or {})
        statements = permission_codec.decode(text)
    except (AttributeError, KeyError, ValueError):
        return False
    try:
        paths = spellings(path)
    except ValueError as error:
        raise InvalidInput("path", str(error)) from None
    return all(decide(statements, request.method, spelling).allowed for spelling in paths)
