"""Rules about the application's stack, which is given the outputs of the identity stack: routes, functions, answers."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.infra.intrinsics import ACCOUNT
from tests.infra.resolve import Stack, Template
from tests.infra.rules.data import SECRET
from tests.public_routes import is_public

# Cognito waits 5 s for a trigger and API Gateway 29 s for an answer; a batch of the stream may be long.
LONGEST_SECONDS = {"policy_changed": 60, "app": 28}
LONGEST_OTHERWISE = 5


def functions(stack: Stack) -> dict[str, dict[str, Any]]:
    return {it.properties["FunctionName"]: it.properties for it in stack.of("AWS::Lambda::Function")}


def definition(stack: Stack) -> dict[str, Any]:
    (api,) = stack.of("AWS::ApiGateway::RestApi")
    body: dict[str, Any] = api.properties["Body"]
    return body


def authorizers(stack: Stack) -> dict[str, dict[str, Any]]:
    defined = definition(stack).get("securityDefinitions", {})
    return {name: it["x-amazon-apigateway-authorizer"] for name, it in defined.items()}


def nothing_is_remembered(stack: Stack) -> Iterator[str]:
    for name, authorizer in authorizers(stack).items():
        if authorizer.get("authorizerResultTtlInSeconds") != 0:  # absent means 300 s
            yield f"what {name} says is remembered for {authorizer.get('authorizerResultTtlInSeconds')} s"


def own_roles(stack: Stack) -> Iterator[str]:
    roles = [function["Role"] for function in functions(stack).values()]
    if len(set(roles)) < len(roles):
        yield f"functions share a role: {sorted(roles)}"
    for role in roles:
        if not re.fullmatch(r"<\w+Role\.Arn>", role):
            yield f"{role} is none of the identity stack's roles"


def asked_by_our_api(stack: Stack) -> Iterator[str]:
    for permission in stack.of("AWS::Lambda::Permission"):
        properties = permission.properties
        if properties.get("Principal") != "apigateway.amazonaws.com":
            yield f"{permission.name} lets {properties.get('Principal')} ask"
        if f":{ACCOUNT}:<RestAPI>/" not in properties.get("SourceArn", ""):
            yield f"{permission.name} lets other APIs ask"


def logged(stack: Stack, identity: Stack) -> Iterator[str]:
    groups = {group.properties["LogGroupName"] for group in identity.of("AWS::Logs::LogGroup")}
    written = {f"/aws/lambda/{name}" for name in functions(stack)}
    if groups != written:
        yield f"logs go to {sorted(written)}, and {sorted(groups)} are kept"


def failures_are_kept(stack: Stack) -> Iterator[str]:
    mappings = stack.of("AWS::Lambda::EventSourceMapping")
    if [mapping.properties.get("EventSourceArn") for mapping in mappings] != ["<PolicyTable.StreamArn>"]:
        yield "the policy table's stream is not followed, or something else is"
    for mapping in mappings:
        properties = mapping.properties
        kept = properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if kept != "<StreamDeadLetters.Arn>":
            yield f"what failed goes to {kept}"
        if properties.get("BisectBatchOnFunctionError") is not True:
            yield "one bad record holds up its batch"
        if properties.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield "a batch that failed in part is taken for done, or done again as a whole"
        if not 0 < properties.get("MaximumRetryAttempts", -1) <= 100:  # absent means as long as the record lives
            yield f"a bad record is tried {properties.get('MaximumRetryAttempts')} times"
        if properties.get("StartingPosition") != "TRIM_HORIZON":
            yield "changes made before the mapping existed are overlooked"


def protected_routes(stack: Stack) -> Iterator[str]:
    known = authorizers(stack)
    for path, methods in definition(stack)["paths"].items():
        for method, operation in methods.items():
            guards = [name for guard in operation.get("security", []) for name in guard]
            if method == "options" or is_public(method, path):
                continue
            if len(guards) != 1 or guards[0] not in known:
                yield f"{method} {path} is guarded by {guards}"
            elif guards == ["pool"] and not operation["security"][0]["pool"]:
                yield f"{method} {path} is open to every token of the pool"  # ID tokens included
    if known.get("pool", {}).get("providerARNs") != ["<UserPool.Arn>"]:
        yield "the Cognito authorizer asks another pool"
    if "<PolicyAuthorizer.Arn>" not in known.get("policy_authorizer", {}).get("authorizerUri", ""):
        yield "the policy authorizer is another function"


def no_secrets(stack: Stack) -> Iterator[str]:
    """Whoever may look at a function sees its environment."""
    for name, function in functions(stack).items():
        variables = function.get("Environment", {}).get("Variables", {})
        if SECRET.search(json.dumps(variables)) or any(re.search("SECRET|PASSWORD|TOKEN", key) for key in variables):
            yield f"{name} is given a secret"


def answers(stack: Stack) -> Iterator[str]:
    responses = definition(stack).get("x-amazon-apigateway-gateway-responses", {})
    for kind in ("DEFAULT_4XX", "DEFAULT_5XX", "UNAUTHORIZED", "ACCESS_DENIED", "AUTHORIZER_FAILURE"):
        if "gatewayresponse.header.Access-Control-Allow-Origin" not in responses.get(kind, {}).get(
            "responseParameters", {}
        ):
            yield f"a page cannot read the answer {kind}"
    unauthorized = responses.get("UNAUTHORIZED", {})
    if "gatewayresponse.header.WWW-Authenticate" not in unauthorized.get("responseParameters", {}):
        yield "401 does not say how to authenticate"
    for kind, status in (("UNAUTHORIZED", 401), ("ACCESS_DENIED", 403), ("AUTHORIZER_FAILURE", 500)):
        if int(responses.get(kind, {}).get("statusCode", 0)) != status:
            yield f"{kind} is not answered with {status}"
    if re.search(
        r"\$context\.(authorizer\.claims|integrationErrorMessage|error\.validationErrorString)|\$input",
        json.dumps(responses),
    ):
        yield "answers show claims or the causes of failures"


def timeouts(stack: Stack) -> Iterator[str]:
    for name, function in functions(stack).items():
        longest = LONGEST_SECONDS.get(function["Handler"].rsplit(".", 1)[-1], LONGEST_OTHERWISE)
        if function.get("Timeout", 3) > longest:
            yield f"{name} may take {function['Timeout']} s"


def parameters_are_outputs(template: Template, identity: Stack) -> Iterator[str]:
    for name, slot in template.source["Parameters"].items():
        if "Default" not in slot and name not in identity.outputs:
            yield f"nobody gives the parameter {name}"
