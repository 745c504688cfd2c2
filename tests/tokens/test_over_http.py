"""Whether a corpus that was judged over HTTP was judged at all: what is sent arrives, and who lets it in is told on."""

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from chalicelib.core.errors import TokenRejected
from tests.tokens.corpus import Hostile, corpus
from tests.tokens.over_http import judge, left_at_home, travels
from tests.tokens.test_corpus import POOL, verifier

Send = Callable[[str], int]


@pytest.fixture(scope="module")
def hostiles() -> list[Hostile]:
    return corpus(POOL)


@contextmanager
def gate(arrived: list[str]) -> Iterator[Send]:
    """A server that answers good bearer tokens with 200 and others with 401, and the way to ask it."""
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


def test_the_corpus_arrives_as_it_was_sent_and_is_refused(hostiles: list[Hostile]) -> None:
    arrived: list[str] = []
    with gate(arrived) as send:
        assert send(f"Bearer {POOL.token()}") == 200
        assert judge(send, hostiles) == []

    assert arrived[1:] == [hostile.token for hostile in hostiles if travels(hostile.token)]


@pytest.mark.parametrize("status", [200, 204, 302, 400, 403, 500])
def test_whoever_answers_anything_but_401_is_told_on_for_every_token(status: int, hostiles: list[Hostile]) -> None:
    told = judge(lambda authorization: status, hostiles)

    assert told == [
        f"{status}, not 401 for {hostile.code}: {hostile.sentence}" for hostile in hostiles if travels(hostile.token)
    ]


def test_whoever_hangs_up_is_told_on(hostiles: list[Hostile]) -> None:
    def hang_up(authorization: str) -> int:
        raise ConnectionResetError

    assert len(judge(hang_up, hostiles)) == len(hostiles) - len(left_at_home(hostiles))


@pytest.mark.parametrize("token", ["", " ", "a ", "a\t", "a\n", "a\r\nX-Role: admin", "a\0", "\x7f", "é", "a" * 10_000])
def test_what_no_header_can_hold_stays_at_home(token: str) -> None:
    assert not travels(token)


def test_nine_tokens_of_ten_travel(hostiles: list[Hostile]) -> None:
    assert len(left_at_home(hostiles)) < len(hostiles) / 10
