"""Faults for the packaged template before the SAM transform, each with the control that must report it."""

from tests.infra.faults import GONE, Fault

_API = "RestAPI.DefinitionBody"
_RESPONSES = f"{_API}.x-amazon-apigateway-gateway-responses"
_MAPPING = "PolicyChangedPolicyChangedDynamodbEventSource"
_SHIFT_ROLE = "TrafficShiftRole"
_LATEST = {
    "Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${APIHandler.Arn}/invocations"
}

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
    Fault(
        "error responses that every page can read",
        30,
        f"{_RESPONSES}.DEFAULT_5XX.responseParameters",
        {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"},
    ),
    Fault("a failure with the status 403", 30, f"{_RESPONSES}.AUTHORIZER_FAILURE.statusCode", 403),
    Fault(
        "a response that shows the cause",
        30,
        f"{_RESPONSES}.DEFAULT_5XX.responseTemplates",
        {"application/json": '{"message":"$context.integrationErrorMessage"}'},
    ),
    Fault("a trigger with a longer timeout than Cognito's", 31, "PreToken.Timeout", 30),
    Fault("an authorizer with a longer timeout than the gateway's", 31, "PolicyAuthorizer.Timeout", 29),
    Fault(
        "a role that changes every function", 18, f"{_SHIFT_ROLE}.Policies.0.PolicyDocument.Statement.0.Resource", "*"
    ),
    Fault(
        "a role that changes the code",
        18,
        f"{_SHIFT_ROLE}.Policies.0.PolicyDocument.Statement.0.Action",
        ["lambda:UpdateAlias", "lambda:UpdateFunctionCode"],
    ),
    Fault(
        "a role for CodeDeploy of any account",
        18,
        f"{_SHIFT_ROLE}.AssumeRolePolicyDocument.Statement.0.Condition",
        GONE,
    ),
    Fault("a shift without the permissions boundary", 18, f"{_SHIFT_ROLE}.PermissionsBoundary", GONE),
    Fault(
        "the API calls the latest code", 34, f"{_API}.paths./whoami.get.x-amazon-apigateway-integration.uri", _LATEST
    ),
    Fault(
        "the API calls the latest authorizer",
        34,
        "RestAPI.Auth.Authorizers.policy_authorizer.FunctionArn",
        {"Fn::GetAtt": ["PolicyAuthorizer", "Arn"]},
    ),
    Fault("the stream calls the latest code", 34, f"{_MAPPING}.FunctionName", {"Ref": "PolicyChanged"}),
    Fault("a permission for the latest code", 34, "APIHandlerInvokePermission.FunctionName", {"Ref": "APIHandler"}),
    Fault("a function without an alias", 34, "Resources.PostConfirmationLive", GONE),
    Fault("an alias of the latest code", 34, "PreTokenLive.FunctionVersion", "$LATEST"),
    Fault("an alias of another function's version", 34, "PreTokenLive.FunctionVersion", "1"),
    Fault("a function that does not change with its release", 34, "PolicyAuthorizer.Description", GONE),
    Fault("a shift that no alarm stops", 34, "PreTokenShift.AlarmConfiguration.Alarms", []),
    Fault("a shift that ignores its alarms", 34, "PreTokenShift.AlarmConfiguration.Enabled", False),
    Fault(
        "a shift that does not go back", 34, "PreTokenShift.AutoRollbackConfiguration.Events", ["DEPLOYMENT_FAILURE"]
    ),
    Fault(
        "a shift of all traffic at once", 34, "PreTokenShift.DeploymentConfigName", "CodeDeployDefault.LambdaAllAtOnce"
    ),
    Fault("an alias that is not shifted", 34, "Resources.PreTokenLive.UpdatePolicy", GONE),
    Fault("snapshots together with provisioned concurrency", 34, "PreToken.SnapStart.ApplyOn", "PublishedVersions"),
    Fault(
        "provisioned concurrency that nobody chose",
        34,
        "PreTokenLive.ProvisionedConcurrencyConfig.Fn::If.0",
        "HasBoundary",
    ),
    Fault("a domain that leads to another API", 35, "ApiDomainMapping.RestApiId", "a1b2c3"),
    Fault("a domain that leads to another stage", 35, "ApiDomainMapping.Stage", "prod"),
    Fault("a domain without the base path", 35, "ApiDomainMapping.BasePath", GONE),
    Fault("a domain that leads nowhere", 35, "Resources.ApiDomainMapping", GONE),
    Fault("a domain with TLS 1.0", 35, "ApiDomain.SecurityPolicy", "TLS_1_0"),
    Fault("a strict domain in front of an API with old TLS versions", 35, "RestAPI.SecurityPolicy", GONE),
    Fault("a domain that accepts a request for another host", 35, "ApiDomain.EndpointAccessMode", GONE),
    Fault(
        "an edge certificate for a regional domain",
        35,
        "ApiDomain.RegionalCertificateArn",
        {"Ref": "ApiEdgeCertificateArn"},
    ),
    Fault("a regional domain behind the edge", 35, "ApiDomain.EndpointConfiguration.Types", ["EDGE"]),
    Fault(
        "a URL without the domain",
        35,
        "Outputs.ApiUrl.Value",
        {"Fn::Sub": "https://${RestAPI}.execute-api.amazonaws.com/"},
    ),
)
