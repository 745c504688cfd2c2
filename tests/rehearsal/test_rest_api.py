"""The simulation imports REST APIs as API Gateway does. `chalice deploy` depends on this."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rehearsal.account import opened_account


def definition(*paths: str, ttl: int = 60) -> bytes:
    """Returns a Swagger 2 definition with one authorizer, in the form that Chalice writes."""
    authorizer = {"type": "token", "authorizerUri": "arn:clerk", "authorizerResultTtlInSeconds": ttl}
    operation = {
        "security": [{"clerk": []}],
        "x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": "arn:carts"},
    }
    return json.dumps(
        {
            "swagger": "2.0",
            "info": {"title": "carts", "version": "1"},
            "paths": {path: {"get": operation} for path in paths},
            "securityDefinitions": {
                "clerk": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "x-amazon-apigateway-authtype": "custom",
                    "x-amazon-apigateway-authorizer": authorizer,
                }
            },
        }
    ).encode()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with opened_account(tmp_path_factory.mktemp("gateway") / "cloud") as account:
        yield account.client("apigateway")


@pytest.fixture
def api(gateway: Any) -> str:
    imported = gateway.import_rest_api(
        body=definition("/carts", "/carts/{id}"), parameters={"endpointConfigurationTypes": "REGIONAL"}
    )
    gateway.create_deployment(restApiId=imported["id"], stageName="trial")
    return str(imported["id"])


def authorizers(gateway: Any, api: str) -> dict[str, str]:
    """Returns the name of the authorizer of each path's GET method."""
    names = {item["id"]: item["name"] for item in gateway.get_authorizers(restApiId=api)["items"]}
    resources = gateway.get_resources(restApiId=api, embed=["methods"])["items"]
    return {
        item["path"]: names[item["resourceMethods"]["GET"]["authorizerId"]]
        for item in resources
        if "GET" in item.get("resourceMethods", {})
    }


def test_an_imported_api_has_the_methods_and_authorizers_of_its_definition(gateway: Any, api: str) -> None:
    described = gateway.get_rest_api(restApiId=api)
    assert (described["name"], described["endpointConfiguration"]["types"]) == ("carts", ["REGIONAL"])
    assert authorizers(gateway, api) == {"/carts": "clerk", "/carts/{id}": "clerk"}


def test_an_api_has_an_edge_endpoint_by_default(gateway: Any) -> None:
    imported = gateway.import_rest_api(body=definition("/carts"))
    assert imported["endpointConfiguration"]["types"] == ["EDGE"]


def test_an_overwritten_api_has_only_the_methods_of_the_new_definition(gateway: Any, api: str) -> None:
    gateway.put_rest_api(restApiId=api, mode="overwrite", body=definition("/carts", "/wheels", ttl=0))
    assert authorizers(gateway, api) == {"/carts": "clerk", "/wheels": "clerk"}
    (authorizer,) = gateway.get_authorizers(restApiId=api)["items"]
    assert authorizer["authorizerResultTtlInSeconds"] == 0


def test_an_overwritten_api_keeps_its_id_and_its_stage(gateway: Any, api: str) -> None:
    apis = {item["id"] for item in gateway.get_rest_apis()["items"]}
    assert gateway.put_rest_api(restApiId=api, mode="overwrite", body=definition("/wheels"))["id"] == api
    assert {item["id"] for item in gateway.get_rest_apis()["items"]} == apis
    assert [stage["stageName"] for stage in gateway.get_stages(restApiId=api)["item"]] == ["trial"]


def test_an_overwritten_api_loses_gateway_responses_that_are_not_in_the_definition(gateway: Any, api: str) -> None:
    gateway.put_gateway_response(restApiId=api, responseType="UNAUTHORIZED", statusCode="418")
    gateway.put_rest_api(restApiId=api, mode="overwrite", body=definition("/carts"))
    assert gateway.get_gateway_response(restApiId=api, responseType="UNAUTHORIZED")["statusCode"] == "401"


def test_overwriting_a_missing_api_fails(gateway: Any) -> None:
    with pytest.raises(gateway.exceptions.NotFoundException):
        gateway.put_rest_api(restApiId="nowhere", mode="overwrite", body=definition("/carts"))
