"""DynamoDB, Cognito and the keys of a user pool on the loopback interface, in a process of their own.

Their processor time does not count, because another process measures. They speak TLS like AWS, except for the keys, and
answer at once. `python -m benchmarks.services CERTIFICATE` serves and prints the two ports.
"""

import json
import os
import ssl
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from benchmarks import tokens
from benchmarks.ours import own_reports
from chalicelib.core.policy_json import to_json

STATE, POLICIES, ONBOARDING, AUDIT, SAMPLE = "state", "policies", "onboarding", "audit", "sample"
KNOWN = "known"  # the subject of a user who has an entry in the onboarding ledger


@contextmanager
def running() -> Iterator[Mapping[str, str]]:
    """Yields the environment variables with which a function finds the services."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "localhost.pem")
        file.write_bytes(_certificate())
        command = [sys.executable, "-m", "benchmarks.services", str(file)]
        with subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "JWKS": _jwks()}
        ) as process:
            assert process.stdout
            aws, keys = process.stdout.readline().split()
            try:
                yield _environ(aws, keys, file)
            finally:
                process.kill()


def _environ(aws: str, keys: str, certificate: Path) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "AKIDBENCHMARK",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_SESSION_TOKEN": "n" * 900,  # as long as one of Lambda
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": f"https://localhost:{aws}",
        "AWS_CA_BUNDLE": str(certificate),
        "JWKS_URL": f"http://127.0.0.1:{keys}/jwks",
        "ISSUER": tokens.ISSUER,
        "CLIENT_IDS": tokens.CLIENT,
        "STATE_TABLE": STATE,
        "POLICY_TABLE": POLICIES,
        "ONBOARDING_TABLE": ONBOARDING,
        "AUDIT_TABLE": AUDIT,
        "SAMPLE_TABLE": SAMPLE,
    }


def _answer(operation: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    if operation == "BatchGetItem":
        ((table, asked),) = given["RequestItems"].items()
        items = (
            [{"id": {"S": "generation"}, "n": {"N": "1"}}]
            if table == STATE
            else [policy_item(key["subject"]["S"]) for key in asked["Keys"]]
        )
        return {"Responses": {table: items}, "UnprocessedKeys": {}}
    if operation == "GetItem":
        return {"Item": given["Key"]} if given["Key"]["sub"]["S"] == KNOWN else {}
    answers: dict[str, Mapping[str, Any]] = {
        "Query": {"Items": [], "Count": 0, "ScannedCount": 0},
        "UpdateItem": {"Attributes": {"n": {"N": "2"}}},
        "PutItem": {},
        "AdminAddUserToGroup": {},
    }
    return answers[operation]


def policy_item(subject: str) -> dict[str, Any]:
    return {
        "subject": {"S": subject},
        "version": {"N": "1"},
        "statements": {"S": to_json(own_reports(subject))},
        "updated_by": {"S": "the mint"},
        "updated_at": {"S": "2027-01-15T08:00:00+00:00"},
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet for each response

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        answer = _answer(self.headers["x-amz-target"].partition(".")[2], json.loads(body))
        self._send(json.dumps(answer).encode(), "application/x-amz-json-1.0")

    def do_GET(self) -> None:
        self._send(os.environ["JWKS"].encode(), "application/json")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-amz-crc32", str(zlib.crc32(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: Any) -> None: ...


def _serve(certificate: str) -> None:
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _Handler) for _ in range(2)]
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings.load_cert_chain(certificate)
    # The handshake runs in the thread of the connection, at its first read.
    servers[0].socket = settings.wrap_socket(servers[0].socket, server_side=True, do_handshake_on_connect=False)
    for server in servers:
        Thread(target=server.serve_forever, daemon=True).start()
    print(*(server.server_port for server in servers), flush=True)
    sys.stdin.read()  # until the parent ends


def _jwks() -> str:
    return json.dumps(tokens.JWKS)


def _certificate() -> bytes:
    """Returns a key and a certificate for localhost that it issued itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


if __name__ == "__main__":
    _serve(sys.argv[1])
