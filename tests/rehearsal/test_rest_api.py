"""API Gateway's imports in the simulation, as `chalice deploy` relies on them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rehearsal.account import opened_account


def definition(*paths: str, ttl: int = 60) -> bytes:
    """Shape:   Swagger 2, with one authorizer, as Chalice writes it"""
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
def api(gateway) -> str:
    imported = gateway.import_rest_api(
        body=definition("/carts", "/carts/{id}"), parameters={"endpointConfigurationTypes": "REGIONAL"}
    )
    gateway.create_deployment(restApiId=imported["id"], stageName="trial")
    return str(imported["id"])


def guarded(gateway: Any, api: str) -> dict[str, str]:
    """Path → the name of the authorizer that its GET asks."""
    names = {item["id"]: item["name"] for item in gateway.get_authorizers(restApiId=api)["items"]}
    resources = gateway.get_resources(restApiId=api, embed=["methods"])["items"]
    return {
        item["path"]: names[item["resourceMethods"]["GET"]["authorizerId"]]
        for item in resources
        if "GET" in item.get("resourceMethods", {})
    }


def test_an_imported_api_has_what_its_definition_says(gateway, api):
    described = gateway.get_rest_api(restApiId=api)
    assert (described["name"], described["endpointConfiguration"]["types"]) == ("carts", ["REGIONAL"])
    assert guarded(gateway, api) == {"/carts": "clerk", "/carts/{id}": "clerk"}


def test_an_api_is_for_the_edge_unless_something_else_is_said(gateway):
    imported = gateway.import_rest_api(body=definition("/carts"))
    assert imported["endpointConfiguration"]["types"] == ["EDGE"]


def test_an_overwritten_api_has_what_the_new_definition_says_and_nothing_else(gateway, api):
    gateway.put_rest_api(restApiId=api, mode="overwrite", body=definition("/carts", "/wheels", ttl=0))
    assert guarded(gateway, api) == {"/carts": "clerk", "/wheels": "clerk"}
    (authorizer,) = gateway.get_authorizers(restApiId=api)["items"]
    assert authorizer["authorizerResultTtlInSeconds"] == 0


def test_an_overwritten_api_is_the_same_api_at_the_same_stage(gateway, api):
    apis = {item["id"] for item in gateway.get_rest_apis()["items"]}
    assert gateway.put_rest_api(restApiId=api, mode="overwrite", body=definition("/wheels"))["id"] == api
    assert {item["id"] for item in gateway.get_rest_apis()["items"]} == apis
    assert [stage["stageName"] for stage in gateway.get_stages(restApiId=api)["item"]] == ["trial"]


def test_an_overwritten_api_has_lost_the_error_responses_that_its_definition_does_not_name(gateway, api):
    gateway.put_gateway_response(restApiId=api, responseType="UNAUTHORIZED", statusCode="418")
    gateway.put_rest_api(restApiId=api, mode="overwrite", body=definition("/carts"))
    assert gateway.get_gateway_response(restApiId=api, responseType="UNAUTHORIZED")["statusCode"] == "401"


def test_an_api_that_does_not_exist_is_not_made_by_overwriting_it(gateway):
    with pytest.raises(gateway.exceptions.NotFoundException):
        gateway.put_rest_api(restApiId="nowhere", mode="overwrite", body=definition("/carts"))
