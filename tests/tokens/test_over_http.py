"""Checks the function `judge`: tokens arrive as they were sent, and every status except 401 is reported."""

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from chalicelib.core.errors import TokenRejected
from tests.tokens.corpus import Hostile, corpus
from tests.tokens.over_http import is_sendable, judge, not_sendable
from tests.tokens.test_corpus import POOL, verifier

Send = Callable[[str], int]


@pytest.fixture(scope="module")
def hostile_tokens() -> list[Hostile]:
    return corpus(POOL)


@contextmanager
def server_of(arrived: list[str]) -> Iterator[Send]:
    """Runs a server that answers 200 to valid tokens and 401 to others. Yields a function that calls it."""
    verify = verifier()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            arrived.append(self.headers["Authorization"].removeprefix("Bearer "))
            try:
                verify(arrived[-1])
                self.send_response(200)
            except TokenRejected:
                self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)

        def send(authorization: str) -> int:
            connection.request("GET", "/", headers={"Authorization": authorization})
            with connection.getresponse() as response:
                response.read()
                return response.status

        try:
            yield send
        finally:
            connection.close()
            server.shutdown()


def test_every_sendable_token_of_the_corpus_arrives_unchanged_and_is_refused(hostile_tokens: list[Hostile]) -> None:
    arrived: list[str] = []
    with server_of(arrived) as send:
        assert send(f"Bearer {POOL.token()}") == 200
        assert judge(send, hostile_tokens) == []

    assert arrived[1:] == [hostile.token for hostile in hostile_tokens if is_sendable(hostile.token)]


@pytest.mark.parametrize("status", [200, 204, 302, 400, 403, 500])
def test_every_status_except_401_is_reported_for_every_token(status: int, hostile_tokens: list[Hostile]) -> None:
    reported = judge(lambda authorization: status, hostile_tokens)

    assert reported == [
        f"actual {status}, expected 401 ({hostile.code}): {hostile.description}"
        for hostile in hostile_tokens
        if is_sendable(hostile.token)
    ]


def test_a_closed_connection_is_reported_for_every_token(hostile_tokens: list[Hostile]) -> None:
    def close_connection(authorization: str) -> int:
        raise ConnectionResetError

    assert len(judge(close_connection, hostile_tokens)) == len(hostile_tokens) - len(not_sendable(hostile_tokens))


@pytest.mark.parametrize("token", ["", " ", "a ", "a\t", "a\n", "a\r\nX-Role: admin", "a\0", "\x7f", "é", "a" * 10_000])
def test_a_token_that_a_header_cannot_contain_is_not_sent(token: str) -> None:
    assert not is_sendable(token)


def test_more_than_nine_of_ten_tokens_of_the_corpus_can_be_sent(hostile_tokens: list[Hostile]) -> None:
    assert len(not_sendable(hostile_tokens)) < len(hostile_tokens) / 10
