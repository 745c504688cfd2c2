"""Faults planted into the packaged template, before AWS's transform, each with the control that has to notice."""

from tests.infra.faults import GONE, Fault

_API = "RestAPI.DefinitionBody"
_ANSWERS = f"{_API}.x-amazon-apigateway-gateway-responses"
_MAPPING = "PolicyChanged.Events.PolicyChangedDynamodbEventSource.Properties"

APPLICATION_FAULTS = (
    Fault("decisions remembered by default", 12, "Parameters.AuthorizerCacheSeconds.Default", 300),
    Fault(
        "scopes remembered",
        12,
        f"{_API}.securityDefinitions.pool.x-amazon-apigateway-authorizer.authorizerResultTtlInSeconds",
        GONE,
    ),
    Fault("two functions, one role", 18, "PolicyAuthorizer.Role", {"Ref": "ApiRoleArn"}),
    Fault("a role from elsewhere", 18, "PostConfirmation.Role", "arn:aws:iam::111122223333:role/admin"),
    Fault("any API may ask", 19, "APIHandlerInvokePermission.SourceArn", GONE),
    Fault(
        "every API of the account may ask",
        19,
        "PolicyAuthorizerInvokePermission.SourceArn",
        {"Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:*/*"},
    ),
    Fault("anyone may ask the service", 19, "APIHandlerInvokePermission.Principal", "*"),
    Fault("failed records forgotten", 23, f"{_MAPPING}.DestinationConfig", GONE),
    Fault("a bad record holds up the others", 23, f"{_MAPPING}.BisectBatchOnFunctionError", False),
    Fault("a bad record for a day", 23, f"{_MAPPING}.MaximumRetryAttempts", GONE),
    Fault("batches done or not done", 23, f"{_MAPPING}.FunctionResponseTypes", GONE),
    Fault("changes overlooked", 23, f"{_MAPPING}.StartingPosition", "LATEST"),
    Fault("an open route", 26, f"{_API}.paths./reports.get.security", GONE),
    Fault("a route without scopes", 26, f"{_API}.paths./files.get.security", [{"pool": []}]),
    Fault("a route with an unknown guard", 26, f"{_API}.paths./whoami.get.security", [{"api_key": []}]),
    Fault(
        "people of another pool",
        26,
        f"{_API}.securityDefinitions.pool.x-amazon-apigateway-authorizer.providerARNs",
        ["arn:aws:cognito-idp:mars-west-1:111122223333:userpool/other"],
    ),
    Fault("a secret in the environment", 28, "APIHandler.Environment.Variables.CLIENT_SECRET", "hunter2"),
    Fault(
        "a secret fetched into the environment",
        28,
        "APIHandler.Environment.Variables.MACHINE",
        "{{resolve:secretsmanager:machine}}",
    ),
    Fault(
        "401 without a challenge",
        30,
        f"{_ANSWERS}.UNAUTHORIZED.responseParameters.gatewayresponse|header|WWW-Authenticate",
        GONE,
    ),
    Fault("failures unreadable for pages", 30, f"{_ANSWERS}.DEFAULT_5XX.responseParameters", {}),
    Fault("a failure that looks like a refusal", 30, f"{_ANSWERS}.AUTHORIZER_FAILURE.statusCode", 403),
    Fault(
        "an answer that shows causes",
        30,
        f"{_ANSWERS}.DEFAULT_5XX.responseTemplates",
        {"application/json": '{"message":"$context.integrationErrorMessage"}'},
    ),
    Fault("a trigger that outlasts Cognito", 31, "PreToken.Timeout", 30),
    Fault("an authorizer that outlasts its caller", 31, "PolicyAuthorizer.Timeout", 29),
)
