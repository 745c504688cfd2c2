"""Rules about the application's stack: routes, functions and error responses."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.configured import APP, FUNCTIONS
from tests.infra.intrinsics import ACCOUNT
from tests.infra.resolve import Stack, Template
from tests.infra.rules.access import WITHOUT_RESOURCE, exact_statements
from tests.infra.rules.data import SECRET
from tests.infra.rules.operations import alarms, associations
from tests.public_routes import is_public

# Cognito waits 5 s for a trigger. API Gateway waits 29 s for a response. A batch of the stream can be long.
LONGEST_SECONDS = {"app": 28} | {it.name: 60 for it in FUNCTIONS if it.reads_stream}
LONGEST_OTHERWISE = 5
PERMITTED = {
    "apigateway.amazonaws.com": {"<APIHandlerLive>", "<PolicyAuthorizerLive>"},
    "cognito-idp.amazonaws.com": {f"<{it.resource}Live>" for it in FUNCTIONS if it.is_trigger},
}
WATCHED = {f"AWS/ApiGateway 5XXError ApiName={APP} Stage=dev": 0}


def functions(stack: Stack) -> dict[str, dict[str, Any]]:
    return {it.properties["FunctionName"]: it.properties for it in stack.of("AWS::Lambda::Function")}


def definition(stack: Stack) -> dict[str, Any]:
    (api,) = stack.of("AWS::ApiGateway::RestApi")
    body: dict[str, Any] = api.properties["Body"]
    return body


def authorizers(stack: Stack) -> dict[str, dict[str, Any]]:
    defined = definition(stack).get("securityDefinitions", {})
    return {name: it["x-amazon-apigateway-authorizer"] for name, it in defined.items()}


def nothing_is_cached(stack: Stack) -> Iterator[str]:
    for name, authorizer in authorizers(stack).items():
        if authorizer.get("authorizerResultTtlInSeconds") != 0:  # absent means 300 s
            yield f"the results of {name} are cached for {authorizer.get('authorizerResultTtlInSeconds')} s"


def own_roles(stack: Stack) -> Iterator[str]:
    yield from exact_statements(stack, WITHOUT_RESOURCE | {"cloudwatch:DescribeAlarms"})
    roles = [function["Role"] for function in functions(stack).values()]
    if len(set(roles)) < len(roles):
        yield f"functions share a role: {sorted(roles)}"
    for role in roles:
        if not re.fullmatch(r"<\w+Role\.Arn>", role):
            yield f"{role} is not a role of the identity stack"


def invocations(stack: Stack) -> Iterator[str]:
    """This API can invoke the service and the authorizer. This user pool can invoke the triggers."""
    permitted: dict[str, set[str]] = {}
    for permission in stack.of("AWS::Lambda::Permission"):
        properties = permission.properties
        principal, action = properties.get("Principal"), properties.get("Action")
        source, account = properties.get("SourceArn", ""), properties.get("SourceAccount")
        permitted.setdefault(str(principal), set()).add(properties["FunctionName"])
        if action != "lambda:InvokeFunction":
            yield f"{permission.name} allows {action}"
        if principal == "apigateway.amazonaws.com" and f":{ACCOUNT}:<RestAPI>/" not in source:
            yield f"{permission.name} admits other APIs"
        if principal == "cognito-idp.amazonaws.com" and (source, account) != ("<UserPool.Arn>", ACCOUNT):
            yield f"{permission.name} admits other user pools"
    if permitted != PERMITTED:
        yield f"the permissions are {permitted}"


def logged(stack: Stack, identity: Stack) -> Iterator[str]:
    groups = {group.properties["LogGroupName"] for group in identity.of("AWS::Logs::LogGroup")}
    written = {f"/aws/lambda/{name}" for name in functions(stack)}
    if groups != written:
        yield f"the functions write to {sorted(written)}, and the log groups are {sorted(groups)}"


def failures_are_retained(stack: Stack) -> Iterator[str]:
    yield from alarms(stack, WATCHED, ["<AlarmTopic>"])
    mappings = stack.of("AWS::Lambda::EventSourceMapping")
    if [mapping.properties.get("EventSourceArn") for mapping in mappings] != ["<PolicyTable.StreamArn>"]:
        yield "the stream handler does not read exactly the policy table's stream"
    for mapping in mappings:
        properties = mapping.properties
        destination = properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if destination != "<StreamDeadLetters.Arn>":
            yield f"failed records go to {destination}"
        if properties.get("BisectBatchOnFunctionError") is not True:
            yield "one bad record blocks its batch"
        if properties.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield "a partly failed batch is not reported as such"
        if (
            not 0 < properties.get("MaximumRetryAttempts", -1) <= 100
        ):  # without this setting, Lambda retries until the record expires
            yield f"a bad record is retried {properties.get('MaximumRetryAttempts')} times"
        if properties.get("StartingPosition") != "TRIM_HORIZON":
            yield "the handler does not read changes from before the mapping"


def firewall(stack: Stack) -> Iterator[str]:
    protected = {it.properties["ResourceArn"]: it.properties["WebACLArn"] for it in associations(stack)}
    acl = stack.parameters["WebAclArn"]
    expected = {"arn:aws:apigateway:mars-west-1::/restapis/<RestAPI>/stages/<RestAPIStage>": acl} if acl else {}
    if protected != expected:
        yield f"the web ACL protects {protected}"


def protected_routes(stack: Stack) -> Iterator[str]:
    known = authorizers(stack)
    for path, methods in definition(stack)["paths"].items():
        for method, operation in methods.items():
            used = [name for item in operation.get("security", []) for name in item]
            if method == "options" or is_public(method, path):
                continue
            if len(used) != 1 or used[0] not in known:
                yield f"{method} {path} has the authorizers {used}"
            elif used == ["pool"] and not operation["security"][0]["pool"]:
                yield f"{method} {path} accepts every token of the pool"  # also ID tokens
    if known.get("pool", {}).get("providerARNs") != ["<UserPool.Arn>"]:
        yield "the Cognito authorizer uses another user pool"
    if "<PolicyAuthorizerLive>" not in known.get("policy_authorizer", {}).get("authorizerUri", ""):
        yield "the policy authorizer is another function"


def no_secrets(stack: Stack) -> Iterator[str]:
    """A person who can read a function's configuration sees its environment."""
    for name, function in functions(stack).items():
        variables = function.get("Environment", {}).get("Variables", {})
        if SECRET.search(json.dumps(variables)) or any(re.search("SECRET|PASSWORD|TOKEN", key) for key in variables):
            yield f"{name} has a secret in its environment"


def error_responses(stack: Stack) -> Iterator[str]:
    responses = definition(stack).get("x-amazon-apigateway-gateway-responses", {})
    for kind, response in responses.items():
        if "gatewayresponse.header.Access-Control-Allow-Origin" in response.get("responseParameters", {}):
            yield f"pages of other origins can read the gateway response {kind}"
    unauthorized = responses.get("UNAUTHORIZED", {})
    if "gatewayresponse.header.WWW-Authenticate" not in unauthorized.get("responseParameters", {}):
        yield "401 has no WWW-Authenticate header"
    for kind, status in (("UNAUTHORIZED", 401), ("ACCESS_DENIED", 403), ("AUTHORIZER_FAILURE", 500)):
        if int(responses.get(kind, {}).get("statusCode", 0)) != status:
            yield f"{kind} does not have the status {status}"
    if re.search(
        r"\$context\.(authorizer\.claims|integrationErrorMessage|error\.validationErrorString)|\$input",
        json.dumps(responses),
    ):
        yield "a gateway response shows claims or the cause of a failure"


def timeouts(stack: Stack) -> Iterator[str]:
    for name, function in functions(stack).items():
        longest = LONGEST_SECONDS.get(function["Handler"].rsplit(".", 1)[-1], LONGEST_OTHERWISE)
        if function.get("Timeout", 3) > longest:
            yield f"{name} has a timeout of {function['Timeout']} s"


def parameters_are_outputs(template: Template, identity: Stack) -> Iterator[str]:
    for name, slot in template.source["Parameters"].items():
        if "Default" not in slot and name not in identity.outputs:
            yield f"The identity stack has no output for the parameter {name}."
