"""A changed parameter of the API causes a new deployment of the API. An unchanged one does not.

API Gateway serves the snapshot of a deployment. SAM names the deployment after a hash of the definition, and does not
resolve a `Ref` before hashing. It resolves parameters only in `Auth`, so the policy authorizer is defined there. SAM
drops the cache time of a Cognito authorizer in `Auth`, so that authorizer stays in the definition.
Source:  API Gateway Developer Guide, "Updates to REST APIs that require redeployment"
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.infra.packaged import translated

Source = dict[str, Any]
POOL = "arn:aws:cognito-idp:mars-west-1:111122223333:userpool/mars-west-1_one"
GIVEN = {"Stage": "prod", "UserPoolArn": POOL, "AuthorizerCacheSeconds": "0"}


def deployment(template: Source, **changes: str) -> str:
    """The logical id of the deployment that the stage serves."""
    written: dict[str, Any] = translated(template, {**GIVEN, **changes})["Resources"]
    (name,) = (name for name, item in written.items() if item["Type"] == "AWS::ApiGateway::Deployment")
    (stage,) = (item["Properties"] for item in written.values() if item["Type"] == "AWS::ApiGateway::Stage")
    assert stage["DeploymentId"] == {"Ref": name}
    return name


def named(value: Any) -> Iterator[str]:
    """Returns all names that a part of a template refers to."""
    if isinstance(value, dict):
        if isinstance(value.get("Ref"), str):
            yield value["Ref"]
        yield from re.findall(r"\$\{(\w+)", json.dumps(value.get("Fn::Sub", "")))
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from named(item)


def test_another_cache_time_causes_a_new_deployment(application_source: Source) -> None:
    assert deployment(application_source) != deployment(application_source, AuthorizerCacheSeconds="5")


def test_equal_parameters_cause_no_new_deployment(application_source: Source) -> None:
    assert deployment(application_source) == deployment(application_source)


def test_the_definition_that_sam_hashes_refers_only_to_the_user_pool(application_source: Source) -> None:
    """A stack never changes its user pool. `verify` reports a stage that serves another one."""
    (api,) = (
        item["Properties"]["Body"]
        for item in translated(application_source, GIVEN)["Resources"].values()
        if item["Type"] == "AWS::ApiGateway::RestApi"
    )
    assert set(named(api)) & set(application_source["Parameters"]) == {"UserPoolArn"}


def test_a_parameter_in_the_definition_is_reported(application_source: Source) -> None:
    definition = application_source["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    described = {**definition, "info": {"title": {"Fn::Sub": "${AppName}-${AWS::Region}"}}}
    assert set(named(described)) & set(application_source["Parameters"]) >= {"AppName"}


def test_the_api_s_stage_has_the_name_of_the_stage(application: Source) -> None:
    (stage,) = (item for item in application["Resources"].values() if item["Type"] == "AWS::ApiGateway::Stage")
    assert stage["Properties"]["StageName"] == {"Ref": "Stage"}
    assert application["Outputs"]["EndpointURL"]["Value"]["Fn::Sub"].endswith("/${Stage}/")
    watched = application["Resources"]["ApiFailedAlarm"]["Properties"]["Dimensions"]
    assert {"Name": "Stage", "Value": {"Ref": "Stage"}} in watched
