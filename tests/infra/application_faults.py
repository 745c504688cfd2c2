"""Faults for the packaged template before the SAM transform, each with the control that must report it."""

from tests.infra.faults import GONE, Fault

_API = "RestAPI.DefinitionBody"
_RESPONSES = f"{_API}.x-amazon-apigateway-gateway-responses"
_MAPPING = "PolicyChanged.Events.PolicyChangedDynamodbEventSource.Properties"

APPLICATION_FAULTS = (
    Fault("authorizer results are cached by default", 12, "Parameters.AuthorizerCacheSeconds.Default", 300),
    Fault(
        "the Cognito authorizer caches results",
        12,
        f"{_API}.securityDefinitions.pool.x-amazon-apigateway-authorizer.authorizerResultTtlInSeconds",
        GONE,
    ),
    Fault("two functions with one role", 18, "PolicyAuthorizer.Role", {"Ref": "ApiRoleArn"}),
    Fault("a role of another account", 18, "PostConfirmation.Role", "arn:aws:iam::111122223333:role/admin"),
    Fault("any API can invoke", 19, "APIHandlerInvokePermission.SourceArn", GONE),
    Fault(
        "every API of the account can invoke",
        19,
        "PolicyAuthorizerInvokePermission.SourceArn",
        {"Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:*/*"},
    ),
    Fault("any principal can invoke the service", 19, "APIHandlerInvokePermission.Principal", "*"),
    Fault("permission to flush every API's cache", 18, "FlushPermission.PolicyDocument.Statement.0.Resource", "*"),
    Fault("any user pool can invoke", 19, "PreTokenPermission.SourceArn", GONE),
    Fault("any account can invoke", 19, "PreTokenPermission.SourceAccount", GONE),
    Fault("another resource can invoke", 19, "PostConfirmationPermission.SourceArn", {"Ref": "PolicyStreamArn"}),
    Fault("any principal can invoke a trigger", 19, "PostConfirmationPermission.Principal", "*"),
    Fault("all Lambda actions are permitted", 19, "PostConfirmationPermission.Action", "lambda:*"),
    Fault("a permission for another function", 19, "PreTokenPermission.FunctionName", {"Ref": "PolicyChanged"}),
    Fault("no permission for a trigger", 19, "Resources.PostConfirmationPermission", GONE),
    Fault("no alarm for API failures", 23, "Resources.ApiFailedAlarm", GONE),
    Fault("an alarm on another stage's API", 23, "ApiFailedAlarm.Dimensions.1.Value", "v2"),
    Fault("an alarm that notifies nobody", 23, "ApiFailedAlarm.AlarmActions", []),
    Fault("no web ACL for the API", 24, "Resources.WafOnApi", GONE),
    Fault("a web ACL for another resource", 24, "WafOnApi.ResourceArn", {"Ref": "UserPoolArn"}),
    Fault("failed records are lost", 23, f"{_MAPPING}.DestinationConfig", GONE),
    Fault("a bad record blocks the others", 23, f"{_MAPPING}.BisectBatchOnFunctionError", False),
    Fault("a bad record is retried for a day", 23, f"{_MAPPING}.MaximumRetryAttempts", GONE),
    Fault("batches without partial failures", 23, f"{_MAPPING}.FunctionResponseTypes", GONE),
    Fault("the mapping starts at the latest record", 23, f"{_MAPPING}.StartingPosition", "LATEST"),
    Fault("a route without an authorizer", 26, f"{_API}.paths./admin/policies.get.security", GONE),
    Fault("a route without scopes", 26, f"{_API}.paths./scoped.get.security", [{"pool": []}]),
    Fault("a route with an unknown authorizer", 26, f"{_API}.paths./whoami.get.security", [{"api_key": []}]),
    Fault(
        "users of another pool",
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
        "401 without WWW-Authenticate",
        30,
        f"{_RESPONSES}.UNAUTHORIZED.responseParameters.gatewayresponse|header|WWW-Authenticate",
        GONE,
    ),
    Fault("error responses that browsers cannot read", 30, f"{_RESPONSES}.DEFAULT_5XX.responseParameters", {}),
    Fault("a failure with the status 403", 30, f"{_RESPONSES}.AUTHORIZER_FAILURE.statusCode", 403),
    Fault(
        "a response that shows the cause",
        30,
        f"{_RESPONSES}.DEFAULT_5XX.responseTemplates",
        {"application/json": '{"message":"$context.integrationErrorMessage"}'},
    ),
    Fault("a trigger with a longer timeout than Cognito's", 31, "PreToken.Timeout", 30),
    Fault("an authorizer with a longer timeout than the gateway's", 31, "PolicyAuthorizer.Timeout", 29),
)
