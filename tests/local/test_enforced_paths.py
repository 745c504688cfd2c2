"""The gateway of `chalice local` together with the enforcement of the service: a denied path stays denied."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from chalice.test import Client

from authorizers import enforcement
from authorizers.decision_log import DecisionLog
from authorizers.policy import respond
from chalicelib.api import Api
from chalicelib.authorize import Authorization, EffectivePermissions
from chalicelib.core.decision import decide
from local.gateway import StrictGateway, installed
from local.gateway_responses import EXTENSION, GatewayResponse, read_definitions
from tests.fakes import allow, deny, principal, statements


def refuse(token: str) -> dict[str, Any]:
    raise AssertionError("no route asks for the user pool")


def responses() -> dict[str, GatewayResponse]:
    """The gateway responses of the template."""
    template = json.loads((Path(__file__).parents[2] / ".chalice" / "package.json").read_text(encoding="utf-8"))
    return read_definitions(template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"][EXTENSION])


def get(path: str, *rules: dict[str, Any]) -> tuple[int, Any]:
    """Sends a request to a service with these statements. Its views decode the path parameters again."""
    app = Api("shop")
    enforcement.enforce(app)
    permissions = EffectivePermissions(statements(*rules), ("group:clerks@1",), 1)
    authorization = Authorization(principal(), permissions, decide(permissions.statements, "GET", path))

    @app.authorizer(ttl_seconds=0)
    def ask(request: Any) -> Any:
        return respond(request.token, request.method_arn, lambda: lambda *_: authorization, DecisionLog(write_line=len))

    app.route("/docs/{name}", authorizer=ask)(lambda name: {"read": unquote(name)})
    app.route("/greedy/{proxy+}", authorizer=ask)(lambda: {"read": unquote((app.request.uri_params or {})["proxy"])})
    with installed(StrictGateway(refuse, responses())), Client(app) as client:
        answered = client.http.get(path, headers={"authorization": "Bearer token"})
    return answered.status_code, answered.json_body


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/greedy/a", 200, id="one segment"),
        pytest.param("/greedy/a/b", 200, id="two segments"),
        pytest.param("/greedy/secret", 200, id="the parent of a denied path"),
        pytest.param("/greedy/secret/7", 403, id="a deny"),
        pytest.param("/greedy/secret/7/pages", 403, id="a denied path several segments below"),
    ],
)
def test_the_policy_decides_on_the_path_of_a_greedy_route(path: str, status: int) -> None:
    answered = get(path, allow("/greedy/*"), deny("/greedy/secret/*"))
    assert answered[0] == status
    assert status != 200 or answered[1] == {"read": path.removeprefix("/greedy/")}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/docs/open", 200, id="a path that is not denied"),
        pytest.param("/docs/%6Fpen", 200, id="encoded, and not denied"),
        pytest.param("/docs/secret", 403, id="denied"),
        pytest.param("/docs/%73ecret", 403, id="encoded"),
        pytest.param("/docs/%2573ecret", 403, id="encoded twice"),
        pytest.param("/docs/secret%2F", 403, id="with an encoded slash"),
        pytest.param("/docs/%2e%2e", 400, id="relative"),
        pytest.param("/docs/%00", 400, id="NUL"),
        pytest.param("/docs/%FF", 400, id="not UTF-8"),
        pytest.param("/greedy/a%2Fsecret", 403, id="greedy, with an encoded slash"),
        pytest.param("/greedy/a/%73ecret", 403, id="greedy, encoded"),
        pytest.param("/greedy/a/%6Fpen", 200, id="greedy, encoded, and not denied"),
    ],
)
def test_no_spelling_of_a_path_bypasses_a_deny(path: str, status: int) -> None:
    status_code, body = get(
        path, allow("/docs/*", "/greedy/*"), deny("/docs/secret", "/docs/secret/", "/greedy/a/secret")
    )
    assert status_code == status
    if status != 200:
        assert set(body) == {"message", "code"}


def test_a_denial_names_the_effective_policies() -> None:
    message = "GET /docs/{name} is not permitted: the policies in force are group:clerks@1"
    assert get("/docs/a", allow("/other")) == (403, {"message": message, "code": "not_permitted"})
