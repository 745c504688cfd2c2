"""CloudFormation's REST API in the local cloud keeps its address when its definition changes, as on AWS."""

from __future__ import annotations

import json
from typing import Any

from infra.stacks import Stacks
from tests.local.conftest import Cloud

DEPLOYMENT = {"Type": "AWS::ApiGateway::Deployment", "Properties": {"RestApiId": {"Ref": "Api"}, "StageName": "v1"}}


def template(description: str, *paths: str) -> str:
    operation = {"get": {"x-amazon-apigateway-integration": {"type": "mock"}}}
    body = {"swagger": "2.0", "info": {"title": "carts", "version": "1"}, "paths": dict.fromkeys(paths, operation)}
    api = {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Description": description, "Body": body}}
    return json.dumps({"Resources": {"Api": api, "First": DEPLOYMENT}, "Outputs": {"Id": {"Value": {"Ref": "Api"}}}})


def paths_of(apigateway: Any, api_id: str) -> set[str]:
    return {resource["path"] for resource in apigateway.get_resources(restApiId=api_id)["items"]}


def test_a_changed_definition_changes_the_routes_and_not_the_address(cloud: Cloud) -> None:
    stacks, apigateway = Stacks(cloud.client("cloudformation")), cloud.client("apigateway")
    before = stacks.deploy("carts", template("sold", "/carts", "/wheels"), {}).outputs
    updated = stacks.deploy("carts", template("sold out", "/carts", "/horses"), {})
    after = updated.outputs
    try:
        assert updated.changed
        assert after == before
        assert paths_of(apigateway, after["Id"]) == {"/", "/carts", "/horses"}
        assert apigateway.get_rest_api(restApiId=after["Id"])["description"] == "sold out"
        assert [stage["stageName"] for stage in apigateway.get_stages(restApiId=after["Id"])["item"]] == ["v1"]
    finally:
        stacks.delete("carts")
    assert after["Id"] not in {api["id"] for api in apigateway.get_rest_apis()["items"]}
