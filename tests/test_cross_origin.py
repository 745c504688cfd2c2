"""The service answers pages of allowed origins: preflights without a view, and every response with the headers."""

from __future__ import annotations

from typing import Any

import pytest
from chalice.app import Response

from authorizers import enforcement
from authorizers.policy import policy_authorizer
from chalicelib.api import Api
from chalicelib.core.errors import NotFound
from tests.authorizers.events import proxy_event

APP = "https://app.example"
EVIL = "https://evil.example"


def shop(*allowed: str) -> Api:
    app = Api("shop", allowed_origins=lambda: allowed)

    @app.route("/open")
    def show() -> Any:
        return Response({}, headers={"vary": "Accept", "access-control-allow-origin": "*"})

    @app.route("/missing")
    def fail() -> Any:
        raise NotFound("order 7")

    @app.route("/broken")
    def crash() -> Any:
        raise RuntimeError("secret")

    app.route("/orders/{number}", methods=["GET", "PUT"], authorizer=policy_authorizer)(lambda number: {})
    app.route("/own", methods=["OPTIONS"])(lambda: {"own": True})
    enforcement.enforce(app)
    return app


def call(app: Api, method: str, path: str, origin: str) -> tuple[int, dict[str, str]]:
    event = proxy_event(method, path)
    del event["httpMethod"]  # `chalice local` does not write it
    event["headers"]["oRiGiN"] = origin
    answered = app(event, None)
    headers = {name: value for name, value in answered["headers"].items() if name.lower() in SHOWN}
    return answered["statusCode"], headers


SHOWN = ("vary", "access-control-allow-origin", "access-control-allow-methods")
READABLE = {"Vary": "Origin", "Access-Control-Allow-Origin": APP}
ANSWERS = [
    ("GET", "/missing", 404),
    ("GET", "/broken", 500),
    ("PATCH", "/open", 403),  # from the service's own enforcement, as the next one
    ("GET", "/orders/{number}", 403),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_a_page_of_an_allowed_origin_can_read_every_response(method: str, path: str, status: int) -> None:
    assert call(shop(APP), method, path, APP) == (status, READABLE)


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_a_page_of_another_origin_can_read_no_response(method: str, path: str, status: int) -> None:
    assert call(shop(APP), method, path, EVIL) == (status, {"Vary": "Origin"})
    assert call(shop(), method, path, APP) == (status, {})


def test_the_headers_of_a_view_are_extended_and_its_origin_is_replaced() -> None:
    expected = {"Vary": "Accept, Origin", "Access-Control-Allow-Origin": APP}
    assert call(shop(APP), "GET", "/open", APP) == (200, expected)


@pytest.mark.parametrize("path", ["/open", "/orders/{number}", "/upstream/{proxy+}"])
def test_a_preflight_is_answered_without_an_authorizer_and_alike_for_every_path(path: str) -> None:
    methods = {"Access-Control-Allow-Methods": "DELETE, GET, HEAD, PATCH, POST, PUT"}
    assert call(shop(APP), "OPTIONS", path, APP) == (204, READABLE | methods)
    assert call(shop(APP), "OPTIONS", path, EVIL) == (204, {"Vary": "Origin"})


def test_a_view_can_answer_options_itself() -> None:
    assert shop(APP)(proxy_event("OPTIONS", "/own"), None)["body"] == '{"own":true}'
