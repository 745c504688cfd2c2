"""Pages of other origins in a real browser: an allowed one signs in and calls both use cases, others read nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.e2e.clients import UserGroup
from tests.e2e.cloud import Cloud
from tests.e2e.conftest import Neighbours
from tests.scoped_route import SCOPED_PATH

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

READ = {"sid": "read", "effect": "Allow", "methods": ["GET"], "paths": ["/whoami"]}
# Returns the status and the body, or the error that a page gets if it cannot read the response.
FETCH = """async ([url, method, token, body]) => {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  try {
    const response = await fetch(url, { method, headers, body: body || undefined });
    return [response.status, await response.text()];
  } catch (error) {
    return [0, String(error)];
  }
}"""
# Redeems the code of the address, as a page of a public client does.
REDEEM = """async ([tokenUrl, clientId, redirectUri]) => {
  const code = new URLSearchParams(location.search).get("code");
  const grant = { grant_type: "authorization_code", client_id: clientId, code, redirect_uri: redirectUri };
  const response = await fetch(tokenUrl, { method: "POST", body: new URLSearchParams(grant) });
  return (await response.json()).access_token;
}"""


class EmptyPage(BaseHTTPRequestHandler):
    """Serves the same empty page at every path."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>a page of another origin</title>")

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def origin(port: int) -> Iterator[str]:
    """Serves pages at a port, and gives their origin."""
    with ThreadingHTTPServer(("127.0.0.1", port), EmptyPage) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def foreign_origin() -> Iterator[str]:
    with origin(0) as address:
        yield address


@pytest.fixture(scope="module")
def page(chromium: Browser, neighbours: Neighbours) -> Iterator[Page]:
    ports = [urlsplit(allowed).port or 0 for allowed in (neighbours.origin, neighbours.second_origin)]
    with ExitStack() as pages:
        for port in ports:
            pages.enter_context(origin(port))
        context = pages.enter_context(chromium.new_context())
        context.set_default_timeout(20_000)
        yield context.new_page()


@pytest.fixture
def ask(page: Page, outputs: dict[str, Any]) -> Callable[..., tuple[int, str]]:
    """Sends a request from the page that is open."""

    def send(path: str, token: str = "", method: str = "GET", body: str = "") -> tuple[int, str]:
        status, text = page.evaluate(FETCH, [outputs["api_url"] + path, method, token, body])
        return status, text

    return send


@pytest.fixture
def corrupt_policy(cloud: Cloud, outputs: dict[str, Any], user_group: UserGroup) -> Iterator[None]:
    """Makes the authorizer fail for the members of the group."""
    assert user_group.write([READ]).status == 200
    table, client = outputs["tables"]["policies"], cloud.local_cloud.client("dynamodb")
    key = {"subject": {"S": user_group.subject}}
    client.put_item(TableName=table, Item={**key, "version": {"N": "1"}, "statements": {"S": "nonsense"}})
    yield
    client.delete_item(TableName=table, Key=key)


def test_a_page_of_an_allowed_origin_signs_in_and_calls_both_use_cases(
    page: Page, outputs: dict[str, Any], neighbours: Neighbours, ask: Callable[..., tuple[int, str]]
) -> None:
    redirect_uri = f"{neighbours.origin}/"
    asked = {
        "client_id": outputs["web_client_id"],
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": " ".join(["openid", *outputs["scopes"].values()]),
    }
    page.goto(f"{outputs['authorize_url']}?{urlencode(asked)}")
    for name, value in outputs["users"]["reader"].items():
        page.fill(f"#{name}", value)
    page.press("#password", "Enter")
    page.wait_for_url(f"{redirect_uri}?code=**")
    token = page.evaluate(REDEEM, [outputs["token_url"], outputs["web_client_id"], redirect_uri])

    if SCOPED_PATH:
        assert ask(SCOPED_PATH, token)[0] == 200, "use case 1"
    assert ask("/whoami", token)[0] == 200, "use case 2"
    # The page reads every refusal: of the gateway, of the authorizer, and of the service.
    assert ask("/whoami")[0] == 401
    assert ask("/admin/policies", token)[0] == 403
    assert ask("/no-such-route", token)[0] == 404
    assert ask("/admin/policies/group/x", token, "PUT", "{}")[0] == 403


@pytest.mark.usefixtures("corrupt_policy")
def test_a_page_of_an_allowed_origin_reads_a_failure_of_the_authorizer(
    page: Page, neighbours: Neighbours, user_group: UserGroup, ask: Callable[..., tuple[int, str]]
) -> None:
    page.goto(neighbours.origin)
    status, text = ask("/whoami", user_group.token)
    assert (status, "cannot_decide" in text) == (500, True)


def test_a_page_of_a_second_allowed_origin_reads_the_service_but_no_refusal_of_the_gateway(
    page: Page, neighbours: Neighbours, reader: str, ask: Callable[..., tuple[int, str]]
) -> None:
    page.goto(neighbours.second_origin)
    assert ask("/whoami", reader)[0] == 200
    assert ask("/")[0] == 200
    assert ask("/whoami")[0] == 0


def test_a_page_of_any_other_origin_reads_nothing(
    page: Page, foreign_origin: str, reader: str, ask: Callable[..., tuple[int, str]]
) -> None:
    page.goto(foreign_origin)
    assert page.evaluate(FETCH, [foreign_origin, "GET", "", ""])[0] == 200
    for path in ("/", "/whoami", "/no-such-route", "/upstream/public/page"):
        assert [ask(path)[0], ask(path, reader)[0], ask(path, reader, "DELETE")[0]] == [0, 0, 0]
