"""The REST API: one of it, with this stage's authorizers, answers and stage."""

from collections.abc import Iterator
from typing import Any

from infra.checks.check import Check
from infra.checks.compare import covers, differing, unexpected
from infra.checks.live import Live
from infra.checks.routes import expected_authorizers

_TOKEN = "method.request.header.Authorization"  # noqa: S105  # where it is found
# Left unsaid it is 300 s, for which a pool's would let tokens in beyond their expiry.
_POOL_MEMORY_SECONDS = 0
# What an export says of an authorizer under the same name as GetAuthorizers.
_SERVED = ("authorizerUri", "authorizerResultTtlInSeconds", "providerARNs", "identityValidationExpression")


def authorizers(live: Live) -> dict[str, dict[str, Any]]:
    """The API's authorizers, by their ids."""
    items = live.ask("apigateway", "get_authorizers", restApiId=live.api_id)["items"]
    return {item["id"]: item for item in items}


def _served_authorizers(live: Live) -> dict[str, dict[str, Any]]:
    """What the stage serves of each authorizer, by name, in the words of API Gateway's own operations."""
    schemes = live.served.get("securityDefinitions", {})
    settings = {name: scheme.get("x-amazon-apigateway-authorizer", {}) for name, scheme in schemes.items()}
    return {name: {key: item[key] for key in _SERVED if key in item} for name, item in settings.items()}


def invocation(live: Live, function: str) -> str:
    """How API Gateway calls a function, by the name that Chalice knows it by."""
    called = live.arn("lambda", f"function:{live.stage.function(function)}")
    partition, region = live.place["AWS::Partition"], live.place["AWS::Region"]
    return f"arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{called}/invocations"


def _single(live: Live) -> Iterator[str]:
    known = live.api_id
    yield from (f"there is another one beside {known}, {api}" for api in live.apis if api != known)


def _stages(live: Live) -> Iterator[str]:
    stages = live.ask("apigateway", "get_stages", restApiId=live.api_id)["item"]
    yield from unexpected("stage", {stage["stageName"] for stage in stages}, {live.stage.name})


def _replay(live: Live) -> Iterator[str]:
    stage = live.ask("apigateway", "get_stage", restApiId=live.api_id, stageName=live.stage.name)
    if stage.get("cacheClusterEnabled"):
        yield "the stage has a cache of responses"
    for method, settings in sorted(stage.get("methodSettings", {}).items()):
        if settings.get("cachingEnabled"):
            yield f"responses of {method} are kept"
    if stage.get("canarySettings"):
        yield "a part of the requests goes to another deployment, a canary"


def _authorizers(live: Live) -> Iterator[str]:
    actual, served = {item["name"]: item for item in authorizers(live).values()}, _served_authorizers(live)
    known = {
        "policy_authorizer": {
            "type": "TOKEN",
            "authorizerUri": invocation(live, "policy_authorizer"),
            "identitySource": _TOKEN,
            "authorizerResultTtlInSeconds": live.application.authorizer_cache_seconds,
        },
        "pool": {
            "type": "COGNITO_USER_POOLS",
            "providerARNs": [live.outputs["UserPoolArn"]],
            "identitySource": _TOKEN,
            "authorizerResultTtlInSeconds": _POOL_MEMORY_SECONDS,
        },
    }
    used = {
        authorizer.name for authorizer in expected_authorizers("").values()
    }  # Chalice makes those that a route names, and no other
    expected = {name: settings for name, settings in known.items() if name in used}
    yield from unexpected("authorizer", set(actual), set(expected))
    for name in sorted(expected.keys() & actual.keys()):
        yield from differing(name, actual[name], expected[name])
        settings = served.get(name, {})
        yield from differing(
            f"{name} as the stage serves it",
            settings,
            {key: expected[name][key] for key in expected[name].keys() & settings},
        )
        if actual[name].get("identityValidationExpression") or settings.get("identityValidationExpression"):
            yield f"{name}: it refuses tokens by an expression of its own"


def _responses(live: Live) -> Iterator[str]:
    actual = live.served.get("x-amazon-apigateway-gateway-responses", {})
    expected = live.application.gateway_responses
    for kind, response in expected.items():
        if not covers(actual.get(kind), response):
            yield f"{kind} is answered otherwise than .chalice/package.json says"
    yield from (f"{kind} is answered in a way of its own" for kind in sorted(actual.keys() - expected.keys()))


def _policy(live: Live) -> Iterator[str]:
    if live.ask("apigateway", "get_rest_api", restApiId=live.api_id).get("policy"):
        yield "there is one, and an Allow in it would let in whom no policy of Gatehouse lets in"


CHECKS = (
    Check("api-single", "There is one REST API of this stage, and no other asks its authorizer", _single),
    Check("api-stages", "The REST API is served by one stage, the firewalled and watched one", _stages),
    Check(
        "api-replay", "No response is kept and given to the next caller, and all requests go to one deployment", _replay
    ),
    Check(
        "api-authorizers",
        "The authorizers are this stage's, ask for the token, and remember as long as they should",
        _authorizers,
    ),
    Check(
        "api-responses", "Errors are answered as .chalice/package.json says, so that browsers can read them", _responses
    ),
    Check("api-policy", "The REST API has no resource policy", _policy),
)
