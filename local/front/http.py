"""HTTP for the front: complete requests and responses, and their transport over ASGI."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Container, Mapping, MutableMapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class TooLarge(Exception):
    """The body of a request is larger than its limit."""


class Disconnected(Exception):
    """The client disconnected before its request was complete."""


@dataclass(frozen=True)
class Request:
    """One request. Reads its headers, query and form as ministack does."""

    scope: Scope
    body: bytes = b""

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    @property
    def raw_path(self) -> str:
        """Returns the path as received, percent-encoded."""
        return bytes(self.scope["raw_path"]).decode("latin-1")

    @cached_property
    def headers(self) -> dict[str, str]:
        return {name.decode("latin-1"): value.decode("utf-8", "replace") for name, value in self.scope["headers"]}

    @cached_property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(self.scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)

    @cached_property
    def form(self) -> dict[str, str]:
        return {k: v[0] for k, v in parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True).items()}

    @cached_property
    def cookies(self) -> dict[str, str]:
        """Returns the cookies. Of two with one name, the first counts: a browser sends the most specific path first."""
        pairs = [pair.strip().partition("=") for pair in self.header("cookie").split(";")]
        return {name: value for name, _, value in reversed(pairs)}

    @property
    def fields(self) -> dict[str, Any] | None:
        """Returns the members of a JSON body, or None if the body is not an object."""
        try:
            content = json.loads(self.body or b"{}")
        except (ValueError, RecursionError):
            return None
        return content if isinstance(content, dict) else None

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    def parameter(self, name: str) -> str:
        return self.query.get(name, [""])[0]

    def keeping(self, names: Container[str]) -> Request:
        """Returns the same request with these headers only."""
        retained = [(name, value) for name, value in self.scope["headers"] if name.decode("latin-1") in names]
        return Request({**self.scope, "headers": retained}, self.body)

    def undecoded(self) -> Request:
        """Returns the same request with its path as received."""
        return Request({**self.scope, "path": self.raw_path}, self.body)

    def dropping(self, prefix: str) -> Request:
        """Returns the same request without the headers that have this prefix."""
        return self.keeping([name for name in self.headers if not name.startswith(prefix)])


@dataclass(frozen=True)
class Response:
    """One complete response."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @classmethod
    def json(cls, status: int, content: dict[str, Any], **headers: str) -> Response:
        """Returns a JSON response. An underscore in the name of a header becomes a hyphen."""
        # As on AWS, a browser can read every response of a user pool from any origin, including errors.
        given = {"content_type": "application/json", "access_control_allow_origin": "*", **headers}
        lines = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in given.items())
        return cls(status, json.dumps(content).encode(), lines)

    @property
    def content(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    def header(self, name: str) -> str:
        return next((v.decode("latin-1") for k, v in self.headers if k.decode("latin-1").lower() == name), "")


Forward = Callable[[Request], Awaitable[Response]]


def code_of(response: Response) -> str:
    """Returns the authorization code of a redirect to an application, or an empty text."""
    return parse_qs(urlsplit(response.header("location")).query).get("code", [""])[-1]


def redirect(address: str, *headers: tuple[bytes, bytes]) -> Response:
    """Returns a redirect. The address is one of the pages, of a provider, or the exact address of a client."""
    return Response(302, b"", ((b"location", address.encode()), (b"cache-control", b"no-store"), *headers))


def with_query(address: str, parameters: Mapping[str, str]) -> str:
    """Returns an address with more parameters in its query."""
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(parameters)}"


def aws_error(code: str, message: str, status: int = 400) -> Response:
    """Returns an error in the form of AWS's JSON protocols."""
    return Response.json(
        status, {"__type": code, "message": message}, content_type="application/x-amz-json-1.1", x_amzn_errortype=code
    )


async def read(scope: Scope, receive: Receive, limit: int) -> Request:
    """Reads a complete request.

    Raises:  TooLarge, Disconnected
    """
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        size += len(message.get("body", b""))
        if size <= limit:
            chunks.append(message.get("body", b""))
        if size > 4 * limit:
            raise TooLarge
        more = message.get("more_body", False)
    if size > limit:
        raise TooLarge  # after the last chunk, because a client that is still sending would not read the response
    return Request(scope, b"".join(chunks))


async def call(app: App, request: Request) -> Response:
    """Calls an application and collects its response."""
    length = (b"content-length", str(len(request.body)).encode())
    headers = [h for h in request.scope["headers"] if h[0] not in (b"content-length", b"transfer-encoding")]
    coming: list[Message] = [{"type": "http.request", "body": request.body}]
    start: Message = {}
    chunks: list[bytes] = []

    async def receive() -> Message:
        return coming.pop() if coming else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            chunks.append(message.get("body", b""))

    await app({**request.scope, "headers": [*headers, length]}, receive, send)
    return Response(start["status"], b"".join(chunks), tuple(start["headers"]))


async def answer(send: Send, response: Response) -> None:
    """Sends a complete response."""
    headers = list(response.headers)
    # ministack sets both headers itself, for example the length in the response to a HEAD request.
    if not response.header("content-length"):
        headers.append((b"content-length", str(len(response.body)).encode()))
    if not response.header("date"):
        headers.append((b"date", formatdate(usegmt=True).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
