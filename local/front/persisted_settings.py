"""Persists settings that ministack accepts and drops, so that a later read returns them.

The settings are:
- for user pools of CloudFormation: the key and the issuer
- for tables of CloudFormation: point-in-time recovery, time to live and encryption
- for app clients: the rotation of refresh tokens
- for imported APIs: the cache time of Cognito authorizers
- for exports of an API: Cognito authorizers, scopes and gateway responses

tests/infra/test_verify.py tests these patches.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import apigateway_v1, cognito, dynamodb

from local.front.directory import Record
from local.front.patches import registry

_PROVISIONERS = "ministack.services.cloudformation.provisioners"
_ROTATION = "RefreshTokenRotation"
_POOL = "COGNITO_USER_POOLS"
_RESPONSE = ("statusCode", "responseParameters", "responseTemplates")


@registry.patches(_PROVISIONERS, "_RESOURCE_HANDLERS", "AWS::Cognito::UserPool", "create")
@registry.patches(_PROVISIONERS, "_RESOURCE_HANDLERS", "AWS::Cognito::UserPool", "update")
def _persist_pool(original: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Persists the key and the issuer of a user pool."""
    made = original(*arguments, **named)
    properties = _properties(arguments)
    given = {key: properties[key] for key in ("IssuerConfiguration", "KeyConfiguration") if key in properties}
    cognito._user_pools[made[0]].update(given)
    return made


@registry.patches(_PROVISIONERS, "_RESOURCE_HANDLERS", "AWS::DynamoDB::Table", "create")
@registry.patches(_PROVISIONERS, "_RESOURCE_HANDLERS", "AWS::DynamoDB::Table", "update")
def _persist_table(original: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Persists point-in-time recovery, time to live and encryption of a table."""
    made = original(*arguments, **named)
    properties = _properties(arguments)
    recovery = properties.get("PointInTimeRecoverySpecification", {})
    dynamodb._update_continuous_backups({"TableName": made[0], "PointInTimeRecoverySpecification": recovery})
    encryption = dynamodb._sse_description_from_spec(properties.get("SSESpecification"))
    dynamodb._tables[made[0]]["SSEDescription"] = encryption
    if "TimeToLiveSpecification" in properties:
        expiry = properties["TimeToLiveSpecification"]
        dynamodb._update_ttl({"TableName": made[0], "TimeToLiveSpecification": expiry})
    return made


def _properties(arguments: tuple[Any, ...]) -> Record:
    """Returns the new properties: the last dictionary in the arguments of a handler."""
    properties: Record = [argument for argument in arguments if isinstance(argument, dict)][-1]
    return properties


@registry.replaces(_PROVISIONERS, "_COGNITO_USER_POOL_CLIENT_UPDATABLE", _ROTATION, adds=True)
def _updatable(present: Any) -> Any:
    """Lets an update of an app client change the rotation of refresh tokens."""
    return present


@registry.patches("ministack.services.cognito", "_create_user_pool_client")
@registry.patches("ministack.services.cognito", "_update_user_pool_client")
def _persist_client(original: Callable[..., Any], fields: Record) -> Any:
    """Persists the rotation of refresh tokens of an app client."""
    answer = original(fields)
    pool = cognito._user_pools.get(fields.get("UserPoolId"))
    if pool and answer[0] < 400 and _ROTATION in fields:
        client_id = json.loads(answer[2])["UserPoolClient"]["ClientId"]  # the answer names a new client
        pool["_clients"][client_id][_ROTATION] = fields[_ROTATION]
    return answer


@registry.patches("ministack.services.apigateway_v1", "_import_security_schemes")
def _persist_authorizers(original: Callable[..., Any], api_id: str, definition: Record) -> Any:
    """Persists the cache time of the authorizers of an imported API."""
    made = original(api_id, definition)
    for name, scheme in apigateway_v1._security_schemes(definition).items():
        ttl = scheme.get("x-amazon-apigateway-authorizer", {}).get("authorizerResultTtlInSeconds")
        authorizer = apigateway_v1._authorizers_v1[api_id].get(made.get(name, {}).get("authorizerId"))
        if authorizer and ttl is not None:
            authorizer["authorizerResultTtlInSeconds"] = int(ttl)
    return made


@registry.patches("ministack.services.apigateway_v1", "_build_api_export")
def _complete_export(original: Callable[..., Any], api_id: str, stage: str, *arguments: Any) -> Any:
    """Adds Cognito authorizers, scopes and gateway responses to an export."""
    document = original(api_id, stage, *arguments)
    schemes = document.setdefault("securityDefinitions", {})
    for authorizer in apigateway_v1._authorizers_v1.get(api_id, {}).values():
        if authorizer["type"] == _POOL:
            settings = {key: authorizer[key] for key in ("providerARNs", "authorizerResultTtlInSeconds")}
            schemes[authorizer["name"]] = {"x-amazon-apigateway-authorizer": settings}
    document["x-amazon-apigateway-gateway-responses"] = _served_responses(api_id, stage)
    for resource in apigateway_v1._resources[api_id].values():
        for method, settings in resource.get("resourceMethods", {}).items():
            if settings.get("authorizationType") == _POOL:
                authorizer = apigateway_v1._authorizers_v1[api_id][settings["authorizerId"]]
                scopes = {authorizer["name"]: settings.get("authorizationScopes", [])}
                document["paths"][resource["path"]][method.lower()]["security"] = [scopes]
    return document


def _served_responses(api_id: str, stage: str) -> Record:
    """Returns the gateway responses of a stage's deployment, in the form of a definition."""
    deployment = apigateway_v1._stages_v1[api_id][stage]["deploymentId"]
    customized: Record = apigateway_v1._deployed_gateway_responses.get(api_id, {}).get(deployment, {})
    return {
        kind: {key: response[key] for key in _RESPONSE if response.get(key)} for kind, response in customized.items()
    }
