"""Servers on the loopback interface: one that answers as a test says, byte for byte, and one that is DynamoDB."""

from __future__ import annotations

import json
import socket
import ssl
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from botocore import xform_name
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.aws.botocore_signer import botocore_authorization
from tests.aws.tables import dynamodb_client

Turn = Callable[[socket.socket], bool | None]  # answers one request; returns whether the connection stays open
EMPTY = b'{"Responses":{},"UnprocessedKeys":{}}'


def reply(body: bytes = EMPTY, status: str = "200 OK", **headers: str) -> Turn:
    """Answers with a complete response. An argument such as `x_amz_crc32` replaces a header; "" removes it."""
    fields = {"content-length": str(len(body)), "x-amz-crc32": str(zlib.crc32(body))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return sends(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)


def error(name: str, status: str = "400 Bad Request") -> Turn:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{name}", "message": "the message"}
    return reply(json.dumps(body).encode(), status)


def sends(data: bytes, stays_open: bool = True) -> Turn:
    def turn(connection: socket.socket) -> bool:
        connection.sendall(data)
        return stays_open

    return turn


def closes(_: socket.socket) -> bool:
    return False


@dataclass
class Scripted:
    """What the server received. A connection counts when it is accepted, and a request when it is complete."""

    port: int
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def scripted(*turns: Turn, tls: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    """Answers the n-th request with the n-th turn, and closes the connection after the last one."""
    left = list(turns)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        seen = Scripted(listening.getsockname()[1])
        open_: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                seen.connections += 1
                with suppress(OSError):
                    open_.append(tls.wrap_socket(connection, server_side=True) if tls else connection)
                    serve(open_[-1])

        def serve(connection: socket.socket) -> None:
            with connection:
                while (request := _request(connection)) is not None:
                    seen.requests.append(request)
                    if not left or not left.pop(0)(connection):
                        return

        thread = Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            for connection in open_:
                with suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)  # without the farewell of TLS
            thread.join(10)


def _request(connection: socket.socket) -> bytes | None:
    """Reads one request. Returns None at the end of the connection."""
    received = b""
    while b"\r\n\r\n" not in received:
        if not (more := connection.recv(65_536)):
            return None
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    (length,) = [int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


@contextmanager
def dynamodb_over_http(
    access_key: str, secret_key: str, on_call: Callable[..., None] = lambda **_: None
) -> Iterator[str]:
    """Serves moto's DynamoDB, which must be active. Yields the address. botocore verifies the signatures.

    on_call  receives each call, as botocore's event `before-parameter-build` gives it
    """
    client = dynamodb_client()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            operation = self.headers["x-amz-target"].partition(".")[2]
            status, answer = 403, {"__type": "com.amazon.coral.service#InvalidSignatureException"}
            if self.headers["authorization"] == self._signature(body):
                arguments = json.loads(body)
                on_call(params=arguments, model=client.meta.service_model.operation_model(operation))
                status, answer = _called(client, operation, arguments)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.send_header("x-amz-crc32", str(zlib.crc32(text)))
            self.end_headers()
            self.wfile.write(text)

        def _signature(self, body: bytes) -> str:
            """Returns what botocore's signer writes for the signed headers of this request."""
            given = self.headers["authorization"]
            names = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
            request = AWSRequest("POST", f"http://{self.headers['host']}/", {n: self.headers[n] for n in names}, body)
            credentials, region = Credentials(access_key, secret_key), given.split("/")[2]
            return botocore_authorization(credentials, region, self.headers["x-amz-date"], request)

        def log_message(self, *_: Any) -> None:
            pass  # no log output in tests

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        running.block_on_close = False
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}"
        finally:
            running.shutdown()
            thread.join()


def _called(client: Any, operation: str, arguments: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    try:
        answer = getattr(client, xform_name(operation))(**arguments)
    except ClientError as refused:
        return 400, {"__type": f"com.amazonaws.dynamodb.v20120810#{refused.response['Error']['Code']}"}
    return 200, {name: value for name, value in answer.items() if name != "ResponseMetadata"}


@contextmanager
def dynamodb_settings() -> Iterator[dict[str, str]]:
    """Serves moto's DynamoDB, which must be active. Yields the variables with which the small reader finds it."""
    with dynamodb_over_http("test", "test") as url:
        yield {
            "AWS_ENDPOINT_URL_DYNAMODB": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
