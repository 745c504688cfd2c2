"""Checks the deployed methods: each has the authorizer that app.py gives to its route."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.checks.check import Check
from infra.checks.compare import unexpected
from infra.checks.live import Live
from infra.checks.rest_api import authorizers, invocation
from infra.checks.routes import PUBLIC, RouteAuthorizer, expected_authorizers, forwarding, forwarding_faults
from infra.packaged_routes import PREFLIGHT

Methods = Mapping[tuple[str, str], Any]
_DEPLOY_API = (
    "Run `manage.py deploy --revert-drift`. If this check still fails, correct the method on API Gateway and deploy the"
    " API with `aws apigateway create-deployment`."
)


def _methods(live: Live) -> Methods:
    resources = live.listed("apigateway", "get_resources", "items", restApiId=live.api_id, embed=["methods"])
    return {
        (method, resource["path"]): settings
        for resource in resources
        for method, settings in resource.get("resourceMethods", {}).items()
    }


def _expected(live: Live) -> Mapping[tuple[str, str], RouteAuthorizer]:
    return expected_authorizers(live.definition)


def _authorizer(live: Live, method: Mapping[str, Any]) -> RouteAuthorizer:
    if method["authorizationType"] == PUBLIC.kind:
        return PUBLIC  # API Gateway ignores an authorizer and scopes that remain on such a method
    name = authorizers(live).get(method.get("authorizerId", ""), {}).get("name", "")
    return RouteAuthorizer(method["authorizationType"], name, tuple(sorted(method.get("authorizationScopes") or [])))


def _routes(live: Live) -> Iterator[str]:
    actual = {f"{method} {path}" for method, path in _methods(live) if method != PREFLIGHT}
    yield from unexpected("route", actual, {f"{method} {path}" for method, path in _expected(live)})


def _authorizers(live: Live) -> Iterator[str]:
    expected = _expected(live)
    for (method, path), settings in sorted(_methods(live).items()):
        actual = _authorizer(live, settings)
        setting = expected.get((method, path), PUBLIC if method == PREFLIGHT else None)
        if setting and actual != setting:
            yield f"The authorizer of {method} {path} is {actual}. Expected: {setting}."


def _integrations(live: Live) -> Iterator[str]:
    service, forwarded = invocation(live, "api_handler"), forwarding(live.definition)
    for (method, path), settings in sorted(_methods(live).items()):
        integration = settings.get("methodIntegration", {})
        answered_by_service = (integration.get("type"), integration.get("uri")) == ("AWS_PROXY", service)
        if (method, path) in forwarded:
            faults = forwarding_faults(integration, forwarded[method, path])
            yield from (f"The integration of {method} {path} {fault}." for fault in faults)
        elif not answered_by_service and not (method == PREFLIGHT and integration.get("type") == "MOCK"):
            yield f"The integration of {method} {path} is not the function {live.stage.function('api_handler')}."


def _deployed(live: Live) -> Iterator[str]:
    """Compares the snapshot that the API's stage serves with the API's current resources."""
    served = {
        (method.upper(), path): _exported(operation)
        for path, item in live.served["paths"].items()
        for method, operation in item.items()
    }
    present = {key: _as_exported(live, settings) for key, settings in _methods(live).items()}
    yield from unexpected("served route", {" ".join(key) for key in served}, {" ".join(key) for key in present})
    for method, path in sorted(served.keys() & present.keys()):
        if served[method, path] != present[method, path]:
            yield f"The stage serves an earlier version of {method} {path}."


def _exported(operation: Mapping[str, Any]) -> Any:
    authorizers = {name: sorted(scopes) for needed in operation.get("security", []) for name, scopes in needed.items()}
    return authorizers, operation.get("x-amazon-apigateway-integration", {}).get("uri")


def _as_exported(live: Live, settings: Mapping[str, Any]) -> Any:
    authorizer = _authorizer(live, settings)
    authorizers = {authorizer.name: list(authorizer.scopes)} if authorizer.name else {}
    if settings.get("apiKeyRequired"):
        authorizers["api_key"] = []
    return authorizers, settings.get("methodIntegration", {}).get("uri")


CHECKS = (
    Check("api-routes", "The REST API has exactly the routes of app.py.", _routes, _DEPLOY_API),
    Check(
        "api-route-authorizers",
        "Every method has the authorizer and the scopes of its route in app.py.",
        _authorizers,
        _DEPLOY_API,
    ),
    Check(
        "api-integrations", "Every method calls the service of this stage, or the upstream.", _integrations, _DEPLOY_API
    ),
    Check(
        "api-deployed",
        "The stage serves the current routes of the REST API.",
        _deployed,
        "Deploy the API with `aws apigateway create-deployment`.",
    ),
)
