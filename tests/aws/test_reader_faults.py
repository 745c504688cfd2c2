"""The small reader against a real server on the loopback interface that fails in every way a network can."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from itertools import count
from threading import Event
from typing import Any

import pytest

from chalicelib.aws.connections import Connections, Timeouts
from chalicelib.aws.items import ReadFailed
from chalicelib.aws.reader import DynamoDBReader
from chalicelib.aws.signature import Credentials
from tests.aws.loopback import EMPTY, Turn, closes, error, reply, scripted, sends
from tests.aws.readers import reader_at

GOOD = reply()
NOTHING: dict[str, Any] = {"Responses": {}, "UnprocessedKeys": {}}
HEAD = b"HTTP/1.1 200 OK\r\n"


def ask(reader: DynamoDBReader) -> Any:
    return reader.batch_get_item(RequestItems={"table": {"Keys": [{"id": {"S": "a"}}]}})


def failure(reader: DynamoDBReader) -> str:
    with pytest.raises(ReadFailed) as failed:
        ask(reader)
    return str(failed.value)


# --- the connection ---


def test_requests_share_a_connection() -> None:
    with scripted(GOOD, GOOD, GOOD) as server:
        reader = reader_at(server.port)
        for _ in range(3):
            assert ask(reader) == NOTHING
        assert (server.connections, len(server.requests)) == (1, 3)


def test_a_connection_that_the_server_closed_meanwhile_is_replaced_without_a_failed_attempt() -> None:
    closed: list[socket.socket] = []

    def closes_after_the_response(connection: socket.socket) -> bool:
        GOOD(connection)
        closed.append(connection)
        return False

    with scripted(closes_after_the_response, GOOD) as server:
        reader = reader_at(server.port, attempts=1)
        ask(reader)
        wait_for_the_end(reader)
        assert ask(reader) == NOTHING
        assert (server.connections, len(server.requests)) == (2, 2)


def test_an_idle_connection_that_the_server_closes_at_the_next_request_costs_no_attempt() -> None:
    """As after a freeze of the Lambda, during which the end of the connection was lost."""
    with scripted(GOOD, closes, GOOD) as server:
        reader = reader_at(server.port, attempts=1)
        ask(reader)
        assert ask(reader) == NOTHING
        assert (server.connections, len(server.requests)) == (2, 3)


def test_a_response_that_is_cut_short_on_an_idle_connection_is_a_failed_attempt() -> None:
    with scripted(GOOD, sends(HEAD + b"Content-Length: 37\r\n\r\n{", stays_open=False), GOOD) as server:
        reader = reader_at(server.port, attempts=1)
        ask(reader)
        assert failure(reader) == "IncompleteRead"
        assert len(server.requests) == 2


def idle(reader: DynamoDBReader) -> list[Any]:
    """Returns the idle connections."""
    assert isinstance(reader._http, Connections)
    return list(reader._http._idle)


def wait_for_the_end(reader: DynamoDBReader) -> None:
    """Waits until the end of the idle connection, or unrequested input, has arrived."""
    (connection,) = idle(reader)
    connection.timed._poll.poll(10_000)


def test_a_connection_that_the_server_says_it_will_close_is_not_used_again() -> None:
    with scripted(reply(connection="close"), GOOD) as server:
        reader = reader_at(server.port, attempts=1)
        assert ask(reader) == NOTHING
        assert not idle(reader), "a closed socket's number can belong to another file"
        assert ask(reader) == NOTHING
        assert server.connections == 2


FORGED = b'{"Responses":{"table":[{"id":{"S":"forged"}}]},"UnprocessedKeys":{}}'
INJECTED = HEAD + b"Content-Length: %d\r\n\r\n" % len(FORGED) + FORGED


def test_bytes_that_nobody_asked_for_are_never_the_response_to_the_next_request() -> None:
    asked = Event()

    def two_responses(connection: socket.socket) -> bool:
        GOOD(connection)
        assert asked.wait(10)
        connection.sendall(INJECTED)
        return True

    with scripted(two_responses, GOOD) as server:
        reader = reader_at(server.port, attempts=1)
        ask(reader)
        asked.set()
        wait_for_the_end(reader)
        assert ask(reader) == NOTHING


def test_a_second_response_in_the_same_packet_is_never_the_response_to_the_next_request() -> None:
    whole = HEAD + b"Content-Length: %d\r\n\r\n" % len(EMPTY) + EMPTY
    with scripted(sends(whole + INJECTED), GOOD) as server:
        reader = reader_at(server.port, attempts=1)
        assert ask(reader) == ask(reader) == NOTHING


@pytest.mark.parametrize("cut", [b"", b"HTT", HEAD, HEAD + b"Content-Length: 37\r\n\r\n" + EMPTY[:20]])
def test_a_response_that_is_cut_short_is_asked_for_again_on_a_new_connection(cut: bytes) -> None:
    with scripted(sends(cut, stays_open=False), GOOD) as server:
        assert ask(reader_at(server.port)) == NOTHING
        assert (server.connections, len(server.requests)) == (2, 2)


def test_a_server_that_always_closes_is_asked_twice() -> None:
    with scripted(*[closes] * 5) as server:
        assert failure(reader_at(server.port)) == "RemoteDisconnected"
        assert len(server.requests) == 2


def test_a_reader_with_one_attempt_asks_once() -> None:
    with scripted(closes, GOOD) as server:
        assert failure(reader_at(server.port, attempts=1)) == "RemoteDisconnected"
        assert len(server.requests) == 1


def test_a_refused_connection_is_a_failure() -> None:
    with scripted() as server:
        pass
    assert failure(reader_at(server.port)) == "ConnectionRefusedError"


def test_after_a_failure_the_next_read_starts_anew() -> None:
    with scripted(closes, closes, GOOD) as server:
        reader = reader_at(server.port)
        failure(reader)
        assert ask(reader) == NOTHING


# --- time ---


def silent(connection: socket.socket) -> bool:
    return not connection.recv(1)  # until the other side gives up


def test_a_server_that_does_not_respond_is_a_failure_within_the_time() -> None:
    with scripted(silent, silent) as server:
        assert failure(reader_at(server.port, timeouts=Timeouts(5, 0.05))) == "TimeoutError"


@pytest.mark.parametrize("begun", [b"", HEAD + b"x-slow: ", HEAD + b"Content-Length: 9999999\r\n\r\n"])
def test_a_server_that_sends_byte_by_byte_cannot_extend_the_time(begun: bytes) -> None:
    """The clock advances with each read, so the outcome does not depend on the speed of this machine."""

    def drips(connection: socket.socket) -> bool:
        with suppress(OSError):
            connection.sendall(begun)
            while True:
                connection.sendall(b"x")
        return False

    time = count(step=0.01)
    with scripted(drips) as server:
        reader = reader_at(server.port, timeouts=Timeouts(5, 0.1), attempts=1, now=lambda: next(time))
        assert failure(reader) == "TimeoutError"


def test_a_server_that_does_not_accept_is_a_failure_within_the_time() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.create_connection(full.getsockname()):
        reader = reader_at(full.getsockname()[1], timeouts=Timeouts(0.05, 0.05))
        assert failure(reader) == "TimeoutError"


def test_a_connection_that_ends_late_leaves_its_replacement_only_the_rest_of_the_time() -> None:
    clock = [0.0]

    def ends_late(_: socket.socket) -> bool:
        clock[0] += 1.5
        return False

    with scripted(GOOD, ends_late, GOOD) as server:
        reader = reader_at(server.port, timeouts=Timeouts(5, 1), attempts=1, now=lambda: clock[0])
        ask(reader)
        assert failure(reader) == "TimeoutError"
        assert len(server.requests) == 2


@pytest.mark.parametrize(("second", "requests"), [(0.4, 2), (0.6, 1)])
def test_only_an_early_failure_is_repeated(second: float, requests: int) -> None:
    times = iter([0.0, second])
    with scripted(error("ThrottlingException"), GOOD) as server:
        with suppress(ReadFailed):
            ask(reader_at(server.port, elapsed=lambda: next(times)))
        assert len(server.requests) == requests


# --- errors by name ---


@pytest.mark.parametrize(
    "turn",
    [
        pytest.param(error("ThrottlingException"), id="ThrottlingException"),
        pytest.param(error("ProvisionedThroughputExceededException"), id="ProvisionedThroughputExceededException"),
        pytest.param(error("RequestLimitExceeded"), id="RequestLimitExceeded"),
        pytest.param(error("InternalServerError", "500 Internal Server Error"), id="InternalServerError"),
        *(
            pytest.param(reply(b"<html>", f"{status} Bad"), id=f"{status} without JSON")
            for status in (500, 502, 503, 504)
        ),
    ],
)
def test_a_temporary_failure_is_repeated_once_after_a_pause(turn: Turn) -> None:
    pauses: list[float] = []
    with scripted(turn, GOOD) as server:
        assert ask(reader_at(server.port, sleep=pauses.append, jitter=lambda: 0.25)) == NOTHING
        assert pauses == [0.025]
        assert server.connections == 1
    with scripted(*[turn] * 5) as server:
        failure(reader_at(server.port))
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "name",
    [
        *("AccessDeniedException", "ExpiredTokenException", "IncompleteSignatureException"),
        *("InvalidSignatureException", "ResourceNotFoundException", "UnrecognizedClientException"),
        *("ValidationException", "SerializationException"),
    ],
)
def test_another_error_is_named_and_not_repeated(name: str) -> None:
    with scripted(error(name), GOOD) as server:
        assert failure(reader_at(server.port)) == name
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"__type":"com.amazon.coral.validate#ValidationException"}', "ValidationException"),
        (b'{"__type":"AccessDeniedException"}', "AccessDeniedException"),
        (b'{"__type":"made up"}', "HTTP 400"),
        (b'{"__type":7}', "HTTP 400"),
        (b"[]", "HTTP 400"),
        (b"", "HTTP 400"),
    ],
)
def test_the_name_of_an_error_has_a_known_form_or_is_the_status(body: bytes, name: str) -> None:
    with scripted(reply(body, "400 Bad Request")) as server:
        assert failure(reader_at(server.port)) == name


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with scripted(GOOD) as elsewhere:
        moved = reply(b"", f"{status} Moved", location=f"http://127.0.0.1:{elsewhere.port}/")
        with scripted(moved) as server:
            assert failure(reader_at(server.port)) == f"HTTP {status}"
        assert elsewhere.connections == 0


# --- responses that must not be believed ---

UNBELIEVABLE: dict[str, Turn] = {
    "a wrong checksum": reply(x_amz_crc32="1"),
    "a checksum that is no number": reply(x_amz_crc32="none"),
    "a changed body": reply(b'{"Responses":{},"UnprocessedKeys":{}} ', x_amz_crc32="2745614147"),
    "less than announced": sends(HEAD + b"Content-Length: 99\r\n\r\n" + EMPTY, stays_open=False),
    "more than announced": reply(content_length=str(len(EMPTY) - 1)),
    "no length": sends(HEAD + b"\r\n" + EMPTY, stays_open=False),
    "a negative length": sends(HEAD + b"Content-Length: -1\r\n\r\n" + EMPTY, stays_open=False),
    "a length that is no number": sends(HEAD + b"Content-Length: ten\r\n\r\n" + EMPTY, stays_open=False),
    "a length above every batch": reply(content_length=str(10**12)),
    "a chunk cut short": sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{", stays_open=False),
    "a chunk of a size that is no number": sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    "no JSON": reply(b"<html>"),
    "nothing": reply(b""),
    "a list": reply(b"[]"),
    "a nesting without end": reply(b"[" * 100_000),
    "bytes that are no text": reply(b"\xff\xfe"),
    "compressed": reply(b"\x1f\x8b\x08\x00", content_encoding="gzip"),
    "another protocol": sends(b"SSH-2.0-OpenSSH_9.6\r\n", stays_open=False),
    "too many headers": sends(HEAD + b"x: y\r\n" * 200 + b"\r\n", stays_open=False),
    "a header without end": sends(HEAD + b"x: " + b"y" * 70_000, stays_open=False),
    "no responses": reply(b'{"UnprocessedKeys":{}}'),
    "no list of unprocessed keys": reply(b'{"Responses":{}}'),
    "responses that are no map": reply(b'{"Responses":[],"UnprocessedKeys":{}}'),
    "a status without a body": reply(b"", "204 No Content"),
    "the body of an error with status 200": reply(b'{"__type":"x#ThrottlingException"}'),
}


@pytest.mark.parametrize("turn", UNBELIEVABLE.values(), ids=UNBELIEVABLE.keys())
def test_a_response_that_is_not_whole_and_right_is_a_failure(turn: Turn) -> None:
    with scripted(*[turn] * 2) as server:
        failure(reader_at(server.port))


@pytest.mark.parametrize(
    "turn",
    [
        pytest.param(reply(x_amz_crc32=""), id="no checksum"),
        pytest.param(
            sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(EMPTY), EMPTY)), id="chunked"
        ),
        pytest.param(sends(b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: 37\r\n\r\n" + EMPTY), id="100"),
    ],
)
def test_a_whole_response_in_another_form_is_accepted(turn: Turn) -> None:
    with scripted(turn, GOOD) as server:
        reader = reader_at(server.port, attempts=1)
        assert ask(reader) == ask(reader) == NOTHING
        assert server.connections == 1


def test_a_wrong_checksum_is_asked_for_again() -> None:
    with scripted(reply(x_amz_crc32="1"), GOOD) as server:
        assert ask(reader_at(server.port)) == NOTHING


# --- the credentials ---


def test_each_request_carries_the_current_credentials() -> None:
    current = [Credentials("AKIDBEFORE", "secret", "token-before"), Credentials("AKIDAFTER", "secret", "token-after")]
    with scripted(error("ThrottlingException"), GOOD) as server:
        ask(reader_at(server.port, credentials=lambda: current.pop(0)))
        before, after = server.requests
    assert [b"AKIDBEFORE" in before, b"token-before" in before] == [True, True]
    assert [b"AKIDAFTER" in after, b"token-after" in after] == [True, True]


def test_the_item_of_a_key_is_read_with_strong_consistency_as_asked() -> None:
    item = {"sub": {"S": "clerk"}}
    with scripted(reply(json.dumps({"Item": item}).encode()), reply(b"{}")) as server:
        reader = reader_at(server.port)
        answers = [reader.get_item(TableName="ledger", Key=item, ConsistentRead=True) for _ in range(2)]
        assert answers == [{"Item": item}, {}]
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert b"x-amz-target: DynamoDB_20120810.GetItem" in head
    assert json.loads(body) == {"TableName": "ledger", "Key": item, "ConsistentRead": True}
