"""The small reader trusts only a verified server, lets no caller choose a header, and reveals no credentials."""

from __future__ import annotations

import json
import socket
import ssl
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.connections import Timeouts, verifying
from chalicelib.aws.endpoint import Endpoint
from chalicelib.aws.items import ReadFailed
from chalicelib.aws.policy_reads import PolicyReads
from chalicelib.aws.reader import DynamoDBReader
from chalicelib.aws.signature import Credentials
from chalicelib.core.errors import CannotDecide, InternalError
from tests.aws.certificates import authority, server_settings
from tests.aws.loopback import Scripted, Turn, error, reply, scripted
from tests.aws.readers import CREDENTIALS, TIMEOUTS, reader, reader_at
from tests.strategies import repeatable

GOOD = reply()


# --- the server ---


def tls_reader(port: int, bundle: Path | None, timeouts: Timeouts = TIMEOUTS) -> DynamoDBReader:
    verify = partial(verifying, str(bundle) if bundle else None)
    return reader(Endpoint(True, "localhost", port, "mars-west-1"), verify=verify, timeouts=timeouts)


def ask(asked: DynamoDBReader) -> Any:
    return asked.batch_get_item(RequestItems={})


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    file = tmp_path / "authorities.pem"
    file.write_bytes(authority())
    return file


def test_a_verified_server_is_read_over_one_connection(bundle: Path) -> None:
    with scripted(GOOD, GOOD, tls=server_settings("localhost")) as server:
        reader = tls_reader(server.port, bundle)
        ask(reader)
        ask(reader)
        assert server.connections == 1


UNVERIFIED: dict[str, Callable[[], ssl.SSLContext]] = {
    "a certificate for another host": lambda: server_settings("dynamodb.example.com"),
    "a certificate of an unknown authority": lambda: server_settings("localhost", issuer="Tartarus"),
    "a certificate that it issued itself": lambda: server_settings("localhost", issuer="localhost"),
    "an expired certificate": lambda: server_settings("localhost", expires=-timedelta(days=1)),
}


@pytest.mark.parametrize("settings_for", UNVERIFIED.values(), ids=UNVERIFIED.keys())
def test_a_server_that_is_not_verified_gets_no_request(
    bundle: Path, settings_for: Callable[[], ssl.SSLContext]
) -> None:
    with scripted(GOOD, GOOD, tls=settings_for()) as server:
        with pytest.raises(ReadFailed, match="SSLCertVerificationError"):
            ask(tls_reader(server.port, bundle))
        assert server.requests == []


def test_an_authority_is_trusted_only_if_the_bundle_contains_it(bundle: Path) -> None:
    with scripted(GOOD, GOOD, tls=server_settings("localhost")) as server:
        with pytest.raises(ReadFailed, match="SSLCertVerificationError"):
            ask(tls_reader(server.port, bundle=None))
        assert server.requests == []


def test_a_folder_can_be_the_bundle(tmp_path: Path) -> None:
    with scripted(GOOD, tls=server_settings("localhost")) as server:
        with pytest.raises(ReadFailed, match="SSLCertVerificationError"):
            ask(tls_reader(server.port, tmp_path))  # an empty folder trusts nobody
        assert server.requests == []
    assert verifying(str(tmp_path)).get_ca_certs() == []


def test_a_missing_bundle_is_not_replaced_by_another(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        tls_reader(443, tmp_path / "missing.pem")


def test_a_server_without_tls_gets_no_request(bundle: Path) -> None:
    with scripted(GOOD, GOOD) as server, pytest.raises(ReadFailed):
        ask(tls_reader(server.port, bundle, Timeouts(0.1, 0.1)))
    assert server.requests == []


def test_tls_always_verifies_the_certificate_and_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    settings = verifying()
    assert (settings.verify_mode, settings.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert settings.minimum_version >= ssl.TLSVersion.TLSv1_2


# --- the request ---

HEADERS = {
    *(b"accept-encoding", b"authorization", b"content-length", b"content-type", b"host", b"x-amz-date"),
    *(b"x-amz-security-token", b"x-amz-target"),
}
EVIL = "\r\nx-evil: 1\r\n\r\nGET / HTTP/1.1"


@pytest.fixture(scope="module")
def endless() -> Iterator[tuple[Scripted, DynamoDBReader]]:
    with scripted(*[GOOD] * 10_000) as server:
        yield server, reader_at(server.port)


@repeatable
@given(table=st.text() | st.just(EVIL), key=st.text() | st.just(EVIL))
def test_no_table_and_no_key_changes_the_headers(
    endless: tuple[Scripted, DynamoDBReader], table: str, key: str
) -> None:
    server, reader = endless
    before = len(server.requests)
    keys = [{"id": {"S": key}}]
    reader.batch_get_item(RequestItems={table: {"Keys": keys}})
    reader.get_item(TableName=table, Key=keys[0], ConsistentRead=True)
    batch, single = server.requests[before:]
    for request in (batch, single):
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        assert first == b"POST / HTTP/1.1"
        assert sorted(line.partition(b":")[0].lower() for line in lines) == sorted(HEADERS)
        assert body.isascii()
    assert json.loads(batch.partition(b"\r\n\r\n")[2]) == {"RequestItems": {table: {"Keys": keys}}}
    assert json.loads(single.partition(b"\r\n\r\n")[2])["Key"] == keys[0]


@pytest.mark.parametrize("field", ["access_key_id", "secret_access_key", "session_token"])
def test_credentials_with_a_line_break_send_no_request(field: str) -> None:
    values = {"access_key_id": "AKID", "secret_access_key": "secret", "session_token": "token"}
    with scripted(GOOD) as server:
        with pytest.raises(InternalError, match="not printable"):
            ask(reader_at(server.port, credentials=lambda: Credentials(**{**values, field: f"hidden{EVIL}"})))
        assert server.connections == 0


# --- what is revealed ---


def echoes(connection: socket.socket) -> bool:
    """Sends the secrets back where a client could repeat them: as the status line of a response."""
    connection.sendall(b"%s %s\r\n\r\n" % (PARTS[1], PARTS[2]))
    return False


PARTS = [
    CREDENTIALS.access_key_id.encode(),
    CREDENTIALS.secret_access_key.encode(),
    (CREDENTIALS.session_token or "").encode(),
]
ECHOES: dict[str, Turn] = {
    "as the status line": echoes,
    "as the name of the error": error(f"{PARTS[0].decode()}{PARTS[2].decode()}"),
    "as the message": reply(json.dumps({"__type": "x#ValidationException", "message": str(PARTS)}).encode(), "400 Bad"),
    "as no JSON": reply(b" ".join(PARTS)),
    "as the reason of the status": reply(b"", f"400 {PARTS[2].decode()}"),
    "as a header": reply(b"", location=PARTS[2].decode()),
    "as the length": reply(b"", content_length=PARTS[2].decode()),
}


@pytest.mark.parametrize("turn", ECHOES.values(), ids=ECHOES.keys())
def test_a_failure_does_not_repeat_what_the_server_sent(turn: Turn) -> None:
    with scripted(turn, turn) as server, pytest.raises(CannotDecide) as failed:
        PolicyReads(reader_at(server.port), "policies").read(["group:clerks"])
    written = "".join(traceback.format_exception(failed.value))
    assert not [part for part in PARTS if part.decode() in written]
    assert failed.value.code == "policies_unreachable"
