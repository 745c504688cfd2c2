"""Checks the REST API: its stage, authorizers, gateway responses and resource policy."""

from collections.abc import Iterator
from typing import Any

from infra.alias_calls import LIVE
from infra.checks.check import Check
from infra.checks.compare import covers, differing, unexpected
from infra.checks.live import Live
from infra.checks.routes import authorizer_names

_RESPONSES = "x-amazon-apigateway-gateway-responses"
_TOKEN = "method.request.header.Authorization"  # noqa: S105  # where API Gateway finds the token
# Without this setting, API Gateway would cache for 300 s, and the Cognito authorizer would admit expired tokens.
_POOL_CACHE_SECONDS = 0
# The settings of an authorizer that an export and GetAuthorizers give the same names.
_SERVED = ("authorizerUri", "authorizerResultTtlInSeconds", "providerARNs", "identityValidationExpression")


def authorizers(live: Live) -> dict[str, dict[str, Any]]:
    """Returns the API's authorizers, by id."""
    items = live.ask("apigateway", "get_authorizers", restApiId=live.api_id)["items"]
    return {item["id"]: item for item in items}


def served_authorizers(live: Live) -> dict[str, dict[str, Any]]:
    """Returns the settings of the authorizers that the stage serves, by name."""
    schemes = live.served.get("securityDefinitions", {})
    settings = {name: scheme.get("x-amazon-apigateway-authorizer", {}) for name, scheme in schemes.items()}
    return {name: {key: item[key] for key in _SERVED if key in item} for name, item in settings.items()}


def invocation(live: Live, function: str) -> str:
    """Returns the URI with which API Gateway calls a function, by the name that Chalice gives it."""
    called = live.arn("lambda", f"function:{live.stage.function(function)}:{LIVE}")
    pseudo = live.application.pseudo_parameters
    partition, region = pseudo["AWS::Partition"], pseudo["AWS::Region"]
    return f"arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{called}/invocations"


def _stages(live: Live) -> Iterator[str]:
    stages = live.ask("apigateway", "get_stages", restApiId=live.api_id)["item"]
    yield from unexpected("stage", {stage["stageName"] for stage in stages}, {live.stage.name})


def _replay(live: Live) -> Iterator[str]:
    stage = live.ask("apigateway", "get_stage", restApiId=live.api_id, stageName=live.stage.name)
    if stage.get("cacheClusterEnabled"):
        yield "The API's stage has a response cache. Expected: no cache."
    for method, settings in sorted(stage.get("methodSettings", {}).items()):
        if settings.get("cachingEnabled"):
            yield f"Responses of {method} are cached. Expected: no caching."
    if stage.get("canarySettings"):
        yield "A canary release receives a part of the requests. Expected: no canary."


def _authorizers(live: Live) -> Iterator[str]:
    actual, served = {item["name"]: item for item in authorizers(live).values()}, served_authorizers(live)
    identity = live.application.expected["RestAPI"]["Auth"]["Authorizers"]["policy_authorizer"]["Identity"]
    known = {
        "policy_authorizer": {
            "type": "TOKEN",
            "authorizerUri": invocation(live, "policy_authorizer"),
            "identitySource": _TOKEN,
            "authorizerResultTtlInSeconds": identity["ReauthorizeEvery"],
        },
        "pool": {
            "type": "COGNITO_USER_POOLS",
            "providerARNs": [live.outputs["UserPoolArn"]],
            "identitySource": _TOKEN,
            "authorizerResultTtlInSeconds": _POOL_CACHE_SECONDS,
        },
    }
    used = authorizer_names(live.definition)
    expected = {name: settings for name, settings in known.items() if name in used}
    yield from unexpected("authorizer", set(actual), set(expected))
    for name in sorted(expected.keys() & actual.keys()):
        yield from differing(name, actual[name], expected[name])
        settings = served.get(name, {})
        yield from differing(
            f"{name}, as the API's stage serves it",
            settings,
            {key: expected[name][key] for key in expected[name].keys() & settings},
        )
        if actual[name].get("identityValidationExpression") or settings.get("identityValidationExpression"):
            yield f"{name}: a token validation expression is set. Expected: not set."


def _responses(live: Live) -> Iterator[str]:
    actual = live.served.get(_RESPONSES, {})
    expected = live.definition[_RESPONSES]
    for kind, response in expected.items():
        if not covers(actual.get(kind), response):
            yield f"The gateway response {kind} differs from the deployed template."
    yield from (
        f"The gateway response {kind} is not in the deployed template."
        for kind in sorted(actual.keys() - expected.keys())
    )


def _policy(live: Live) -> Iterator[str]:
    if live.ask("apigateway", "get_rest_api", restApiId=live.api_id).get("policy"):
        yield (
            "The REST API has a resource policy. An Allow in it would admit callers that no Gatehouse policy allows."
        )


CHECKS = (
    Check(
        "api-stages",
        "The REST API has exactly one stage, which the web ACL and the alarms cover.",
        _stages,
        "Delete an unexpected stage with `aws apigateway delete-stage`.",
    ),
    Check(
        "api-replay",
        "The API's stage caches no response and has no canary release.",
        _replay,
        "Correct the stage settings with `aws apigateway update-stage`.",
    ),
    Check(
        "api-authorizers",
        "The REST API has exactly this stage's authorizers, with the expected token source and cache time.",
        _authorizers,
    ),
    Check("api-responses", "The gateway responses are those of the deployed template.", _responses),
    Check(
        "api-policy",
        "The REST API has no resource policy.",
        _policy,
        "Remove it with `aws apigateway update-rest-api`, and deploy the API.",
    ),
)
