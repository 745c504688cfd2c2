"""Settings that ministack takes and forgets, kept so that who reads them back finds what was said.

They are: the key and the issuer of CloudFormation's user pools, point-in-time recovery, expiry and encryption of
CloudFormation's tables, the rotation of refresh tokens, the memory of a user pool's authorizer in an imported API, and
such authorizers and error responses in an export.
ministack is pinned, and tests/infra/test_verify.py fails when an upgrade moves what is used here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import apigateway_v1, cognito, dynamodb
from ministack.services.cloudformation import provisioners

from local.front.directory import Record
from local.front.wrapping import wrap, wrap_entry

_ROTATION = "RefreshTokenRotation"
_POOL = "COGNITO_USER_POOLS"
_RESPONSE = ("statusCode", "responseParameters", "responseTemplates")


def install() -> None:
    """Wrap ministack's functions; once is enough, so a second call changes nothing."""
    tables = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    for action in ("create", "update"):
        wrap_entry(tables, action, _kept_table)
    pools = provisioners._RESOURCE_HANDLERS["AWS::Cognito::UserPool"]
    for action in ("create", "update"):
        wrap_entry(pools, action, _kept_pool)
    provisioners._COGNITO_USER_POOL_CLIENT_UPDATABLE.setdefault(_ROTATION, None)
    for action in ("_create_user_pool_client", "_update_user_pool_client"):
        wrap(cognito, action, _kept_client)
    wrap(apigateway_v1, "_import_security_schemes", _kept_authorizers)
    wrap(apigateway_v1, "_build_api_export", _whole_export)


def _kept_pool(original: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    made = original(*arguments, **named)
    properties: Record = [argument for argument in arguments if isinstance(argument, dict)][-1]
    said = {key: properties[key] for key in ("IssuerConfiguration", "KeyConfiguration") if key in properties}
    cognito._user_pools[made[0]].update(said)
    return made


def _kept_table(original: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    made = original(*arguments, **named)
    # A handler gets its id first, and the properties, those of an update after the old ones.
    properties: Record = [argument for argument in arguments if isinstance(argument, dict)][-1]
    recovery = properties.get("PointInTimeRecoverySpecification", {})
    dynamodb._update_continuous_backups({"TableName": made[0], "PointInTimeRecoverySpecification": recovery})
    encryption = dynamodb._sse_description_from_spec(properties.get("SSESpecification"))
    dynamodb._tables[made[0]]["SSEDescription"] = encryption
    if "TimeToLiveSpecification" in properties:
        expiry = properties["TimeToLiveSpecification"]
        dynamodb._update_ttl({"TableName": made[0], "TimeToLiveSpecification": expiry})
    return made


def _kept_client(original: Callable[..., Any], fields: Record) -> Any:
    answer = original(fields)
    pool = cognito._user_pools.get(fields.get("UserPoolId"))
    if pool and answer[0] < 400 and _ROTATION in fields:
        client_id = json.loads(answer[2])["UserPoolClient"]["ClientId"]  # a new one gets it with this answer
        pool["_clients"][client_id][_ROTATION] = fields[_ROTATION]
    return answer


def _kept_authorizers(original: Callable[..., Any], api_id: str, definition: Record) -> Any:
    made = original(api_id, definition)
    for name, scheme in apigateway_v1._security_schemes(definition).items():
        said = scheme.get("x-amazon-apigateway-authorizer", {}).get("authorizerResultTtlInSeconds")
        authorizer = apigateway_v1._authorizers_v1[api_id].get(made.get(name, {}).get("authorizerId"))
        if authorizer and said is not None:
            authorizer["authorizerResultTtlInSeconds"] = int(said)
    return made


def _whole_export(original: Callable[..., Any], api_id: str, stage: str, *arguments: Any) -> Any:
    """Add the user pool's authorizers, the scopes and the error responses: ministack's export has none of them."""
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
                guard = {authorizer["name"]: settings.get("authorizationScopes", [])}
                document["paths"][resource["path"]][method.lower()]["security"] = [guard]
    return document


def _served_responses(api_id: str, stage: str) -> Record:
    """The error responses that a stage's deployment took along, as a definition names them."""
    deployment = apigateway_v1._stages_v1[api_id][stage]["deploymentId"]
    customized: Record = apigateway_v1._deployed_gateway_responses.get(api_id, {}).get(deployment, {})
    return {
        kind: {key: response[key] for key in _RESPONSE if response.get(key)} for kind, response in customized.items()
    }
