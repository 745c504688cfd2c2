"""The console of the local cloud: the served files and settings, and a page without foreign code."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from local.console import with_console
from local.front.http import App, Message, Receive, Response, Scope, Send, answer

REPOSITORY = Path(__file__).parents[2]
CONSOLE = REPOSITORY / "console"
URL = "http://localhost:4566"
OUTPUTS: dict[str, Any] = {
    "api_url": f"{URL}/_aws/execute-api/drawbridge/v1",
    "authorize_url": f"{URL}/oauth2/authorize",
    "token_url": f"{URL}/oauth2/token",
    "logout_url": f"{URL}/logout",
    "web_client_id": "squire",
    "machine_client_id": "windlass",
    "machine_client_secret": "chain-and-pulley",
    "redirect_uri": f"{URL}/console/",
    "scopes": {"read": "https://castle.example/file.read", "write": "https://castle.example/file.write"},
    "users": {"admin": {"username": "castellan@castle.example", "password": "portcullis-down"}},
    "company": {
        "client_id": "herald",
        "saml": {"provider": "Guild", "users": {"admin": {"username": "mason", "password": "compass-and-square"}}},
        "oidc": {"provider": "Abbey", "users": {"admin": {"username": "abbot", "password": "bell-book-candle"}}},
    },
    "environment": {"AWS_SECRET_ACCESS_KEY": "buried-under-the-keep"},
}
BEHIND = 299  # the status of every response of the application behind the console


@dataclass
class Browser:
    """A browser on this machine, unless its Host header names another machine."""

    app: App

    def ask(self, path: str, method: str = "GET", hosts: tuple[str, ...] = ("localhost:4566",)) -> Response:
        scope = {"type": "http", "method": method, "path": path, "headers": [(b"host", h.encode()) for h in hosts]}
        sent = converse(self.app, scope)
        return Response(sent[0]["status"], b"".join(m.get("body", b"") for m in sent[1:]), tuple(sent[0]["headers"]))


def converse(app: App, scope: Scope) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        await app(scope, receive, send)

    asyncio.run(run())
    return sent


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await answer(send, Response(BEHIND, b"the application"))
    else:
        await send({"type": f"{scope['type']}.reached"})


def browser(outputs: Mapping[str, Any] | None = OUTPUTS, folder: Path = CONSOLE) -> Browser:
    return Browser(with_console(application, lambda: outputs, folder))


POLICY = """<meta http-equiv="Content-Security-Policy" content="script-src 'self'">"""


@pytest.fixture
def console_folder(tmp_path: Path) -> Path:
    """A console folder. It also contains files that must not be served, and such a file is next to it."""
    folder = tmp_path / "console"
    (folder / "dungeon").mkdir(parents=True)
    (tmp_path / "treasure.js").write_text("gold")
    (folder / "dungeon" / "prisoner.js").write_text("iron mask")
    (folder / "pages" / "deep").mkdir(parents=True)
    (folder / "pages" / "hall.js").write_text("feast()")
    (folder / "pages" / "deep" / "cellar.js").write_text("ale")
    (folder / "nest.js").mkdir()
    (folder / "README.md").write_text("for builders")
    (folder / "settings.json").write_text('{"machine_client_secret": "left lying about"}')
    (folder / "index.html").write_text(f"{POLICY}<p>the gate")
    (folder / "banner.js").write_text("wave()")
    return folder


# --- served files ---


@pytest.mark.parametrize(
    ("path", "file", "content_type"),
    [
        ("/console/", "index.html", "text/html; charset=utf-8"),
        ("/console/index.html", "index.html", "text/html; charset=utf-8"),
        ("/console/main.js", "main.js", "text/javascript; charset=utf-8"),
        ("/console/pages/policy.js", "pages/policy.js", "text/javascript; charset=utf-8"),
        ("/console/console.css", "console.css", "text/css; charset=utf-8"),
    ],
)
def test_each_file_of_the_page_is_served_complete_with_its_content_type(
    path: str, file: str, content_type: str
) -> None:
    response = browser().ask(path)
    assert (response.status, response.header("content-type")) == (200, content_type)
    assert response.body == (CONSOLE / file).read_bytes()


# --- the root ---


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_browser_is_redirected_from_the_root_to_the_console(method: str) -> None:
    response = browser().ask("/", method)
    assert (response.status, response.header("location"), response.body) == (302, "/console/", b"")


@pytest.mark.parametrize(
    "call",
    [
        {"method": "POST"},
        {"headers": [(b"host", b"localhost:4566"), (b"authorization", b"AWS4-HMAC-SHA256 Credential=test")]},
        {"headers": [(b"host", b"localhost:4566"), (b"x-amz-target", b"DynamoDB_20120810.ListTables")]},
        {"query_string": b"Action=ListUsers"},
        {"headers": [(b"host", b"castle.example")]},
    ],
)
def test_aws_requests_to_the_root_are_not_redirected(call: dict[str, Any]) -> None:
    asked = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [(b"host", b"localhost")]}
    assert converse(browser().app, {**asked, **call})[0]["status"] == BEHIND


@pytest.mark.parametrize("path", ["/console/", "/console/settings.json", "/console/no-such-tower"])
def test_head_returns_the_headers_of_get_and_no_body(path: str) -> None:
    head, get = browser().ask(path, "HEAD"), browser().ask(path)
    assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")
    assert get.header("content-length") == str(len(get.body))


def test_the_address_without_a_trailing_slash_redirects_to_the_page() -> None:
    response = browser().ask("/console")
    assert (response.status, response.header("location")) == (307, "/console/")


def test_an_edited_or_added_file_is_served_with_its_new_content(console_folder: Path) -> None:
    gate = browser(folder=console_folder)
    (console_folder / "banner.js").write_text("lower()")
    (console_folder / "pages" / "moat.js").write_text("fill()")
    assert gate.ask("/console/banner.js").body == b"lower()"
    assert gate.ask("/console/pages/moat.js").body == b"fill()"
    assert gate.ask("/console/pages/hall.js").body == b"feast()"


@pytest.mark.parametrize(
    "path", ["/console", "/console/", "/console/main.js", "/console/settings.json", "/console/no-such-tower"]
)
def test_every_response_forbids_foreign_code_framing_sniffing_referrers_and_caching(path: str) -> None:
    response = browser().ask(path)
    policy = dict(part.strip().partition(" ")[::2] for part in response.header("content-security-policy").split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "object-src": "'none'",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert response.header("x-frame-options") == "DENY"
    assert response.header("cross-origin-opener-policy") == "same-origin"
    assert response.header("cross-origin-resource-policy") == "same-origin"
    assert response.header("cache-control") == "no-store"
    assert response.header("x-content-type-options") == "nosniff"
    assert response.header("referrer-policy") == "no-referrer"


def test_the_page_and_the_host_share_one_policy(console_folder: Path) -> None:
    served = browser(folder=console_folder).ask("/console/").header("content-security-policy")
    assert served.endswith("; script-src 'self'")
    (console_folder / "index.html").write_text("<p>the gate")
    with pytest.raises(ValueError, match="Content-Security-Policy"):
        browser(folder=console_folder)


def test_no_other_origin_can_read_the_settings() -> None:
    assert browser().ask("/console/settings.json").header("access-control-allow-origin") == ""


# --- files that are not served ---


@pytest.mark.parametrize(
    "name",
    [
        "../treasure.js",
        "..%2ftreasure.js",
        "..\\treasure.js",
        "./index.html",
        "//index.html",
        "dungeon/prisoner.js",
        "dungeon/../banner.js",
        "pages",
        "pages/",
        "pages/../banner.js",
        "pages/deep/cellar.js",
        "pages//hall.js",
        "hall.js",
        "dungeon",
        "prisoner.js",
        "nest.js",
        "README.md",
        "banner.js/",
        "banner.js\0.html",
        "BANNER.JS",
        "..",
    ],
)
def test_only_the_listed_file_names_are_served(console_folder: Path, name: str) -> None:
    response = browser(folder=console_folder).ask(f"/console/{name}")
    assert (response.status, response.body) == (404, b"")


def test_an_absolute_path_is_not_followed(console_folder: Path) -> None:
    assert browser(folder=console_folder).ask(f"/console/{console_folder / 'dungeon' / 'prisoner.js'}").status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("path", ["/console/", "/console/settings.json"])
def test_the_console_refuses_every_method_except_get_and_head(path: str, method: str) -> None:
    response = browser().ask(path, method)
    assert (response.status, response.header("allow"), response.body) == (405, "GET, HEAD", b"")


@pytest.mark.parametrize("path", ["/consoles", "/console.js", "/CONSOLE/", "//console/", "/reports/console/"])
def test_a_path_outside_the_console_reaches_the_application(path: str) -> None:
    assert browser().ask(path).status == BEHIND


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_a_scope_that_is_not_http_reaches_the_application(kind: str) -> None:
    app = with_console(application, lambda: OUTPUTS, CONSOLE)
    scope = {"type": kind, "path": "/console/", "headers": [(b"host", b"localhost")]}
    assert converse(app, scope) == [{"type": f"{kind}.reached"}]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:4566", "127.0.0.1", "127.0.0.1:4566"])
def test_the_console_is_served_under_each_name_of_this_machine(host: str) -> None:
    assert browser().ask("/console/settings.json", hosts=(host,)).status == 200


@pytest.mark.parametrize(
    "hosts",
    [("rebound.example",), ("localhost.rebound.example:4566",), ("127.0.0.1.nip.example",), ("",), ()],
)
def test_the_console_is_not_served_to_a_request_with_another_host_name(hosts: tuple[str, ...]) -> None:
    assert browser().ask("/console/settings.json", hosts=hosts).status == BEHIND


def test_a_request_with_a_second_host_name_does_not_get_the_console() -> None:
    assert browser().ask("/console/settings.json", hosts=("localhost", "rebound.example")).status == BEHIND


# --- settings ---


def test_the_settings_contain_the_public_outputs_of_the_cloud_and_no_secret() -> None:
    response = browser().ask("/console/settings.json")
    assert (response.status, response.header("content-type")) == (200, "application/json")
    secrets = {"machine_client_id", "machine_client_secret", "users", "environment"}
    public = {name: value for name, value in OUTPUTS.items() if name not in secrets}
    assert response.content == {**public, "company": {"client_id": "herald", "providers": ["Guild", "Abbey"]}}


def test_a_missing_setting_is_omitted() -> None:
    known = {name: value for name, value in OUTPUTS.items() if name != "logout_url"}
    assert "logout_url" not in browser(known).ask("/console/settings.json").content


def test_the_settings_come_from_the_cloud_and_not_from_a_file_in_the_folder(console_folder: Path) -> None:
    assert b"left lying about" not in browser(folder=console_folder).ask("/console/settings.json").body


def test_a_cloud_that_is_not_ready_returns_503_with_a_message() -> None:
    response = browser(None).ask("/console/settings.json")
    assert response.status == 503
    assert response.content["message"] == (
        "The local cloud is not ready yet. Load this page again when `make run` prints `ready`."
    )


def test_the_settings_are_read_for_each_request() -> None:
    clouds: list[dict[str, Any] | None] = [OUTPUTS, None]  # taken from the end: first not ready, then ready
    gate = Browser(with_console(application, clouds.pop, CONSOLE))
    assert [gate.ask("/console/settings.json").status for _ in range(2)] == [503, 200]


# --- the content of the page ---


class Page(HTMLParser):
    """Collects the files that the page loads, and the elements that a strict Content-Security-Policy refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []
        self._tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        self.inline += [f"{tag} {name}" for name, _ in attrs if name == "style" or name.startswith("on")]
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""

    def handle_data(self, data: str) -> None:
        if self._tag in ("script", "style") and data.strip():
            self.inline.append(data)


def page() -> Page:
    parsed = Page()
    parsed.feed((CONSOLE / "index.html").read_text(encoding="utf-8"))
    return parsed


def test_the_page_contains_no_inline_script_or_style() -> None:
    assert page().inline == []


def test_the_page_loads_only_files_of_its_folder() -> None:
    loads = page().loads
    assert set(loads) == {"#main", "theme.css", "console.css", "pages.css", "main.js"}
    assert all("url(" not in sheet.read_text(encoding="utf-8") for sheet in CONSOLE.glob("*.css"))


def test_every_setting_that_the_page_reads_is_documented_and_served() -> None:
    script = "".join(path.read_text(encoding="utf-8") for path in CONSOLE.rglob("*.js"))
    read = set(re.findall(r"settings\??\.([a-z_]+)", script))
    documented = set(re.findall(r"^\| `(\w+)` \|", (CONSOLE / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    served = set(json.loads(browser().ask("/console/settings.json").body))
    assert read - {"json"} == documented == served
