"""The routes that explain decisions: what they answer to a granted request, and which bodies they refuse."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from app import app
from tests import mint
from tests.answers import call, refusal, wired
from tests.aws.loopback import dynamodb_settings
from tests.aws.tables import empty_tables
from tests.aws.test_fetch_jwks import answers, jwk, server, written
from tests.fakes import allow, deny
from tests.public_routes import PUBLIC

POLICY = "/admin/policies/{kind}/{name}"
QUESTION: dict[str, Any] = {"method": "GET", "path": "/whoami"}


@pytest.fixture(scope="module")
def jwks_url() -> Iterator[str]:
    with server(jwks=answers(200, written(jwk()))) as url:
        yield f"{url}/jwks"


@pytest.fixture(autouse=True)
def stage(jwks_url: str) -> Iterator[None]:
    """A user pool with the groups clerks and readers and the user clio, and a policy of the group clerks."""
    with (
        wired(),
        empty_tables(),
        dynamodb_settings() as reached,
        pytest.MonkeyPatch.context() as environment,
    ):
        cognito = boto3.client("cognito-idp", region_name="us-east-1")
        pool_id = cognito.create_user_pool(PoolName="olympus")["UserPool"]["Id"]
        for group in ("clerks", "readers"):
            cognito.create_group(UserPoolId=pool_id, GroupName=group)
        cognito.admin_create_user(UserPoolId=pool_id, Username="clio")
        cognito.admin_add_user_to_group(UserPoolId=pool_id, Username="clio", GroupName="clerks")
        environment.setenv("ISSUER", f"https://cognito-idp.us-east-1.amazonaws.com/{pool_id}")
        environment.setenv("JWKS_URL", jwks_url)
        # A token is checked with the reads of the authorizer, which call DynamoDB without the SDK.
        for name, value in reached.items():
            environment.setenv(name, value)
        put("clerks", allow("/whoami", sid="who"))
        yield


def put(name: str, *rules: dict[str, Any], **more: Any) -> tuple[int, Any]:
    return call("PUT", POLICY, {"statements": list(rules), **more}, kind="group", name=name)


def explain(**fields: Any) -> dict[str, Any]:
    status, answered = call("POST", "/admin/explain", {**QUESTION, **fields})
    assert status == 200, answered
    body: dict[str, Any] = answered
    return body


def token(**claims: Any) -> str:
    from chalicelib.wiring import settings

    now = int(time.time())
    return mint.token(mint.person(iss=settings().issuer, iat=now, exp=now + 900, **claims))


@pytest.mark.parametrize(
    "caller", [{"groups": ["clerks"]}, {"groups": ["readers", "clerks"]}, {"username": "clio"}, {"token": ""}]
)
def test_an_explanation_has_the_form_of_the_interface(caller: dict[str, Any]) -> None:
    if "token" in caller:
        caller = {"token": token()}
    assert explain(**caller) == {
        "allowed": True,
        "reason": "allowed_by",
        "because": [{"subject": "group:clerks", "sid": "who", "version": 1}],
        "policies": ["group:clerks@1"],
        "nearest": {"subject": "group:clerks", "sid": "who", "version": 1, "kind": "remove", "value": ""},
        "route": {"method": "GET", "path": "/whoami", "authorizer": "policies", "scopes": [], "public": False},
        "signed_in_within": None,
    }


def test_a_denial_names_the_nearest_change() -> None:
    answered = explain(groups=[], path="/elsewhere")
    assert (answered["allowed"], answered["reason"], answered["route"]) == (False, "no_policy", None)
    assert explain(groups=["readers"])["nearest"]["kind"] == "join"
    assert explain(client="machineofolympus")["nearest"] is None


def test_a_scope_can_be_asked_for() -> None:
    put("readers", allow("/whoami", scopes=["openid"]))
    assert [explain(groups=["readers"], scopes=scopes)["allowed"] for scopes in ([], ["openid"])] == [False, True]


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"client_id": "stranger"}, "wrong_client"),
        ({"token_use": "id"}, "wrong_token_use"),
        ({"nbf": 4_000_000_000}, "token_not_yet_valid"),
    ],
)
def test_a_token_is_verified_and_the_answer_contains_nothing_of_it(claims: dict[str, Any], code: str) -> None:
    secret = token(**claims, username="a-name-of-somebody")
    answered = explain(token=secret)
    assert (answered["allowed"], answered["reason"], answered["policies"]) == (False, code, [])
    assert not any(part in json.dumps(answered) for part in (*secret.split("."), "somebody", "webclientofolympus"))


def test_a_forged_token_is_refused() -> None:
    body, _, _ = token().rpartition(".")
    forged = f"{body}.{mint.base64url(b'0' * 256)}"
    assert explain(token=forged)["reason"] == "bad_signature"
    assert explain(token=f"Bearer {token()}")["reason"] == "malformed_token"


def test_a_revoked_token_is_refused() -> None:
    session = "0b1e55ed-0000-4000-8000-000000000001"
    assert call("POST", "/admin/revocations", {"session": session})[0] == 201
    assert explain(token=token(origin_jti=session))["reason"] == "revoked"


def test_an_unknown_user_is_a_404() -> None:
    assert refusal("POST", "/admin/explain", {**QUESTION, "username": "nobody"}) == (404, "not_found")


@pytest.mark.parametrize("body", [None, "", "[]", '{"method":"GET","method":"PUT"}', '"GET"', "null"])
def test_a_body_of_another_form_is_a_400(body: Any) -> None:
    assert refusal("POST", "/admin/explain", body) == (400, "invalid_input")


@pytest.mark.parametrize("path", ["reports", "/a//b", "/a/../b", "/%ff"])
def test_a_path_that_no_request_has_is_a_400(path: str) -> None:
    assert refusal("POST", "/admin/explain", {**QUESTION, "groups": [], "path": path}) == (400, "invalid_input")


def test_a_body_that_is_too_large_is_a_413() -> None:
    body = {**QUESTION, "groups": ["g" * 128] * 300}
    assert refusal("POST", "/admin/explain", body) == (413, "invalid_input")
    assert refusal("PUT", POLICY, {"statements": [], "more": "m" * 262_144}, kind="group", name="clerks")[0] == 413


# --- routes and matrix ---


def test_every_route_is_listed_with_its_authorizer() -> None:
    listed = call("GET", "/admin/routes")[1]["routes"]
    names = [(route["method"], route["path"]) for route in listed]
    assert set(names) == {(method, path) for path, methods in app.routes.items() for method in methods}
    assert {name for name, route in zip(names, listed, strict=True) if route["public"]} == PUBLIC
    shown = {(route["method"], route["path"]): (route["authorizer"], route["scopes"]) for route in listed}
    assert shown["GET", "/whoami"] == ("policies", [])


def test_the_matrix_has_a_cell_for_each_policy_and_route() -> None:
    put("readers", allow("/admin/policies/*"), deny("/admin/policies/group/admins", sid="freeze"))
    status, matrix = call("GET", "/admin/matrix")
    assert (status, matrix["routes"]) == (200, call("GET", "/admin/routes")[1]["routes"])
    assert matrix["subjects"] == [{"subject": f"group:{name}", "version": 1} for name in ("clerks", "readers")]
    assert len(matrix["cells"]) == 2 * len(matrix["routes"])
    cells = {(cell["subject"], cell["method"], cell["path"]): cell for cell in matrix["cells"]}
    assert cells["group:clerks", "GET", "/whoami"] == {
        "subject": "group:clerks",
        "method": "GET",
        "path": "/whoami",
        "access": "allowed",
        "allowed": True,
        "reason": "allowed_by",
        "because": ["who"],
        "exceptions": [],
        "signed_in_within": None,
    }
    partly = cells["group:readers", "GET", POLICY]
    assert (partly["access"], partly["allowed"]) == ("partly", False)
    assert [(case["path"], case["because"]) for case in partly["exceptions"]] == [
        ("/admin/policies/group/admins", ["freeze"])
    ]


# --- lock-out ---

EVERYTHING = allow("/*", methods=["*"])
READERS = {"kind": "group", "name": "readers"}


def test_the_last_administrator_is_kept_unless_the_change_is_forced() -> None:
    put("readers", EVERYTHING)
    refused = (409, "last_administrator")
    assert refusal("PUT", POLICY, {"statements": []}, **READERS) == refused
    assert refusal("DELETE", POLICY, **READERS) == refused
    assert refusal("DELETE", POLICY, {"force": False}, **READERS) == refused
    put("ghosts", EVERYTHING)  # the pool has no such group
    assert refusal("DELETE", POLICY, **READERS) == refused
    assert put("readers", force=True)[0] == 200
    put("readers", EVERYTHING)
    assert call("DELETE", POLICY, {"force": True}, **READERS) == (204, None)


@pytest.mark.parametrize("force", [1, "true", None, [], {}])
def test_a_change_is_forced_by_true_and_by_nothing_else(force: Any) -> None:
    put("readers", EVERYTHING)
    assert refusal("PUT", POLICY, {"statements": [], "force": force}, **READERS) == (400, "invalid_input")
    assert refusal("DELETE", POLICY, {"force": force}, **READERS) == (400, "invalid_input")
    assert refusal("DELETE", POLICY, {"forced": True}, **READERS) == (400, "invalid_input")


def test_the_last_administrator_can_be_changed_when_a_user_of_another_group_administers() -> None:
    from chalicelib.wiring import settings

    put("readers", EVERYTHING)
    put("clerks", EVERYTHING)
    refused = (409, "last_administrator")
    assert refusal("DELETE", POLICY, **READERS) == refused  # clio of the clerks was invited and has not signed in
    pool = {"UserPoolId": settings().issuer.rpartition("/")[2], "Username": "clio"}
    cognito = boto3.client("cognito-idp", region_name="us-east-1")
    cognito.admin_set_user_password(**pool, Password="a-long-walk-in-the-rain-1A!", Permanent=True)
    cognito.admin_disable_user(**pool)
    assert refusal("DELETE", POLICY, **READERS) == refused
    cognito.admin_enable_user(**pool)
    assert put("readers")[0] == 200


# --- preview ---

PREVIEW = f"{POLICY}/preview"
CLERKS = {"kind": "group", "name": "clerks"}


def test_a_preview_names_routes_and_mistakes_and_stores_nothing() -> None:
    before = call("GET", POLICY, **CLERKS)
    body = {"statements": [allow("/admin/routes", "/whoam", sid="who")]}
    assert call("POST", PREVIEW, body, **CLERKS) == (
        200,
        {
            "findings": ['statement 1 ("who"): paths: /whoam matches no route. Did you mean /whoami?'],
            "gains": ["clerks gain GET /admin/routes"],
            "loses": ["clerks lose GET /whoami"],
        },
    )
    assert call("GET", POLICY, **CLERKS) == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"statements": {}}, 400),
        ({"statements": [{"sid": "<img src=x>", "effect": "Allow", "methods": ["GET"], "paths": ["/"]}]}, 400),
        ({"statements": [], "version": 1}, 400),
        ({"statements": [], "more": "m" * 262_144}, 413),
        ({"statements": [allow(f"/{'p' * 250}/{n}/*", sid=f"s{n}") for n in range(100)]}, 400),
    ],
)
def test_a_preview_refuses_what_a_policy_refuses(body: dict[str, Any], status: int) -> None:
    assert refusal("POST", PREVIEW, body, **CLERKS) == (status, "invalid_input")


def test_a_caller_without_the_permission_gets_no_preview() -> None:
    reader = {"principalId": "reader-sub", "permissions": "Allow * /whoami"}
    assert refusal("POST", PREVIEW, {"statements": []}, reader, **CLERKS) == (403, "not_granted")
