"""A company with an OIDC provider in the test process. It can state anything, and sign it or not."""

from __future__ import annotations

import http.server
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CLIENT_ID, CLIENT_SECRET = "pool-at-corp", "secret-of-the-pool"


@dataclass(frozen=True)
class Grant:
    """What the token endpoint returns for one code, to one client."""

    client_id: str
    id_token: str
    userinfo: dict[str, Any]


@dataclass
class OidcCompany:
    """The provider, with its own key. `url` is its address and its issuer."""

    url: str = "https://oidc.corp.example"
    kid: str = "corp-key"
    discovery: dict[str, Any] = field(default_factory=dict)  # changes of the document
    grants: dict[str, Grant] = field(default_factory=dict)  # by code, and then by access token

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def keys(self) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "RS256"}]}

    @property
    def public_pem(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def claims(self, nonce: str, /, **changes: Any) -> dict[str, Any]:
        """Returns the claims of a genuine ID token, with these changes. None removes a claim."""
        now = int(time.time())
        genuine = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": "jane",
            "nonce": nonce,
            "iat": now,
            "exp": now + 86400,
            "email": "jane@corp.example",
        }
        return {name: value for name, value in {**genuine, **changes}.items() if value is not None}

    def id_token(self, nonce: str, /, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Returns an ID token that this company signed."""
        return jwt.encode(self.claims(nonce, **changes), self.key, "RS256", {"kid": self.kid, **(header or {})})

    def code(self, id_token: str, client_id: str = CLIENT_ID, **userinfo: Any) -> str:
        """Returns a code for an ID token."""
        code = secrets.token_urlsafe(8)
        self.grants[code] = Grant(client_id, id_token, {"sub": "jane", **userinfo})
        return code

    @contextmanager
    def serving(self) -> Iterator[OidcCompany]:
        """Serves on a free port of the loopback interface."""
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self)) as server:
            self.url = f"http://127.0.0.1:{server.server_port}"
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            try:
                yield self
            finally:
                server.shutdown()

    def answer(self, path: str, form: dict[str, str], bearer: str) -> dict[str, Any] | None:
        """Returns the content of a response, or None for a refusal."""
        match path:
            case "/.well-known/openid-configuration":
                endpoints = {name: f"{self.url}/{place}" for name, place in _ENDPOINTS.items()}
                return {"issuer": self.url, **endpoints, **self.discovery}
            case "/keys":
                return self.keys
            case "/token":
                grant = self.grants.pop(form.get("code", ""), None)
                if grant is None or (grant.client_id, CLIENT_SECRET) != (form["client_id"], form["client_secret"]):
                    return None
                access_token = secrets.token_urlsafe(8)
                self.grants[access_token] = grant
                return {"access_token": access_token, "id_token": grant.id_token, "token_type": "Bearer"}
            case "/userinfo":
                return self.grants[bearer].userinfo
            case _:
                return None


_ENDPOINTS = {
    "authorization_endpoint": "authorize",
    "token_endpoint": "token",
    "jwks_uri": "keys",
    "userinfo_endpoint": "userinfo",
}


def _handler(company: OidcCompany) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._respond({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._respond({name: values[0] for name, values in parse_qs(body).items()})

        def _respond(self, form: dict[str, str]) -> None:
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
            content = company.answer(urlsplit(self.path).path, form, bearer)
            body = json.dumps({"error": "invalid_grant"} if content is None else content).encode()
            self.send_response(400 if content is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    return Handler
