"""The service's own last look: is this request one that the guard let through?

API Gateway has asked already. Asking again, about the route that the service really runs, means that a gateway which
reads paths unlike us, or was deployed without its authorizers, cannot open a door.
"""

import re
from collections.abc import Callable
from typing import Any

from chalice.app import Chalice, ChaliceAuthorizer, CognitoUserPoolAuthorizer, Request, Response

from chalicelib.core import grant as grant_text
from chalicelib.core.decision import decide


def watch(app: Chalice) -> None:
    """Look at every request to a guarded route of the app."""

    def look(event: Request, get_response: Callable[[Any], Any]) -> Any:
        if is_open(app, event):
            return get_response(event)
        return Response({"message": "the gateway did not grant this route", "code": "not_granted"}, status_code=403)

    app.register_middleware(look, "http")


def is_open(app: Chalice, request: Request) -> bool:
    """Tell whether the guard of the request's route has granted it."""
    route = app.routes[request.context["resourcePath"]][request.method]
    granted = request.context.get("authorizer") or {}
    if route.authorizer is None:
        return True
    if isinstance(route.authorizer, ChaliceAuthorizer):
        return _covers(granted.get("grant"), request)
    if isinstance(route.authorizer, CognitoUserPoolAuthorizer):
        claims = granted.get("claims") or {}
        carried = str(claims.get("scope", "")).split()
        return claims.get("token_use") == "access" and not set(route.authorizer.scopes).isdisjoint(carried)
    return False


def _covers(text: Any, request: Request) -> bool:
    parameters = request.uri_params or {}
    path = re.sub(r"\{(\w+)\}", lambda name: parameters[name[1]], request.context["resourcePath"])
    try:
        return decide(grant_text.decode(text), request.method, path).allowed
    except (AttributeError, ValueError):
        return False
