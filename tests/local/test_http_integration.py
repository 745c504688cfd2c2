"""The local gateway forwards to an HTTP server as API Gateway's HTTP integration does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from local.front import api_gateway, http_integration
from local.front.http import Request

MAPPED = {"integration.request.path.proxy": "method.request.path.proxy"}
_IDENTITY = "integration.request.header.GatehouseSubject"


class Server(BaseHTTPRequestHandler):
    """Answers by path, and records each request."""

    received: list[tuple[str, list[tuple[str, str]], bytes]]
    released: threading.Event

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        type(self).received.append((self.path, self.headers.items(), body))
        if self.path == "/slow":
            type(self).released.wait(30)
        self.send_response(302 if self.path == "/moved" else 404 if self.path == "/missing" else 200)
        content = b"x" * (10 * 1024 * 1024 + (self.path == "/larger")) if self.path.startswith("/large") else b"ok"
        for name, value in (
            ("Location", "http://127.0.0.1:9/elsewhere"),
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("WWW-Authenticate", "Basic"),
            ("Content-Length", str(len(content))),
        ):
            self.send_header(name, value)
        with suppress(OSError):  # a gateway that stopped to wait has closed the connection
            self.end_headers()
            self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def running() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    Server.received, Server.released = [], threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    Server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


def forward(
    url: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"", query: str = "", **more: Any
) -> Any:
    """Forwards `path` as the rest of the API's path, and returns the answer of the integration."""
    lines = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"method": "GET", "path": path, "headers": lines, "query_string": query.encode(), "client": ("10.0.0.7", 1)}
    api_gateway.begin(Request(scope))
    integration = {"uri": f"{url}/{{proxy}}", "requestParameters": MAPPED, **more}
    call: Any = http_integration._invoke_http_proxy_v1
    return asyncio.run(call(None, integration, path, "GET", {}, body, {}, {"proxy": path.strip("/")}))


def sent(url: str, path: str, **more: Any) -> tuple[str, dict[str, list[str]], bytes]:
    """Returns what the server received."""
    forward(url, path, **more)
    target, lines, body = Server.received[-1]
    headers: dict[str, list[str]] = {}
    for name, value in lines:
        headers.setdefault(name.lower(), []).append(value)
    return target, headers, body


def test_a_redirect_is_passed_on_and_all_cookies_stay(running: str) -> None:
    status, headers, body = forward(running, "/moved")
    assert (status, headers["Location"], body) == (302, ["http://127.0.0.1:9/elsewhere"], b"ok")
    assert headers["Set-Cookie"] == ["a=1", "b=2"]


def test_headers_that_api_gateway_renames_are_renamed(running: str) -> None:
    status, headers, _ = forward(running, "/missing")
    assert status == 404
    assert headers["x-amzn-Remapped-WWW-Authenticate"] == ["Basic"]
    assert not {"server", "date", "www-authenticate"} & {name.lower() for name in headers}


def test_headers_of_the_connection_are_dropped_and_the_body_has_one_length(running: str) -> None:
    smuggled = {
        "Host": "evil.example",
        "Connection": "X-Secret, close",
        "X-Secret": "1",
        "Transfer-Encoding": "chunked",
        "Content-Length": "0",
        "Upgrade": "websocket",
        "Expect": "100-continue",
        "X-Kept": "2",
    }
    _, headers, body = sent(running, "/a", headers=smuggled, body=b"GET /admin HTTP/1.1\r\n\r\n")
    assert body == b"GET /admin HTTP/1.1\r\n\r\n"
    assert headers["host"] == [running.removeprefix("http://")]
    assert (headers["content-length"], headers["x-kept"]) == (["23"], ["2"])
    assert not {"connection", "x-secret", "transfer-encoding", "upgrade", "expect"} & headers.keys()


def test_a_mapped_header_replaces_the_callers_in_every_spelling(running: str) -> None:
    mapped = {"requestParameters": {**MAPPED, _IDENTITY: "'the subject'"}}
    _, headers, _ = sent(running, "/a", headers={"GATEHOUSEsubject": "forged"}, **mapped)
    assert headers["gatehousesubject"] == ["the subject"]


def test_a_mapping_without_a_value_lets_the_callers_header_pass(running: str) -> None:
    """The worst that AWS could do. Therefore infra/upstream.py maps only values that are never empty."""
    mapped = {"requestParameters": {**MAPPED, _IDENTITY: "context.authorizer.absent"}}
    _, headers, _ = sent(running, "/a", headers={"GatehouseSubject": "forged"}, **mapped)
    assert headers["gatehousesubject"] == ["forged"]


@pytest.mark.parametrize(
    ("path", "received"),
    [
        ("/a/b", "/a/b"),
        ("/a/", "/a/"),
        ("/a%2fb", "/a/b"),
        ("/%2e%2e/x", "/../x"),
        ("/a%20b", "/a%20b"),
        ("/100%25", "/100%25"),
        ("/%c3%a9", "/%C3%A9"),
    ],
)
def test_a_path_parameter_is_decoded_before_it_is_passed_on(running: str, path: str, received: str) -> None:
    assert sent(running, path)[0] == received


def test_the_query_is_passed_on_as_received(running: str) -> None:
    assert sent(running, "/a", query="x=%2F&x=2&y")[0] == "/a?x=%2F&x=2&y"


def test_a_slow_server_is_a_timeout_and_an_unreachable_one_a_failure(running: str) -> None:
    slow = forward(running, "/slow", timeoutInMillis=50)  # the server never answers in time
    assert (slow.response_type, slow.message) == ("INTEGRATION_TIMEOUT", "Endpoint request timed out")
    assert forward("http://127.0.0.1:9", "/a").response_type == "INTEGRATION_FAILURE"


def test_a_response_of_10_mb_passes_and_a_larger_one_fails(running: str) -> None:
    assert len(forward(running, "/large")[2]) == 10 * 1024 * 1024
    assert forward(running, "/larger").response_type == "API_CONFIGURATION_ERROR"
