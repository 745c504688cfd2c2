"""A changed parameter of the API reaches its stage: SAM makes a new deployment for it, and only for a change.

API Gateway serves the snapshot that a deployment took. SAM names the deployment after a hash of the definition, and
hashes a `Ref` as it stands. It resolves parameters in `Auth` only, so the policy authorizer is defined there. It would
drop the cache time of a Cognito authorizer in `Auth`, so that one stays in the definition.
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
    written = translated(template, {**GIVEN, **changes})["Resources"]
    (name,) = (name for name, item in written.items() if item["Type"] == "AWS::ApiGateway::Deployment")
    (stage,) = (item["Properties"] for item in written.values() if item["Type"] == "AWS::ApiGateway::Stage")
    assert stage["DeploymentId"] == {"Ref": name}
    return name


def named(value: Any) -> Iterator[str]:
    """Everything that a part of a template refers to."""
    if isinstance(value, dict):
        if isinstance(value.get("Ref"), str):
            yield value["Ref"]
        yield from re.findall(r"\$\{(\w+)", json.dumps(value.get("Fn::Sub", "")))
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from named(item)


def test_another_cache_time_makes_a_new_deployment(application_source: Source) -> None:
    assert deployment(application_source) != deployment(application_source, AuthorizerCacheSeconds="5")


def test_equal_parameters_make_no_new_deployment(application_source: Source) -> None:
    assert deployment(application_source) == deployment(application_source)


def test_the_definition_that_sam_hashes_holds_no_parameter_but_the_user_pool(application_source: Source) -> None:
    """A stack keeps its user pool for life. `verify` finds a stage that still serves another one."""
    (api,) = (
        item["Properties"]["Body"]
        for item in translated(application_source, GIVEN)["Resources"].values()
        if item["Type"] == "AWS::ApiGateway::RestApi"
    )
    assert set(named(api)) & set(application_source["Parameters"]) == {"UserPoolArn"}


def test_a_parameter_in_the_definition_is_noticed(application_source: Source) -> None:
    definition = application_source["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    described = {**definition, "info": {"title": {"Fn::Sub": "${AppName}-${AWS::Region}"}}}
    assert set(named(described)) & set(application_source["Parameters"]) >= {"AppName"}


def test_the_api_s_stage_is_named_after_the_stage_so_that_two_stages_do_not_share_an_alarm(
    application: Source, identity_source: Source
) -> None:
    (stage,) = (item for item in application["Resources"].values() if item["Type"] == "AWS::ApiGateway::Stage")
    assert stage["Properties"]["StageName"] == {"Ref": "Stage"}
    assert application["Outputs"]["EndpointURL"]["Value"]["Fn::Sub"].endswith("/${Stage}/")
    watched = identity_source["Resources"]["ApiFailedAlarm"]["Properties"]["Dimensions"]
    assert {"Name": "Stage", "Value": {"Ref": "Stage"}} in watched
