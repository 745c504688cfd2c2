"""Chalice as this service uses it: errors in one form, decoded path parameters, and pages of other origins.

Shape:   an error is `{"message": …, "code": …}`
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, cast

from chalice.app import Chalice, ChaliceUnhandledError, ChaliceViewError, Request, Response, RouteEntry

from chalicelib.core import request_path
from chalicelib.core.errors import (
    CallerError,
    Conflict,
    GatehouseError,
    InvalidInput,
    LastAdministrator,
    NotFound,
    TokenRejected,
    TooLarge,
    VersionConflict,
)
from chalicelib.core.origin import preflight_headers, response_headers

View = Callable[..., Any]

# The first matching class gives the status, so a subclass stands before its base class.
STATUS: tuple[tuple[type[GatehouseError], int], ...] = (
    (TooLarge, 413),
    (InvalidInput, 400),
    (NotFound, 404),
    (Conflict, 409),
    (VersionConflict, 409),
    (LastAdministrator, 409),
    (TokenRejected, 401),
    (CallerError, 400),
    (GatehouseError, 500),
)
_OURS = "the request failed through no fault of yours"


class Api(Chalice):
    """Answers the errors of views and of middlewares alike, and hands path parameters to views percent-decoded.

    Chalice turns every exception of a view into an answer of its own before a middleware sees it, so each view is
    wrapped. Every route passes `_register_route`, whether an app or a Blueprint declares it (chalice 1.34.0).

    allowed_origins  returns the origins whose pages can read the responses
    """

    def __init__(self, app_name: str, allowed_origins: Callable[[], Sequence[str]] = tuple) -> None:
        super().__init__(app_name)
        self._allowed_origins = allowed_origins
        self._check_route: Callable[[RouteEntry], None] | None = None
        self.register_middleware(self._in_one_form, "http")

    def __call__(self, event: Any, context: Any) -> Any:
        """Answers a request. A preflight reaches no view and no authorizer."""
        allowed = self._allowed_origins()
        # Chalice's local server writes the method only into the request's context.
        if allowed and event["requestContext"]["httpMethod"] == "OPTIONS" and not self._has_own_preflight(event):
            headers = preflight_headers(_origin(event), allowed)
            return {"statusCode": 204, "headers": dict(headers), "multiValueHeaders": {}, "body": ""}
        response = super().__call__(event, context)
        _add_headers(response["headers"], response_headers(_origin(event), allowed))
        return response

    def _has_own_preflight(self, event: Mapping[str, Any]) -> bool:
        return "OPTIONS" in self.routes.get(event["requestContext"]["resourcePath"], {})

    def check_routes(self, check: Callable[[RouteEntry], None]) -> None:
        """Applies a check to every route that is registered, and to each that is registered later."""
        self._check_route = check
        for route in self._all_routes():
            check(route)

    def _register_route(self, name: str, user_handler: View, kwargs: Any, **unused: Any) -> None:
        view = self._answering(user_handler)
        super()._register_route(name, view, kwargs, **unused)
        for route in self._all_routes():
            if self._check_route and route.view_function is view:
                self._check_route(route)

    def _all_routes(self) -> list[RouteEntry]:
        return [route for methods in self.routes.values() for route in methods.values()]

    def _answering(self, view: View) -> View:
        @wraps(view)
        def answer(**arguments: Any) -> Any:
            try:
                return view(**{name: _decoded(name, value) for name, value in arguments.items()})
            except ChaliceUnhandledError:
                raise  # Chalice's documented way to leave an error to a middleware
            except Exception as error:
                return self._answer_error(error)

        return answer

    def _in_one_form(self, event: Request, get_response: Callable[[Any], Any]) -> Any:
        """Answers the errors of middlewares, and gives Chalice's own refusals, such as 415, the form of all others."""
        try:
            response = get_response(event)
        except Exception as error:
            return self._answer_error(error)
        body = response.body
        if response.status_code >= 400 and isinstance(body, dict) and set(body) == {"Code", "Message"}:
            response.body = {"message": body["Message"], "code": _code(body["Code"])}
        return response

    def _answer_error(self, error: Exception) -> Response:
        status, code, message = _described(error)
        if status >= 500:
            self.log.error("failed: %s", code, exc_info=error)
            message = _OURS
        return Response({"message": message, "code": code}, None, status)

    @property
    def request(self) -> Request:
        """The request that is being answered."""
        return cast(Request, self.current_request)


def _origin(event: Mapping[str, Any]) -> str:
    return next((value for name, value in (event.get("headers") or {}).items() if name.lower() == "origin"), "")


def _add_headers(headers: dict[str, str], more: Mapping[str, str]) -> None:
    """Adds headers to those of a view. A list of names is extended, and any other value is replaced."""
    for name, value in more.items():
        same = [given for given in headers if given.lower() == name.lower()]
        earlier = [headers.pop(given) for given in same]
        headers[name] = ", ".join([*earlier, value]) if name == "Vary" else value


def no_content() -> Response:
    return Response("", status_code=204)


def _decoded(name: str, value: str) -> str:
    try:
        return request_path.decode(value)
    except ValueError as error:
        raise InvalidInput(name, str(error)) from None


def _described(error: Exception) -> tuple[int, str, str]:
    """Gives an error's status, code and message."""
    if isinstance(error, GatehouseError):
        return next(status for kind, status in STATUS if isinstance(error, kind)), error.code, error.message
    if isinstance(error, ChaliceViewError):
        caused_by_caller = error.STATUS_CODE < 500
        return error.STATUS_CODE, _code(type(error).__name__) if caused_by_caller else "unexpected_failure", str(error)
    return 500, "unexpected_failure", str(error)


def _code(class_name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", class_name.removesuffix("Error")).lower()
