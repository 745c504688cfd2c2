"""The gateway protects servers that contain no code for Gatehouse. Policies use the paths of the server."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.e2e.clients import UserGroup
from tests.e2e.conftest import Neighbours
from tests.e2e.upstreams import servers

Headers = Sequence[tuple[str, str]]
READ = {
    "sid": "read",
    "effect": "Allow",
    "methods": ["GET", "HEAD", "POST"],
    "paths": ["/upstream/public/*"],
}
NO_SECRET = {"sid": "no-secret", "effect": "Deny", "methods": ["*"], "paths": ["/upstream/public/secret"]}
MEGABYTE = 1024 * 1024


class Response(NamedTuple):
    """A response with all its headers, in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


class Caller:
    """Sends requests as they are: no library normalizes the path or the headers."""

    def __init__(self, api_url: str, token: str) -> None:
        self._api = urlsplit(api_url)
        self._token = token

    def ask(self, method: str, path: str, headers: Headers = (), body: bytes | None = None) -> Response:
        connection = http.client.HTTPConnection(self._api.netloc, timeout=30)
        try:
            connection.putrequest(method, f"{self._api.path}/upstream{path}", skip_accept_encoding=True)
            for name, value in (("Authorization", f"Bearer {self._token}"), *headers):
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answered = connection.getresponse()
            lines = [(name.lower(), value) for name, value in answered.getheaders()]
            return Response(answered.status, lines, answered.read())
        finally:
            connection.close()


@pytest.fixture
def caller(user_group: UserGroup, outputs: dict[str, Any]) -> Caller:
    """A member of a group whose policy allows the public pages of the upstream, except one."""
    assert user_group.write([READ, NO_SECRET]).status == 200
    return Caller(outputs["api_url"], user_group.token)


@pytest.fixture
def plain(neighbours: Neighbours, tmp_path: Path) -> Iterator[None]:
    with servers.plain(neighbours.upstream_port, tmp_path):
        yield


@pytest.mark.parametrize("server", [servers.plain, servers.static, servers.express], ids=lambda it: it.__name__)
def test_policies_decide_by_the_paths_of_the_server(
    caller: Caller,
    outputs: dict[str, Any],
    neighbours: Neighbours,
    tmp_path: Path,
    server: Callable[[int, Path], AbstractContextManager[None]],
) -> None:
    with server(neighbours.upstream_port, tmp_path):
        statuses = {
            path: caller.ask("GET", path).status for path in ("/public/page", "/public/secret", "/private/page")
        }
        without_token = Caller(outputs["api_url"], "").ask("GET", "/public/page").status
        assert caller.ask("DELETE", "/public/page").status == 403
    assert statuses == {"/public/page": 200, "/public/secret": 403, "/private/page": 403}
    assert without_token == 401


def test_cookies_redirects_and_errors_of_the_server_reach_the_caller(
    caller: Caller, neighbours: Neighbours, tmp_path: Path
) -> None:
    with servers.express(neighbours.upstream_port, tmp_path):
        assert caller.ask("GET", "/public/page").values("set-cookie") == ["seen=yes; Path=/", "theme=dark; Path=/"]
        moved = caller.ask("GET", "/public/moved")
        assert (moved.status, moved.values("location")) == (302, ["/public/page"])
        assert caller.ask("GET", "/public/broken").status == 500
        assert caller.ask("GET", "/public/missing").status == 404
    assert caller.ask("GET", "/public/page").status == 504  # the server has ended


def test_the_server_learns_who_calls_and_that_the_gateway_called(
    caller: Caller, user_group: UserGroup, outputs: dict[str, Any], plain: None
) -> None:
    received = _received(caller.ask("GET", "/public/page?x=%2F&x=2"))
    assert received["path"] == "/public/page?x=%2F&x=2"
    headers = _by_name(received)
    assert headers["gatehousesubject"] == [user_group.member.sub]
    assert headers["gatehouseclient"] == [outputs["web_client_id"]]
    assert headers["gatehousegroups"] == [json.dumps([user_group.name])]
    assert headers["gatehousepolicies"][0].startswith(f"{user_group.subject}@")
    assert headers["authorization"] == [f"Bearer {outputs['upstream']['secret']}"]
    assert user_group.token not in json.dumps(received)


FORGED = (
    *((name, "forged") for name in ("GatehouseSubject", "gatehousesubject", "GATEHOUSEGROUPS", "GatehousePolicies")),
    *((name, "forged") for name in ("GatehouseClient", "GatehouseToken", "X-Forwarded-Host", "X-Forwarded-For")),
    *((name, "/private/page") for name in ("X-Original-URL", "X-Rewrite-URL", "x-original-url")),
    *((name, "DELETE") for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")),
    ("Connection", "GatehouseSubject, Authorization"),
    ("Forwarded", "host=forged"),
)
# Servers that read an underscore as a hyphen still find another name than GatehouseSubject.
OTHER_NAMES = (("Gatehouse_Subject", "forged"), ("Gatehouse-Subject", "forged"))


def test_a_caller_cannot_forge_what_the_server_learns(caller: Caller, user_group: UserGroup, plain: None) -> None:
    honest = _by_name(_received(caller.ask("GET", "/public/page")))
    forged = _by_name(_received(caller.ask("GET", "/public/page", (*FORGED, *OTHER_NAMES))))
    assert forged.keys() - honest.keys() == {"gatehouse_subject", "gatehouse-subject"}
    assert {name: forged[name] for name in honest} == honest
    assert honest["gatehousesubject"] == [user_group.member.sub]


AMBIGUOUS = (
    *("/public/%2e%2e/private/page", "/public/..%2fprivate/page", "/public/%252e%252e/private/page"),
    *("/public/../private/page", "/public/./page", "/public//page", "//public/page", "/public/page//"),
    *("/public/..;/private/page", "/public/page;v=1", "/public/%73ecret", "/public/secret/", "/public/secret%2f"),
    *(
        "/public/.git/config",
        "/public/a..\\..\\private",
        "/public/a\\b",
        "/public/page#part",
        "/public/%00",
        "%2fpublic/page",
        "/PUBLIC/page",
    ),
)


def test_a_path_with_two_readings_never_reaches_the_server(caller: Caller, neighbours: Neighbours) -> None:
    reached: list[str] = []

    class Recorder(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reached.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", neighbours.upstream_port), Recorder) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        statuses = {path: caller.ask("GET", path).status for path in AMBIGUOUS}
        plain_paths = {path: caller.ask("GET", path).status for path in ("/public/page", "/public/page/")}
        server.shutdown()
    assert {path: status for path, status in statuses.items() if status not in (403, 404)} == {}
    assert plain_paths == {"/public/page": 204, "/public/page/": 204}
    assert reached == ["/public/page", "/public/page/"]


def test_bodies_up_to_10_mb_pass_in_both_directions(caller: Caller, plain: None) -> None:
    body = bytes(range(256)) * (10 * 4096)
    assert _received(caller.ask("POST", "/public/upload", body=body))["size"] == 10 * MEGABYTE
    assert caller.ask("POST", "/public/upload", body=body + b"x").status == 413
    assert caller.ask("GET", "/public/download").body == bytes(range(256)) * 4096 * 9
    assert caller.ask("HEAD", "/public/download").values("content-length") == [str(9 * MEGABYTE)]


def _received(response: Response) -> dict[str, Any]:
    assert response.status == 200
    received: dict[str, Any] = json.loads(response.body)
    return received


def _by_name(received: dict[str, Any]) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in received["headers"]:
        headers.setdefault(name.lower(), []).append(value)
    return headers
