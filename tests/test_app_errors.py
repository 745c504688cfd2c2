"""Every error of a view has one status and one JSON form, however its route was registered."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from chalice import app as chalice_app
from chalice.app import (
    Blueprint,
    ChaliceUnhandledError,
    ChaliceViewError,
    ConflictError,
    NotFoundError,
    Request,
    Response,
)
from chalice.test import Client

from chalicelib.api import Api
from chalicelib.core.errors import (
    CallerError,
    CannotDecide,
    GatehouseError,
    InvalidInput,
    NotFound,
    TokenRejected,
    TooLarge,
    VersionConflict,
)
from chalicelib.request_body import read_json
from tests.authorizers.events import proxy_event

OURS = "the request failed through no fault of yours"


class OrderMoved(ConflictError):
    """A fork's own error, derived from one of Chalice's."""


class LockedOrder(VersionConflict):
    """A fork's own error, derived from one of Gatehouse's."""


class OutOfService(ChaliceViewError):
    STATUS_CODE = 503


class QuotaSpent(CallerError):
    """A fork's own error with no status of its own."""


ERRORS = [
    pytest.param(NotFoundError("no order 7"), 404, "no order 7", "not_found", id="NotFoundError"),
    pytest.param(ConflictError("taken"), 409, "taken", "conflict", id="ConflictError"),
    pytest.param(OrderMoved("gone on"), 409, "gone on", "order_moved", id="a subclass of ConflictError"),
    pytest.param(ChaliceViewError("secret"), 500, OURS, "unexpected_failure", id="ChaliceViewError"),
    pytest.param(OutOfService("secret"), 503, OURS, "unexpected_failure", id="a view error with status 503"),
    pytest.param(InvalidInput("name", "is long"), 400, "name: is long", "invalid_input", id="InvalidInput"),
    pytest.param(TooLarge("body", "is large"), 413, "body: is large", "invalid_input", id="TooLarge"),
    pytest.param(NotFound("order 7"), 404, "order 7 does not exist", "not_found", id="NotFound"),
    pytest.param(
        VersionConflict("order 7", 2),
        409,
        "order 7 is no longer at version 2: read it again",
        "version_conflict",
        id="VersionConflict",
    ),
    pytest.param(
        LockedOrder("order 7", 2),
        409,
        "order 7 is no longer at version 2: read it again",
        "version_conflict",
        id="a subclass of VersionConflict",
    ),
    pytest.param(
        TokenRejected("revoked", "the token was revoked"), 401, "the token was revoked", "revoked", id="TokenRejected"
    ),
    pytest.param(QuotaSpent("quota_spent", "no more"), 400, "no more", "quota_spent", id="a CallerError"),
    pytest.param(CannotDecide("table_gone", "secret"), 500, OURS, "table_gone", id="CannotDecide"),
    pytest.param(GatehouseError("odd", "secret"), 500, OURS, "odd", id="a GatehouseError"),
    pytest.param(ValueError("secret"), 500, OURS, "unexpected_failure", id="any other exception"),
    pytest.param(ChaliceUnhandledError("secret"), 500, OURS, "unexpected_failure", id="ChaliceUnhandledError"),
]
PATHS = ["/plain", "/blueprint", "/v1/orders/nested"]


def shop(view: Callable[[], Any], name: str = "shop") -> Api:
    """An application whose view is registered in every way that Chalice offers."""
    app = Api(name)
    app.route("/plain", methods=["GET", "POST"])(view)
    plain, nested = Blueprint("tests.plain"), Blueprint("tests.nested")
    plain.route("/blueprint", methods=["GET", "POST"])(view)
    nested.route("/nested", methods=["GET", "POST"])(view)
    app.register_blueprint(plain, name_prefix="plain_")
    app.register_blueprint(nested, name_prefix="nested_", url_prefix="/v1/orders")
    return app


def raising(error: Exception) -> Callable[[], Any]:
    def view() -> Any:
        raise error

    return view


def current_request(app: Api) -> Request:
    assert app.current_request is not None
    return app.current_request


def by_handler(app: Api, method: str, path: str, body: str = "") -> tuple[int, Any]:
    answered = app(proxy_event(method, path, body=body), None)
    return answered["statusCode"], json.loads(answered["body"])


def by_client(app: Api, method: str, path: str, body: str = "") -> tuple[int, Any]:
    with Client(app) as client:
        answered = client.http.request(method, path, {"content-type": "application/json"}, body.encode())
    return answered.status_code, answered.json_body


Call = Callable[..., tuple[int, Any]]
EVERY_WAY = pytest.mark.parametrize("call", [by_handler, by_client])


@EVERY_WAY
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("error", "status", "message", "code"), ERRORS)
def test_an_error_of_a_view_has_its_status_and_the_json_form_in_every_route(
    call: Call, path: str, error: Exception, status: int, message: str, code: str
) -> None:
    assert call(shop(raising(error)), "GET", path) == (status, {"message": message, "code": code})


@pytest.mark.parametrize("error", chalice_app.ALL_ERRORS)
def test_every_view_error_of_chalice_keeps_its_status(error: type[ChaliceViewError]) -> None:
    status, answered = by_handler(shop(raising(error("a reason"))), "GET", "/plain")
    assert (status, set(answered)) == (error.STATUS_CODE, {"message", "code"})
    assert answered["message"] == ("a reason" if status < 500 else OURS)


@EVERY_WAY
@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_chalice_cannot_parse_as_json_returns_400(call: Call, path: str) -> None:
    app = shop(lambda: current_request(app).json_body)
    expected = {"message": "Error Parsing JSON", "code": "bad_request"}
    assert call(app, "POST", path, "{bad") == (400, expected)


@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_the_strict_parser_refuses_returns_400_in_every_route(path: str) -> None:
    app = shop(lambda: read_json(current_request(app)))
    status, answered = by_handler(app, "POST", path, "{bad")
    assert (status, answered["code"]) == (400, "invalid_input")


@pytest.mark.parametrize(("error", "status", "message", "code"), ERRORS)
def test_an_error_of_a_middleware_has_the_same_json_form(
    error: Exception, status: int, message: str, code: str
) -> None:
    app = shop(dict)

    @app.middleware("http")
    def fails(event: Any, get_response: Callable[[Any], Any]) -> Any:
        raise error

    assert by_handler(app, "GET", "/plain") == (status, {"message": message, "code": code})


def test_a_middleware_receives_the_errors_that_chalice_passes_to_it() -> None:
    app = shop(raising(ChaliceUnhandledError("for the middleware")))

    @app.middleware("http")
    def handles(event: Any, get_response: Callable[[Any], Any]) -> Any:
        try:
            return get_response(event)
        except ChaliceUnhandledError:
            return Response({"handled": True})

    assert [by_handler(app, "GET", path) for path in PATHS] == [(200, {"handled": True})] * 3


@pytest.mark.parametrize("path", PATHS)
def test_a_response_that_looks_like_an_error_of_chalice_is_unchanged(path: str) -> None:
    app = shop(lambda: {"Code": "de", "Message": "Guten Tag"})
    assert by_handler(app, "GET", path) == (200, {"Code": "de", "Message": "Guten Tag"})


@pytest.mark.parametrize("path", PATHS)
def test_the_error_responses_of_chalice_have_the_same_json_form(path: str) -> None:
    app = shop(dict)
    unread = proxy_event("POST", path) | {"headers": {"content-type": "text/plain"}}
    refused = app(unread, None)
    assert (refused["statusCode"], json.loads(refused["body"])["code"]) == (415, "unsupported_media_type")
    assert by_handler(app, "PUT", path)[0] == 405


@pytest.mark.parametrize("path", PATHS)
def test_a_failure_is_logged_by_its_code_with_its_traceback(path: str, caplog: pytest.LogCaptureFixture) -> None:
    app = shop(raising(CannotDecide("table_gone", "the table is gone")), name=f"shop of {path}")
    app.log.propagate = True
    by_handler(app, "GET", path)
    [failure] = caplog.records
    assert (failure.getMessage(), failure.exc_info is not None) == ("failed: table_gone", True)
