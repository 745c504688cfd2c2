"""Paths of a deployed API: they are not decoded, and unknown paths get the gateway response of the API."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.local.conftest import Cloud

ECHO = """
import json
def handler(event, context):
    seen = {"path": event["path"], "name": event["pathParameters"]["name"], "route": event["resource"]}
    return {"statusCode": 200, "body": json.dumps(seen)}
"""
REFUSAL = {"message": "$context.error.message", "code": "not_found"}


@pytest.fixture(scope="module")
def api(cloud: Cloud) -> str:
    """An API with the routes `/things` and `/things/{name}` and a gateway response."""
    function = cloud.function("paths", ECHO)
    target = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
    gateway = cloud.client("apigateway")
    made = gateway.create_rest_api(name="paths")
    parent = made["rootResourceId"]
    for part in ("things", "{name}"):
        parent = gateway.create_resource(restApiId=made["id"], parentId=parent, pathPart=part)["id"]
        method = {"restApiId": made["id"], "resourceId": parent, "httpMethod": "GET"}
        gateway.put_method(**method, authorizationType="NONE")
        gateway.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=target)
    gateway.put_gateway_response(
        restApiId=made["id"],
        responseType="MISSING_AUTHENTICATION_TOKEN",
        statusCode="404",
        responseTemplates={"application/json": json.dumps(REFUSAL)},
    )
    gateway.create_deployment(restApiId=made["id"], stageName="test")
    return f"{cloud.url}/_aws/execute-api/{made['id']}/test"


def get(url: str) -> tuple[int, dict[str, Any]]:
    """Sends exactly this path. A client library would normalize it."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", address.port or 80, timeout=30)
    connection.request("GET", address.path)
    answer = connection.getresponse()
    status, body = answer.status, json.loads(answer.read())
    connection.close()
    return status, body


@pytest.mark.parametrize(
    "name", ["ops%40example.com", "ops@example.com", "%2Fetc", "a%20b", "%c3%A9", "100%25", "%2e%2e"]
)
def test_the_path_and_its_parameters_are_not_decoded(api: str, name: str) -> None:
    assert get(f"{api}/things/{name}") == (200, {"path": f"/things/{name}", "name": name, "route": "/things/{name}"})


@pytest.mark.parametrize(
    "path", ["/nothing", "/things/", "//things", "/things//a", "/things/a/", "/things/.", "/things/.."]
)
def test_an_unknown_path_of_an_api_gets_the_gateway_response_of_the_api(api: str, path: str) -> None:
    assert get(api + path) == (404, {"message": "Missing Authentication Token", "code": "not_found"})


def test_an_encoded_address_of_an_api_is_refused(api: str) -> None:
    assert get(api.replace("/_aws/", "/%5Faws/") + "/things/a")[0] == 403
