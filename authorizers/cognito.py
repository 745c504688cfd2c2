"""Use case 1: API Gateway's Cognito authorizer. It accepts an access token that carries a scope of the route.

It checks only the token. Policies and revocations have no effect on these routes until the token expires.
"""

import os
from typing import Any

from chalice.app import Authorizer, CognitoUserPoolAuthorizer

from chalicelib.settings import Settings


class PoolAuthorizer(CognitoUserPoolAuthorizer):
    """Chalice's Cognito authorizer without API Gateway's cache of results.

    API Gateway's default is 300 s. For that time it would accept a token after its expiry.
    """

    def to_swagger(self) -> dict[str, Any]:
        swagger: dict[str, Any] = super().to_swagger()
        swagger["x-amazon-apigateway-authorizer"]["authorizerResultTtlInSeconds"] = 0
        return swagger


def requires(*scopes: str) -> Authorizer:
    """Returns the authorizer of a route. The token must carry one of the scopes, given without the resource server."""
    settings = Settings(os.environ)
    # Under `chalice package` the pool is a parameter of the template, which Chalice's annotation does not allow.
    arn: Any = settings.user_pool_arn or {"Ref": "UserPoolArn"}
    pool = PoolAuthorizer("pool", provider_arns=[arn])
    return pool.with_scopes([f"{settings.resource_server}/{scope}" for scope in scopes])
