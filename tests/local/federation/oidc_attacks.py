"""ID tokens that must be refused. Each has one fault, and a valid signature if it can."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt

from tests.local.federation.oidc_company import CLIENT_ID, OidcCompany

Forge = Callable[[OidcCompany, str], str]  # (company, nonce of the sign-in) → ID token

STRANGER = OidcCompany()  # has another key under the same name


def _encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _with_secret(company: OidcCompany, nonce: str, secret: bytes, **header: Any) -> str:
    head = {"alg": "HS256", "kid": company.kid, **header}
    signed = f"{_encoded(head)}.{_encoded(company.claims(nonce))}"
    signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _changed(company: OidcCompany, nonce: str) -> str:
    head, _, signature = company.id_token(nonce).split(".")
    return f"{head}.{_encoded(company.claims(nonce, sub='boss'))}.{signature}"


def _by_stranger(company: OidcCompany, nonce: str, **header: Any) -> str:
    return jwt.encode(company.claims(nonce), STRANGER.key, "RS256", {"kid": company.kid, **header})


def _claims(**changes: Any) -> Forge:
    return lambda company, nonce: company.id_token(nonce, **changes)


ATTACKS: dict[str, Forge] = {
    "no token": lambda company, nonce: "",
    "no JWT": lambda company, nonce: "a.b.c",
    "changed claims": _changed,
    "alg none": lambda company, nonce: f"{_encoded({'alg': 'none'})}.{_encoded(company.claims(nonce))}.",
    "alg None": lambda company, nonce: f"{_encoded({'alg': 'None'})}.{_encoded(company.claims(nonce))}.",
    "no signature": lambda company, nonce: company.id_token(nonce).rpartition(".")[0] + ".",
    "HS256 with the public key": lambda company, nonce: _with_secret(company, nonce, company.public_pem),
    "HS256 with an empty key": lambda company, nonce: _with_secret(company, nonce, b""),
    "HS256 with the client's secret": lambda company, nonce: _with_secret(company, nonce, b"secret-of-the-pool"),
    "the key of a stranger": _by_stranger,
    "a stranger's key in the header": lambda company, nonce: _by_stranger(company, nonce, jwk=STRANGER.keys["keys"][0]),
    "a stranger's key by its address": lambda company, nonce: _by_stranger(
        company, nonce, jku="http://127.0.0.1:9/keys"
    ),
    "an unknown key": lambda company, nonce: company.id_token(nonce, header={"kid": "unknown"}),
    "a critical extension": lambda company, nonce: company.id_token(nonce, header={"crit": ["x"], "x": 1}),
    "another issuer": _claims(iss="https://other.example"),
    "no issuer": _claims(iss=None),
    "another audience": _claims(aud="another-client"),
    "another audience with our authorized party": _claims(aud="another-client", azp=CLIENT_ID),
    "no audience": _claims(aud=None),
    "a second audience without azp": _claims(aud=[CLIENT_ID, "another-client"]),
    "another authorized party": _claims(azp="another-client"),
    "another nonce": _claims(nonce="of-another-sign-in"),
    "no nonce": _claims(nonce=None),
    "an empty nonce": _claims(nonce=""),
    "an expired token": _claims(exp=int(time.time()) - 1),
    "no expiry": _claims(exp=None),
    "an expiry as text": _claims(exp=str(int(time.time()) + 300)),
    "an expiry as a boolean": _claims(exp=True),
    "a token of the future": _claims(iat=int(time.time()) + 86400),
    "a token that is not valid yet": _claims(nbf=int(time.time()) + 86400),
    "no subject": _claims(sub=None),
    "an empty subject": _claims(sub=""),
    "a subject that is a list": _claims(sub=["jane"]),
    "the hash of another access token": _claims(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
}
