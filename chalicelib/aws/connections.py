"""Sends POST requests to one server over kept-alive HTTP connections.

It uses no proxy, follows no redirect, and accepts only complete responses. Every connection verifies the
certificate and the name of the server. Only an endpoint on the loopback interface can be without TLS.
"""

import io
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple

from chalicelib.aws.endpoint import Endpoint

_MAX_BODY_BYTES = 17 * 1024 * 1024  # a batch of DynamoDB has at most 16 MB
_IDLE_CONNECTIONS = 4
_FAILURES = (OSError, HTTPException)
_CLOSED = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)  # by the server, without a response


class NoResponse(Exception):
    """There was no complete response. The text names the kind of failure, and nothing of the request or response."""


class Response(NamedTuple):
    status: int
    crc32: str | None  # the checksum of the body, as DynamoDB sends it
    body: bytes


class Timeouts(NamedTuple):
    """Seconds.

    connect   for the connection, and again for the TLS handshake
    response  for sending the request and receiving the whole response, however slowly it arrives
    """

    connect: float
    response: float


class _Connection(NamedTuple):
    http: HTTPConnection
    timed: "_TimedSocket"


class Connections:
    """Sends requests to one server. Threads can share it; each request has a connection of its own.

    verify  returns the TLS settings; see `verifying`
    now     returns seconds of a monotonic clock
    """

    def __init__(
        self,
        endpoint: Endpoint,
        verify: Callable[[], ssl.SSLContext],
        timeouts: Timeouts,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint
        self._tls = verify() if endpoint.is_tls else None
        self._timeouts = timeouts
        self._now = now
        self._idle: deque[_Connection] = deque(maxlen=_IDLE_CONNECTIONS)  # both ends are safe for threads

    def post(self, headers: Mapping[str, str], body: bytes) -> Response:
        """Raises NoResponse. Takes at most the response timeout and two connect timeouts."""
        idle, deadline = self._usable(), self._deadline()
        if idle:
            try:
                return self._send(idle, headers, body, deadline)
            except _CLOSED:  # perhaps while the process was frozen; the server can be healthy
                pass
            except _FAILURES as error:
                raise NoResponse(type(error).__name__) from None
        try:
            new = self._new()
            return self._send(new, headers, body, deadline if idle else self._deadline())
        except _FAILURES as error:
            # Without the original error: its text can repeat what the peer sent.
            raise NoResponse(type(error).__name__) from None

    def _deadline(self) -> float:
        return self._now() + self._timeouts.response

    def _send(self, connection: _Connection, headers: Mapping[str, str], body: bytes, deadline: float) -> Response:
        connection.timed.deadline = deadline
        try:
            response = self._exchange(connection, headers, body)
        except BaseException:
            connection.http.close()
            raise
        if connection.http.sock is not None:  # the server keeps the connection open
            self._idle.append(connection)
        return response

    def _usable(self) -> _Connection | None:
        """Returns an idle connection. Closes those that the server closed, or on which it sent unrequested bytes."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                return None
            if not connection.timed.has_input():
                return connection
            connection.http.close()
        return None

    def _new(self) -> _Connection:
        host, port, timeout = self._endpoint.host, self._endpoint.port, self._timeouts.connect
        http = (
            HTTPSConnection(host, port, timeout=timeout, context=self._tls)
            if self._tls
            else HTTPConnection(host, port, timeout=timeout)
        )
        try:
            http.connect()
        except OSError:
            http.close()
            raise
        timed = _TimedSocket(http.sock, self._now)
        http.sock = timed
        return _Connection(http, timed)

    def _exchange(self, connection: _Connection, headers: Mapping[str, str], body: bytes) -> Response:
        connection.http.request("POST", "/", body, dict(headers))
        with connection.http.getresponse() as response:
            return Response(response.status, response.headers.get("x-amz-crc32"), _whole_body(response))


def verifying(ca_bundle: str | None = None) -> ssl.SSLContext:
    """Returns TLS settings that verify the certificate and the name of the server.

    ca_bundle  a file or a folder of certificates to trust instead of the system's
    """
    if ca_bundle and Path(ca_bundle).is_dir():
        return ssl.create_default_context(capath=ca_bundle)
    return ssl.create_default_context(cafile=ca_bundle or None)


def _whole_body(response: HTTPResponse) -> bytes:
    if response.length is None and not response.chunked:
        raise HTTPException("a body that ends with the connection can be cut short")
    if response.length is not None and response.length > _MAX_BODY_BYTES:
        raise HTTPException("the body is too large")
    body = response.read() if response.length is not None else response.read(_MAX_BODY_BYTES + 1)
    if len(body) > _MAX_BODY_BYTES:
        raise HTTPException("the body is too large")
    return body


class _TimedSocket:
    """A connected socket that sends a request in one piece, when its response is asked for.

    All operations until the deadline share the time, so a slow peer cannot extend it.
    """

    def __init__(self, connected: socket.socket, now: Callable[[], float]) -> None:
        self._socket = connected
        self._now = now
        self._poll = select.poll()
        self._poll.register(connected, select.POLLIN)
        self._request = b""
        self.deadline = 0.0

    def arm(self) -> None:
        remaining = self.deadline - self._now()
        if remaining <= 0:
            raise TimeoutError
        self._socket.settimeout(remaining)

    def sendall(self, data: bytes) -> None:
        self._request += data  # http.client gives the headers and the body one after the other

    def has_input(self) -> bool:
        """Returns whether there is something to read: data, or the end of the connection."""
        return bool(self._poll.poll(0)) or (isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0)

    def makefile(self, _mode: str) -> io.BufferedReader:
        self.arm()
        self._socket.sendall(self._request)
        self._request = b""
        # The file keeps the socket open after `close`, which http.client calls before it reads a last response.
        return io.BufferedReader(_TimedFile(self._socket.makefile("rb", buffering=0), self))

    def close(self) -> None:
        self._socket.close()


class _TimedFile(io.RawIOBase):
    def __init__(self, file: Any, timed: _TimedSocket) -> None:
        self._file = file
        self._timed = timed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._timed.arm()
        received: int | None = self._file.readinto(buffer)
        return received

    def close(self) -> None:
        self._file.close()
        super().close()
