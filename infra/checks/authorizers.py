"""The deployed methods: each has the authorizer that app.py gives to its route, or is public there."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.checks.check import Check
from infra.checks.compare import unexpected
from infra.checks.live import Live
from infra.checks.rest_api import authorizers, invocation
from infra.checks.routes import PUBLIC, RouteAuthorizer, expected_authorizers

Methods = Mapping[tuple[str, str], Any]
_PREFLIGHT = "OPTIONS"  # asked by browsers without a token, and answered without asking anyone


def _methods(live: Live) -> Methods:
    resources = live.listed("apigateway", "get_resources", "items", restApiId=live.api_id, embed=["methods"])
    return {
        (method, resource["path"]): settings
        for resource in resources
        for method, settings in resource.get("resourceMethods", {}).items()
    }


def _expected(live: Live) -> Mapping[tuple[str, str], RouteAuthorizer]:
    return expected_authorizers(live.expected["ResourceServer"]["Identifier"])


def _authorizer(live: Live, method: Mapping[str, Any]) -> RouteAuthorizer:
    if method["authorizationType"] == PUBLIC.kind:
        return PUBLIC  # whatever it still names
    name = authorizers(live).get(method.get("authorizerId", ""), {}).get("name", "")
    return RouteAuthorizer(method["authorizationType"], name, tuple(sorted(method.get("authorizationScopes") or [])))


def _routes(live: Live) -> Iterator[str]:
    actual = {f"{method} {path}" for method, path in _methods(live) if method != _PREFLIGHT}
    yield from unexpected("route", actual, {f"{method} {path}" for method, path in _expected(live)})


def _authorizers(live: Live) -> Iterator[str]:
    expected = _expected(live)
    for (method, path), settings in sorted(_methods(live).items()):
        actual, setting = (
            _authorizer(live, settings),
            expected.get((method, path), PUBLIC if method == _PREFLIGHT else None),
        )
        if setting and actual != setting:
            yield f"{method} {path} is guarded by {actual}, and not by {setting}"


def _integrations(live: Live) -> Iterator[str]:
    service = invocation(live, "api_handler")
    for (method, path), settings in sorted(_methods(live).items()):
        integration = settings.get("methodIntegration", {})
        if method == _PREFLIGHT:
            right = integration.get("type") == "MOCK"
        else:
            right = (integration.get("type"), integration.get("uri")) == ("AWS_PROXY", service)
        if not right:
            yield f"{method} {path} is answered by something else"


def _deployed(live: Live) -> Iterator[str]:
    """What is served is the snapshot that a deployment took, and not what the API's parts say today."""
    served = {
        (method.upper(), path): _exported(operation)
        for path, item in live.served["paths"].items()
        for method, operation in item.items()
    }
    present = {key: _as_exported(live, settings) for key, settings in _methods(live).items()}
    yield from unexpected("served route", {" ".join(key) for key in served}, {" ".join(key) for key in present})
    for method, path in sorted(served.keys() & present.keys()):
        if served[method, path] != present[method, path]:
            yield f"{method} {path} is served as it was before it was changed: deploy it"


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
    Check("api-routes", "The REST API has the routes of app.py, and no others", _routes),
    Check(
        "api-authorizers",
        "Every method has the authorizer and the scopes of its route, or is public in app.py",
        _authorizers,
    ),
    Check("api-integrations", "Every method is answered by this stage's service", _integrations),
    Check("api-deployed", "What is served is what the REST API says today", _deployed),
)
