"""The front serves this machine only, hides the emulator's own endpoints, and refuses requests with two meanings."""

from __future__ import annotations

import base64
import socket

import pytest
import requests

from tests.local.conftest import Cloud
from tests.local.front_system import BEARER, HOST, System, raw, target


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "host.docker.internal",
        "bucket.localhost",
        "abcdef12.execute-api.localhost",
        "x.lambda-url.us-east-1.on.aws",
        "",
        "[::1]",
    ],
)
def test_a_request_for_another_host_is_refused(cloud: Cloud, host: str) -> None:
    assert raw(cloud, "POST", "/oauth2/token", ("Host", host))[0] == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "localhost:4566", "127.0.0.1:80"])
def test_a_request_for_this_machine_is_served(cloud: Cloud, host: str) -> None:
    assert raw(cloud, "POST", "/oauth2/token", ("Host", host))[0] == 400


@pytest.mark.parametrize(
    "path",
    [
        "/_ministack/reset",
        "/_ministack/config",
        "/_ministack/ses/messages",
        "/_localstack/x",
        "/_ministack/health",
        "/health",
        "/%5fministack/reset",
        "/_ministack",
    ],
)
def test_the_admin_endpoints_of_the_emulator_are_unreachable(cloud: Cloud, path: str) -> None:
    assert raw(cloud, "POST", path, HOST, BEARER)[0] == 404
    assert raw(cloud, "GET", path, HOST)[0] == 404


def test_a_websocket_is_refused(cloud: Cloud) -> None:
    upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
    path = "/_aws/execute-api/aaaa/prod"
    status, _ = raw(cloud, "GET", path, HOST, *upgrade, ("Sec-WebSocket-Key", base64.b64encode(b"0" * 16).decode()))
    assert status == 403


UNKNOWN_API = "/_aws/execute-api/aaaa/prod"


@pytest.mark.parametrize(
    ("path", "lines", "status"),
    [
        pytest.param(UNKNOWN_API, ["Host: localhost"], 404, id="a request to an unknown API"),
        pytest.param(UNKNOWN_API, ["Host: localhost", "Host: evil.example"], 400, id="two hosts"),
        pytest.param(UNKNOWN_API, [], 400, id="no host"),
        pytest.param(UNKNOWN_API, ["Host : localhost"], 400, id="a space before the colon"),
        pytest.param(UNKNOWN_API, ["Host: localhost", "Content-Length: 0", "Content-Length: 5"], 400, id="two lengths"),
        pytest.param(
            UNKNOWN_API,
            ["Host: localhost", "Content-Length: 5", "Transfer-Encoding: chunked"],
            400,
            id="a length and chunks",
        ),
        pytest.param(UNKNOWN_API, ["Host: localhost", f"X: {'x' * 20_000}"], 431, id="a header of 20 KB"),
        pytest.param(f"{UNKNOWN_API}?{'x' * 20_000}", ["Host: localhost"], 431, id="an address of 20 KB"),
        pytest.param(UNKNOWN_API + "#/docs", ["Host: localhost"], 403, id="a fragment"),
        pytest.param("http://localhost" + UNKNOWN_API, ["Host: localhost"], 403, id="an absolute address"),
    ],
)
def test_the_parser_refuses_a_request_that_has_two_meanings(
    cloud: Cloud, path: str, lines: list[str], status: int
) -> None:
    request = "\r\n".join([f"GET {path} HTTP/1.1", "Connection: close", *lines, "", ""]).encode()
    with socket.create_connection(("127.0.0.1", cloud.port), timeout=10) as connection:
        connection.sendall(request)
        assert connection.makefile("rb").readline().split()[1] == str(status).encode()


def test_headers_without_an_end_are_refused_and_not_collected(cloud: Cloud) -> None:
    with socket.create_connection(("127.0.0.1", cloud.port), timeout=10) as connection:
        connection.sendall(f"GET {UNKNOWN_API} HTTP/1.1\r\nHost: localhost\r\nX: {'x' * 20_000}".encode())
        assert connection.makefile("rb").readline().split()[1] == b"400"


def test_a_response_has_one_date(cloud: Cloud) -> None:
    refused = requests.post(cloud.url, timeout=10)
    answered = requests.post(cloud.url, headers=dict([target("InitiateAuth")]), data="{}", timeout=10)
    for response in (refused, answered):
        assert len(response.raw.headers.getlist("date")) == 1


def test_a_browser_preflight_of_the_user_pool_is_served(system: System) -> None:
    for path in ("/", "/oauth2/token"):
        answer = requests.options(system.cloud.url + path, timeout=10)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
    refused = system.post("/oauth2/token", {"grant_type": "refresh_token", "client_id": system.web})
    assert refused.headers["access-control-allow-origin"] == "*"
