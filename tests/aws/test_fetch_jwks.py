"""The JWKS document is fetched from a real loopback server. Only RSA signing keys are used. Redirects are refused."""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from chalicelib.aws.jwks import JwksKeySource, fetch_jwks, parse_jwks
from chalicelib.core.errors import CannotDecide
from tests import mint
from tests.aws.certificates import authority, server_settings
from tests.fakes import Clock


def jwk(kid: str = mint.KID, **changes: Any) -> dict[str, Any]:
    """Returns a key as Cognito publishes it. A change to None removes the field."""
    entry = RSAAlgorithm.to_jwk(mint.private_key(kid).public_key(), as_dict=True)
    del entry["key_ops"]
    entry |= {"kid": kid, "use": "sig", "alg": "RS256", **changes}
    return {name: value for name, value in entry.items() if value is not None}


def written(*entries: Any) -> bytes:
    return json.dumps({"keys": entries}).encode()


Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def server(tls: ssl.SSLContext | None = None, /, **answers: Answer) -> Iterator[str]:
    """Serves responses by their paths. Yields the address, which is https with TLS settings."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers[self.path.strip("/")](self)

        def log_message(self, *_: Any) -> None:
            pass  # no log output in tests

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        address = f"http://127.0.0.1:{running.server_port}"
        if tls:
            running.socket = tls.wrap_socket(running.socket, server_side=True)
            address = f"https://localhost:{running.server_port}"
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield address
        finally:
            running.shutdown()
            thread.join()


def answers(status: int, body: bytes = b"", **headers: str) -> Answer:
    def respond(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return respond


def writes(text: bytes) -> Answer:
    """Writes exactly these bytes, valid HTTP or not."""

    def respond(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(text)

    return respond


GOOD = answers(200, written(jwk()))


def test_every_published_key_is_read_with_its_key_id() -> None:
    with server(jwks=answers(200, written(jwk("olympus-1"), jwk("olympus-2")))) as url:
        keys = fetch_jwks(f"{url}/jwks")
    assert {kid: key.public_numbers() for kid, key in keys.items()} == {
        kid: mint.private_key(kid).public_key().public_numbers() for kid in ("olympus-1", "olympus-2")
    }


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_the_jwks_endpoint_is_not_followed(status: int) -> None:
    asked: list[str] = []

    def elsewhere(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        GOOD(request)

    moved = answers(status, Location="/elsewhere")
    refused = pytest.raises(OSError, match=f"HTTP Error {status}")
    with server(jwks=moved, elsewhere=elsewhere) as url, refused:
        fetch_jwks(f"{url}/jwks")
    assert asked == []


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(answers(404), id="404"),
        pytest.param(answers(500, written(jwk())), id="500 with keys"),
        pytest.param(answers(200, b"<html>"), id="not JSON"),
        pytest.param(answers(200), id="an empty body"),
        pytest.param(answers(200, b"\xff"), id="bytes that are not UTF-8"),
        pytest.param(answers(200, b"[" * 50_000), id="deeply nested JSON"),
        pytest.param(answers(200, written()), id="no keys"),
        pytest.param(answers(200, written(jwk())[:-3]), id="a truncated document"),
        pytest.param(
            writes(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{}"), id="fewer bytes than Content-Length"
        ),
        pytest.param(writes(b"SSH-2.0-OpenSSH_9.6\r\n"), id="not HTTP"),
        pytest.param(writes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"), id="a truncated chunk"),
        pytest.param(writes(b""), id="a closed connection"),
    ],
)
def test_a_response_without_keys_is_an_outage_and_the_cached_keys_stay_in_use(answer: Answer) -> None:
    clock, turns = Clock(0), [GOOD, answer]
    with server(jwks=lambda request: turns.pop(0)(request)) as url:
        source = JwksKeySource(lambda: fetch_jwks(f"{url}/jwks"), now=clock)
        source.key(mint.KID)
        clock.advance(600)
        assert source.key(mint.KID).public_numbers() == mint.private_key().public_key().public_numbers()
        assert source.outage_seconds == 600


@pytest.fixture
def trusted_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process trusts one authority, as the operating system trusts those of AWS."""
    file = tmp_path / "authorities.pem"
    file.write_bytes(authority())
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


@pytest.mark.usefixtures("trusted_authority")
def test_the_keys_of_a_verified_server_are_read() -> None:
    with server(server_settings("localhost"), jwks=GOOD) as url:
        assert set(fetch_jwks(f"{url}/jwks")) == {mint.KID}


UNVERIFIED: dict[str, Callable[[], ssl.SSLContext]] = {
    "a certificate for another host": lambda: server_settings("cognito-idp.example.com"),
    "a certificate of an unknown authority": lambda: server_settings("localhost", issuer="Tartarus"),
    "an expired certificate": lambda: server_settings("localhost", expires=-timedelta(days=1)),
}


@pytest.mark.parametrize("settings_for", UNVERIFIED.values(), ids=UNVERIFIED.keys())
@pytest.mark.usefixtures("trusted_authority")
def test_a_server_that_is_not_verified_gives_no_key_and_gets_no_request(
    settings_for: Callable[[], ssl.SSLContext],
) -> None:
    asked: list[str] = []

    def forged(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        GOOD(request)

    with server(settings_for(), jwks=forged) as url, pytest.raises(CannotDecide) as failed:
        JwksKeySource(lambda: fetch_jwks(f"{url}/jwks")).key(mint.KID)
    assert (failed.value.code, asked) == ("keys_unreachable", [])
    assert "CERTIFICATE_VERIFY_FAILED" in str(failed.value.__cause__)


def test_a_refused_connection_is_an_outage() -> None:
    with server() as url:
        pass
    with pytest.raises(OSError, match="refused"):
        fetch_jwks(f"{url}/jwks")


def padded(size: int) -> bytes:
    document = written(jwk())
    return document + b" " * (size - len(document))


def test_a_jwks_document_of_64_kib_is_read_and_a_larger_one_is_refused() -> None:
    with server(fits=answers(200, padded(65_536)), large=answers(200, padded(65_537))) as url:
        assert set(fetch_jwks(f"{url}/fits")) == {mint.KID}
        with pytest.raises(ValueError, match="too large"):
            fetch_jwks(f"{url}/large")


def short_key() -> dict[str, Any]:
    breakable = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the test needs a weak key
    return jwk() | RSAAlgorithm.to_jwk(breakable.public_key(), as_dict=True)


def elliptic_key() -> dict[str, Any]:
    return {**ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True), "kid": "odd"}


UNUSABLE_KEYS = {
    "an elliptic curve": elliptic_key,
    "a shared secret": lambda: {"kty": "oct", "k": "AAAA", "kid": "odd", "alg": "RS256"},
    "1024 bits": lambda: short_key() | {"kid": "odd"},
    "a key that encrypts": lambda: jwk(kid="odd", use="enc"),
    "another algorithm": lambda: jwk(kid="odd", alg="RS512"),
    "a private key": lambda: RSAAlgorithm.to_jwk(mint.private_key("odd"), as_dict=True) | {"kid": "odd"},
    "a kid that is null": lambda: jwk() | {"kid": None},
    "a kid that is a number": lambda: jwk() | {"kid": 7},
    "no modulus": lambda: jwk(n=None) | {"kid": "odd"},
    "a modulus that is a number": lambda: jwk(n=7) | {"kid": "odd"},
    "a modulus that is not base64": lambda: jwk(n="!") | {"kid": "odd"},
    "no exponent": lambda: jwk(e=None) | {"kid": "odd"},
    "an even exponent": lambda: jwk(e="Ag") | {"kid": "odd"},
    "no key type": lambda: jwk(kty=None) | {"kid": "odd"},
    "a string": lambda: "odd",
    "null": lambda: None,
}


@pytest.mark.parametrize("make_entry", UNUSABLE_KEYS.values(), ids=UNUSABLE_KEYS.keys())
def test_a_key_that_cannot_sign_access_tokens_is_skipped(make_entry: Callable[[], object]) -> None:
    assert set(parse_jwks(written(make_entry(), jwk(), make_entry()))) == {mint.KID}


@pytest.mark.parametrize("make_entry", [elliptic_key, short_key], ids=["elliptic", "short"])
def test_a_jwks_document_without_a_usable_key_is_refused(make_entry: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="no RS256 key"):
        parse_jwks(written(make_entry()))


@pytest.mark.parametrize("document", [b"[]", b"null", b'{"keys": {}}', b'{"keys": null}', b'"keys"', b"{}"])
def test_a_jwks_document_without_a_list_of_keys_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match="no RS256 key"):
        parse_jwks(document)


@pytest.mark.parametrize("missing", ["use", "alg"])
def test_a_key_without_use_and_alg_is_accepted(missing: str) -> None:
    assert set(parse_jwks(written({field: value for field, value in jwk().items() if field != missing}))) == {mint.KID}
