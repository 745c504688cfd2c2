"""Use case 1: API Gateway's own Cognito authorizer, which lets in access tokens with a scope that the route asks for.

It looks at the token only. Policies and revocations do not reach the routes behind it: they follow the token's life.
"""

import os
from typing import Any

from chalice.app import Authorizer, CognitoUserPoolAuthorizer

from chalicelib.settings import Settings


class PoolAuthorizer(CognitoUserPoolAuthorizer):
    """Chalice's Cognito authorizer, with API Gateway's memory of results switched off.

    Left unsaid it is 300 s, for which a token would be accepted beyond its expiry.
    """

    def to_swagger(self) -> dict[str, Any]:
        swagger: dict[str, Any] = super().to_swagger()
        swagger["x-amazon-apigateway-authorizer"]["authorizerResultTtlInSeconds"] = 0
        return swagger


def requires(*scopes: str) -> Authorizer:
    """Guard a route: the token must carry any one of the scopes, named without their resource server."""
    settings = Settings(os.environ)
    # Under `chalice package` the pool is a parameter of the template, which Chalice's annotation does not foresee.
    arn: Any = settings.user_pool_arn or {"Ref": "UserPoolArn"}
    pool = PoolAuthorizer("pool", provider_arns=[arn])
    return pool.with_scopes([f"{settings.resource_server}/{scope}" for scope in scopes])
