"""A deployed API asks its authorizers, and no other spelling of a token, path or header changes their answer."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.local.front_system import FORGED, HOST, System, claims, raw


def test_a_route_with_scopes_accepts_an_access_token_with_one_of_them(system: System) -> None:
    tokens = system.oauth_tokens(system.user())
    assert system.get("/files", tokens["access_token"]).status_code == 200
    assert system.get("/files", f"Bearer {tokens['access_token']}").status_code == 200
    assert system.get("/files", system.mint()).status_code == 200
    assert system.get("/files", tokens["id_token"]).status_code == 401
    assert system.get("/files").status_code == 401
    assert system.get("/profile", tokens["id_token"]).status_code == 200
    assert system.get("/profile", tokens["access_token"]).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"exp": None}, id="no expiry"),
        pytest.param({"exp": int(time.time()) - 1}, id="expired"),
        pytest.param({"exp": "9999999999"}, id="expiry as a string"),
        pytest.param({"exp": 9999999999.5}, id="expiry as a fraction"),
        pytest.param({"exp": float("nan")}, id="expiry not a number"),
        pytest.param({"exp": float("inf")}, id="expiry infinite"),
        pytest.param({"exp": True}, id="expiry true"),
        pytest.param({"iat": None}, id="no issue time"),
        pytest.param({"iat": int(time.time()) + 900}, id="issued in the future"),
        pytest.param({"nbf": int(time.time()) + 900}, id="not yet valid"),
        pytest.param({"token_use": "id"}, id="an ID token with scopes"),
        pytest.param({"token_use": None}, id="no token use"),
        pytest.param({"scope": "system/write"}, id="another scope"),
        pytest.param({"scope": ["system/read"]}, id="scopes as a list"),
        pytest.param({"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"}, id="another pool"),
        pytest.param({"header": {"kid": None}}, id="no key id"),
        pytest.param({"header": {"kid": "other"}}, id="unknown key id"),
        pytest.param({"header": {"alg": "none"}}, id="another algorithm"),
        pytest.param({"header": {"crit": ["x"], "x": 1}}, id="a critical extension"),
    ],
)
def test_a_signed_token_with_claims_that_cognito_does_not_issue_is_refused(
    system: System, changes: dict[str, Any]
) -> None:
    answer = system.get("/files", system.mint(**changes))
    assert (answer.status_code, answer.json()) == (401, {"code": "no_token"})


def test_a_token_signed_by_another_key_is_refused(system: System) -> None:
    good = system.mint()
    head, kid = claims(good), jwt.get_unverified_header(good)["kid"]
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert system.get("/files", jwt.encode(head, foreign, algorithm="RS256", headers={"kid": kid})).status_code == 401
    assert system.get("/files", jwt.encode(head, "k" * 32, algorithm="HS256", headers={"kid": kid})).status_code == 401
    assert system.get("/files", jwt.encode(head, "", algorithm="none", headers={"kid": kid})).status_code == 401
    neighbour = System(system.cloud)
    neighbour.trigger = system.trigger
    assert system.get("/files", neighbour.mint()).status_code == 401
    assert system.get("/files", neighbour.mint(iss=head["iss"])).status_code == 401


def test_another_encoding_of_a_valid_token_is_refused(system: System) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = next(t for t in (system.mint(jti=str(n)) for n in range(50)) if {"-", "_"} & set(t.split(".")[2]))
    head, body, signature = token.split(".")
    stray = signature[:-1] + alphabet[alphabet.index(signature[-1]) + 1]
    spellings = [
        f"{token}==",
        f"{head}.{body}.{signature.replace('-', '+').replace('_', '/')}",
        f"{head}.{body}.{stray}",
        f"{head}.{body}.{signature[:9]}\t{signature[9:]}",
        f"{head}.{body}.{signature[:9]}!{signature[9:]}",
        f"{head}.{body}.{signature}.",
    ]
    assert system.get("/files", token).status_code == 200
    assert [system.get("/files", spelling).status_code for spelling in spellings] == [401] * len(spellings)


def test_two_authorization_headers_are_refused(system: System) -> None:
    token, path = system.mint(), urlsplit(system.api).path + "/files"
    for first, second in [(token, token), ("Bearer x", token), (token, "x"), (token[:-9], token[-9:])]:
        status, _ = raw(system.cloud, "GET", path, HOST, ("Authorization", first), ("authorization", second))
        assert status == 400
    deep = base64.urlsafe_b64encode(b"[" * 3000).rstrip(b"=").decode()
    assert system.get("/files", f"{deep}.{deep}.{deep}").status_code == 401


def test_a_refusal_contains_the_context_of_the_authorizer(system: System) -> None:
    path = urlsplit(system.api).path.removeprefix("/_aws/execute-api/").partition("/")[2]
    for route in ("guarded", "cached", "cached"):
        answer = system.get(f"/{route}/7", "reader:no_policy")
        assert (answer.status_code, answer.json()) == (
            403,
            {"message": f"reader may not GET /{path}/{route}/7", "code": "no_policy", "absent": ""},
        )
    assert system.get("/cached/7", "writer:denied_by").json()["code"] == "denied_by"
    assert system.get("/cached/7", "reader").json()["code"] == ""
    assert system.get("/guarded/7", "admin").status_code == 200
    assert system.get("/guarded/7", "ghost").json() == {"code": "no_token"}


def test_a_quote_in_a_path_does_not_break_the_refusal(system: System) -> None:
    path = '/guarded/","code":"allowed","x":"'
    status, body = raw(system.cloud, "GET", urlsplit(system.api).path + path, HOST, ("Authorization", 'reader:"no"'))
    answer = json.loads(body)
    assert (status, answer["code"]) == (403, '"no"')
    assert path in answer["message"]


def test_another_spelling_of_the_path_does_not_bypass_an_explicit_deny(system: System) -> None:
    assert system.get("/guarded/public", "most").status_code == 200
    connection = [("Authorization", "most"), HOST]
    for spelling in (
        "guarded/secret",
        "guarded//secret",
        "guarded/secret/",
        "/guarded/secret",
        "guarded/./secret",
        "guarded%2fsecret",
    ):
        path = f"{urlsplit(system.api).path}/{spelling}"
        assert raw(system.cloud, "GET", path, *connection)[0] == 403, spelling


def test_a_request_cannot_set_its_source_address_or_override_its_method(system: System) -> None:
    override = {"X-HTTP-Method-Override": "DELETE", "Authorization": "reader"}
    answer = requests.get(system.api + "/guarded/7", headers=override, timeout=10)
    assert answer.json()["message"].startswith("reader may not GET")
    seen = requests.get(system.api + "/echo", headers={"X-Forwarded-For": "203.0.113.7"}, timeout=10)
    assert seen.text == "127.0.0.1"


def test_a_route_with_iam_authorization_refuses_a_forged_signature(system: System) -> None:
    path = urlsplit(system.api).path + "/internal"
    assert raw(system.cloud, "GET", path, HOST, FORGED)[0] in (400, 403)
    assert raw(system.cloud, "GET", f"{path}?X-Amz-Credential=test/x/x/x/x&X-Amz-Algorithm=AWS4-HMAC-SHA256", HOST)[
        0
    ] in (400, 403)
