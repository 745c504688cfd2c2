"""The routes of app.py with the authorizer of each, and the handlers of its functions."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalice.app import CognitoUserPoolAuthorizer

from chalicelib.settings import Settings


@dataclass(frozen=True)
class RouteAuthorizer:
    """What a route asks of its caller.

    kind    API Gateway's name for it: NONE, CUSTOM or COGNITO_USER_POOLS
    name    of the authorizer
    scopes  of which a token must carry one
    """

    kind: str
    name: str = ""
    scopes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {' '.join(self.scopes)}".strip()


PUBLIC = RouteAuthorizer("NONE")


def expected_authorizers(resource_server: str) -> Mapping[tuple[str, str], RouteAuthorizer]:
    """The authorizer of each method and path. A route is public if app.py gives it none.

    resource_server  what this stage's scopes begin with
    """
    from app import app  # builds its authorizers of this process's environment

    own = Settings(os.environ).resource_server
    return {
        (method, path): _authorizer(route.authorizer, own, resource_server)
        for path, methods in app.routes.items()
        for method, route in methods.items()
    }


def expected_handlers() -> Mapping[str, str]:
    """What Lambda calls in each function, by the name that Chalice gives it."""
    from app import app

    others: tuple[Any, ...] = (*app.builtin_auth_handlers, *app.event_sources, *app.pure_lambda_functions)
    return {"api_handler": "app.app", **{function.name: function.handler_string for function in others}}


def _authorizer(authorizer: Any, own: str, resource_server: str) -> RouteAuthorizer:
    if authorizer is None:
        return PUBLIC
    kind = "COGNITO_USER_POOLS" if isinstance(authorizer, CognitoUserPoolAuthorizer) else "CUSTOM"
    scopes = (f"{resource_server}{scope.removeprefix(own)}" for scope in authorizer.scopes)
    return RouteAuthorizer(kind, authorizer.name, tuple(sorted(scopes)))
