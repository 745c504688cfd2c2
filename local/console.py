"""Serves the console, which is the web page of `console/`, on this machine only."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from local.front.http import App, Receive, Response, Scope, Send, answer

_HOME = "/console/"
_HOSTS = {"localhost", "127.0.0.1"}
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}
# The settings that a browser needs. All other settings, such as the secret of the machine client, are not served.
_PUBLIC = ("api_url", "authorize_url", "token_url", "logout_url", "web_client_id", "redirect_uri", "scopes")
_NOT_READY = "The local cloud is not ready yet. Load this page again when `make run` prints `ready`."
# What the page cannot require by itself: the API is on another origin on other hosts, and browsers accept
# frame-ancestors only in a header.
_HOST_POLICY = "default-src 'none'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
_PAGE_POLICY = re.compile(r'http-equiv="Content-Security-Policy"\s+content="([^"]+)"')
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def with_console(app: App, settings: Callable[[], Mapping[str, Any] | None], folder: Path) -> App:
    """Returns an application that serves the console and passes every other path on.

    settings  returns the content of `outputs.json`, or None until the cloud is ready
    folder    contains the files of the page; they are read for each request
    """
    headers = (*_HEADERS, (b"content-security-policy", _policy(folder).encode()))

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if _is_browser_at_root(scope):
            await answer(send, Response(302, b"", ((b"location", _HOME.encode()), *headers)))
            return
        if not _is_for_console(scope):
            await app(scope, receive, send)
            return
        response = _respond(scope, settings, _files(folder))
        await answer(send, replace(response, headers=(*response.headers, *headers)))

    return serve


def _policy(folder: Path) -> str:
    """Returns the Content-Security-Policy: what the page requires on every host, and what this host adds."""
    page = _PAGE_POLICY.search((folder / "index.html").read_text(encoding="utf-8"))
    if not page:
        raise ValueError("console/index.html: expected a meta element with a Content-Security-Policy")
    return f"{_HOST_POLICY}; {page[1]}"


def _files(folder: Path) -> dict[str, Path]:
    """Returns the served files. A requested name is a key and never part of a path, so `..` cannot leave the folder."""
    found = (*folder.iterdir(), *folder.glob("pages/*"))
    return {path.relative_to(folder).as_posix(): path for path in found if path.suffix in _TYPES and path.is_file()}


def _is_browser_at_root(scope: Scope) -> bool:
    """Returns whether an unsigned request asks for `/`. AWS serves nothing at this path without a signature."""
    if scope["type"] != "http" or scope["path"] != "/" or scope["method"] not in ("GET", "HEAD"):
        return False
    signed = any(name in (b"authorization", b"x-amz-target") for name, _ in scope["headers"])
    return not signed and not scope.get("query_string") and _is_this_machine(scope)


def _is_for_console(scope: Scope) -> bool:
    return scope["type"] == "http" and (scope["path"] + "/").startswith(_HOME) and _is_this_machine(scope)


def _is_this_machine(scope: Scope) -> bool:
    hosts = [value.decode("latin-1").lower().partition(":")[0] for name, value in scope["headers"] if name == b"host"]
    return len(hosts) == 1 and hosts[0] in _HOSTS  # refuses DNS rebinding


def _respond(scope: Scope, settings: Callable[[], Mapping[str, Any] | None], files: Mapping[str, Path]) -> Response:
    method, path = scope["method"], scope["path"]
    name = path.removeprefix(_HOME) or "index.html"
    if method not in ("GET", "HEAD"):
        return _response(method, 405, allow="GET, HEAD")
    if path + "/" == _HOME:
        return _response(method, 307, location=_HOME)
    if name == "settings.json":
        return _settings(method, settings())
    if name in files:
        return _response(method, 200, files[name].read_bytes(), content_type=_TYPES[files[name].suffix])
    return _response(method, 404)


def _settings(method: str, known: Mapping[str, Any] | None) -> Response:
    public = _public(known) if known else {"message": _NOT_READY}
    return _response(method, 200 if known else 503, json.dumps(public).encode(), content_type="application/json")


def _public(known: Mapping[str, Any]) -> dict[str, Any]:
    public = {name: known[name] for name in _PUBLIC if name in known}
    company = known.get("company")
    if not company:
        return public
    providers = [company[kind]["provider"] for kind in ("saml", "oidc")]
    return {**public, "company": {"client_id": company["client_id"], "providers": providers}}


def _response(method: str, status: int, body: bytes = b"", **headers: str) -> Response:
    lines = {**headers, "content_length": str(len(body))}
    given = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in lines.items())
    return Response(status, b"" if method == "HEAD" else body, given)
