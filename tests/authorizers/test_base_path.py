"""Behind the API's own domain with a base path, decisions are about the path of the route, never about the base path.

In the event of a REST API, `path` and `requestContext.path` then begin with the base path. The method ARN, `resource`,
`requestContext.resourcePath` and `pathParameters` do not contain it.
Source:  aws-powertools/powertools-lambda-python issue 576 (a captured event); API Gateway Developer Guide, "Input to an
         Amazon API Gateway Lambda authorizer"
"""

import json
from typing import Any

import pytest

from authorizers import enforcement
from authorizers.policy import policy_authorizer
from chalicelib.api import Api
from tests.authorizers.events import proxy_event
from tests.authorizers.test_policy_authorizer import STAGE, System, bearer
from tests.fakes import allow
from tests.oracle import iam

READER = allow("/reports", "/reports/*", sid="read")
BASES = ("v1", "reports", "admin", "greedy")


def behind(base: str, event: dict[str, Any]) -> dict[str, Any]:
    """Returns the event of the same request at the own domain."""
    path = f"/{base}{event['path']}"
    context = {**event["requestContext"], "path": path, "domainName": "api.olympus.example", "domainPrefix": "api"}
    headers = {**event["headers"], "Host": "api.olympus.example"}
    return {**event, "path": path, "requestContext": context, "headers": headers}


def service() -> Api:
    app = Api("service")
    enforcement.enforce(app)
    app.route("/reports/{id}", authorizer=policy_authorizer)(lambda id: {"route": "report", "id": id})
    app.route("/admin/policies", authorizer=policy_authorizer)(lambda: {"route": "policies"})
    app.route("/greedy/{proxy+}", authorizer=policy_authorizer)(lambda: {"route": "greedy"})
    return app


def ask(base: str, resource: str, **parameters: str) -> tuple[int, dict[str, Any]]:
    """Sends a request of a reader to the service, as a gateway without an authorizer would."""
    context = System(READER).ask(bearer())["context"]
    answered = service()(behind(base, proxy_event("GET", resource, parameters, context)), None)
    return answered["statusCode"], json.loads(answered["body"])


@pytest.mark.parametrize("base", BASES)
def test_the_service_runs_the_granted_route_behind_every_base_path(base: str) -> None:
    assert ask(base, "/reports/{id}", id="7") == (200, {"route": "report", "id": "7"})


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    ("resource", "parameters"),
    [
        pytest.param("/admin/policies", {}, id="a route of administrators"),
        pytest.param("/greedy/{proxy+}", {"proxy": "reports/7"}, id="a greedy route"),
    ],
)
def test_a_base_path_that_looks_like_a_route_opens_no_other_route(
    base: str, resource: str, parameters: dict[str, str]
) -> None:
    """A reader may use `/reports/*`. With the base path `reports`, `/reports/admin/policies` is `/admin/policies`."""
    status, answered = ask(base, resource, **parameters)
    assert (status, answered["code"]) == (403, "not_granted")


@pytest.mark.parametrize(
    ("asked", "permitted"), [("GET/reports/7", True), ("GET/admin/policies", False), ("GET/reports-2/reports/7", False)]
)
def test_the_policy_document_permits_paths_of_routes(asked: str, permitted: bool) -> None:
    document = System(READER).ask(bearer(), STAGE + asked)["policyDocument"]
    assert iam.permits(document, STAGE + asked) is permitted
