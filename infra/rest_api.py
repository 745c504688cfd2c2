"""Sets the REST API's gateway responses and each authorizer's cache, which `chalice deploy` does not set."""

from collections.abc import Mapping
from typing import Any

from infra.application import Application
from infra.comparison import covers
from infra.stage import Stage


def reconcile(stage: Stage, gateway: Any, api_id: str, application: Application) -> bool:
    """Sets what differs from the application's template, and deploys the API then. Returns whether anything changed.

    gateway  a boto3 client for apigateway
    """
    responses, authorizers = application.gateway_responses, gateway.get_authorizers(restApiId=api_id)["items"]
    changes = [
        *[_put_response(gateway, api_id, kind, response) for kind, response in responses.items()],
        *[_set_cache(gateway, api_id, item, application.authorizer_cache_seconds) for item in authorizers],
    ]
    if any(changes):
        gateway.create_deployment(restApiId=api_id, stageName=stage.name)
    return any(changes)


def _put_response(gateway: Any, api_id: str, kind: str, expected: Mapping[str, Any]) -> bool:
    if covers(gateway.get_gateway_response(restApiId=api_id, responseType=kind), expected):
        return False
    gateway.put_gateway_response(restApiId=api_id, responseType=kind, **expected)
    return True


def _set_cache(gateway: Any, api_id: str, authorizer: Mapping[str, Any], seconds: int) -> bool:
    # The cache of a Cognito authorizer would accept tokens after their expiry.
    expected = 0 if authorizer["type"] == "COGNITO_USER_POOLS" else seconds
    if authorizer.get("authorizerResultTtlInSeconds") == expected:
        return False
    patch = {"op": "replace", "path": "/authorizerResultTtlInSeconds", "value": str(expected)}
    gateway.update_authorizer(restApiId=api_id, authorizerId=authorizer["id"], patchOperations=[patch])
    return True
