"""Every route of the service has an authorizer or is public. Without the authorizer, the service refuses requests."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from chalice.app import Authorizer, ChaliceAuthorizer

from app import app
from authorizers.cognito import PoolAuthorizer
from tests.authorizers.events import proxy_event
from tests.infra.resolve import Template, load
from tests.public_routes import PUBLIC

ROOT = Path(__file__).resolve().parents[1]
ROUTES = {(method, path): route for path, methods in app.routes.items() for method, route in methods.items()}
PROTECTED = sorted(name for name, route in ROUTES.items() if route.authorizer is not None)
SCOPED = sorted(name for name, route in ROUTES.items() if isinstance(route.authorizer, PoolAuthorizer))
POLICED = sorted(name for name, route in ROUTES.items() if isinstance(route.authorizer, ChaliceAuthorizer))


def authorizer_of(method: str, path: str) -> Authorizer:
    authorizer = ROUTES[method, path].authorizer
    assert authorizer is not None, f"{method} {path} is public"
    return authorizer


def test_every_route_has_an_authorizer_or_is_public() -> None:
    unprotected = ROUTES.keys() - set(PROTECTED)
    remedy = "name the authorizer in app.py, or add a route that is for everyone to tests/public_routes.py"
    assert unprotected <= PUBLIC, f"{sorted(unprotected - PUBLIC)}: {remedy}"
    assert unprotected >= PUBLIC, f"{sorted(PUBLIC - unprotected)}: take it out of tests/public_routes.py"


def test_the_enforcement_can_check_every_authorizer() -> None:
    assert sorted(SCOPED + POLICED) == PROTECTED


@pytest.mark.parametrize("first", ["/admin", "/whoami"])
def test_every_admin_and_whoami_route_has_the_policy_authorizer(first: str) -> None:
    of_the_kind = [name for name in sorted(ROUTES) if f"{name[1]}/".startswith(f"{first}/")]
    assert of_the_kind
    assert [name for name in of_the_kind if name not in POLICED] == []


@pytest.mark.parametrize(("method", "path"), SCOPED)
def test_every_scope_of_a_route_is_defined_and_one_is_allowed_for_a_client(method: str, path: str) -> None:
    resources = Template(load(ROOT / "infra/identity.yaml")).resolve({})
    (server,) = resources.of("AWS::Cognito::UserPoolResourceServer")
    identifier, scopes = server.properties["Identifier"], authorizer_of(method, path).scopes
    defined = {f"{identifier}/{scope['ScopeName']}" for scope in server.properties["Scopes"]}
    given = {
        scope.replace("<ResourceServer>", identifier)
        for client in resources.of("AWS::Cognito::UserPoolClient")
        for scope in client.properties.get("AllowedOAuthScopes", [])
    }
    where = f"{method} {path} asks for {scopes}, in infra/identity.yaml"
    assert set(scopes) <= defined, f"{where}: define it in ResourceServer, Scopes"
    assert set(scopes) & given, f"{where}: add it to AllowedOAuthScopes of WebClient, SsoClient or MachineClient"


@pytest.mark.parametrize("name", POLICED)
def test_all_routes_of_use_case_2_share_one_policy_authorizer(name: tuple[str, str]) -> None:
    assert authorizer_of(*name).name == "policy_authorizer"


def call(method: str, path: str, authorizer: Mapping[str, object] | None) -> tuple[int, dict[str, Any]]:
    answered = app(proxy_event(method, path, authorizer=authorizer, body="{}"), None)
    return answered["statusCode"], json.loads(answered["body"])


@pytest.mark.parametrize(
    "authorizer",
    [
        pytest.param(None, id="no authorizer"),
        pytest.param({"principalId": "clerk", "kind": "person"}, id="an authorizer without permissions"),
        pytest.param(
            {"permissions": "Allow * /elsewhere", "claims": {"token_use": "id"}}, id="permissions for another path"
        ),
    ],
)
@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_a_protected_route_returns_403_without_the_permission_of_an_authorizer(
    method: str, path: str, authorizer: Mapping[str, object] | None
) -> None:
    status, body = call(method, path, authorizer)
    assert (status, body["code"]) == (403, "not_granted")


def test_the_public_route_needs_no_authorizer() -> None:
    status, body = call("GET", "/", None)
    assert (status, list(body)) == (200, ["message"])


def test_whoami_returns_the_caller_in_the_context_of_the_authorizer() -> None:
    caller = {
        "principalId": "c1e7c000",
        "kind": "person",
        "username": "clerk",
        "client": "webclientofolympus",
        "policies": "group:clerks@1, group:auditors@4",
        "permissions": "Allow GET /whoami",
    }
    assert call("GET", "/whoami", caller) == (
        200,
        {
            "subject": "c1e7c000",
            "kind": "person",
            "username": "clerk",
            "client": "webclientofolympus",
            "policies": ["group:clerks@1", "group:auditors@4"],
        },
    )


def test_the_vendor_folder_links_to_the_authorizers() -> None:
    linked = ROOT / "vendor" / "authorizers"
    assert linked.is_symlink()
    assert linked.resolve() == linked.parents[1] / "authorizers"
