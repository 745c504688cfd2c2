"""A proxy between a function and the cloud. It forwards calls, fails, blocks or changes the response."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import requests

Answer = tuple[int, bytes]  # status and body
Behavior = Callable[
    [str, Callable[[], Answer]], Answer
]  # operation, and the function that makes the call → the response


def forward(_operation: str, call: Callable[[], Answer]) -> Answer:
    return call()


def throttled(_operation: str, _call: Callable[[], Answer]) -> Answer:
    fault = {
        "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "message": "slow down",
    }
    return 400, json.dumps(fault).encode()


def broken(_operation: str, _call: Callable[[], Answer]) -> Answer:
    return 500, b'{"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError", "message": "not today"}'


def incomplete(operation: str, call: Callable[[], Answer]) -> Answer:
    """Leaves all keys unprocessed except the first."""
    status, body = call()
    if operation != "BatchGetItem" or status != 200:
        return status, body
    answer = json.loads(body)
    for table, items in answer["Responses"].items():
        left = [{key: item[key] for key in ("id", "subject") if key in item} for item in items] or [{"id": {"S": "x"}}]
        answer["Responses"][table] = items[:1]
        answer["UnprocessedKeys"][table] = {"Keys": left, "ConsistentRead": True}
    return 200, json.dumps(answer).encode()


@dataclass
class Proxy:
    """The address of the proxy, its current behavior, and the operations that it received."""

    url: str
    behavior: Behavior = forward
    calls: list[str] = field(default_factory=list)
    released: Event = field(default_factory=Event)

    def blocked(self, _operation: str, call: Callable[[], Answer]) -> Answer:
        """Blocks every call until released."""
        self.released.wait(60)
        return call()


@contextmanager
def proxy_to(cloud_url: str) -> Iterator[Proxy]:
    """Starts a proxy on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            proxy.calls.append(operation)

            def call() -> Answer:
                # Forwards all headers, including Host, because the function signed them.
                answer = requests.post(cloud_url + self.path, data=body, headers=dict(self.headers), timeout=30)
                return answer.status_code, answer.content

            status, content = proxy.behavior(operation, call)
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                pass  # the function closed the connection

        def log_message(self, *_: Any) -> None:
            """Logs nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = Proxy(f"http://localhost:{server.server_address[1]}")
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.released.set()
        server.shutdown()
        server.server_close()
