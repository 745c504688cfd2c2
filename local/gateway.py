"""The strict gateway: authorizes the requests of `chalice local` and chalice.test.Client as API Gateway does.

Chalice's own local gateway admits nearly every request. This gateway refuses every request that it cannot evaluate.
"""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import chalice.local
from chalice.app import Chalice, ChaliceAuthorizer, CognitoUserPoolAuthorizer, RouteEntry
from chalice.local import LambdaContext, LocalARNBuilder, LocalGatewayException, MatchResult

from authorizers.bearer import token_of
from chalicelib.core.errors import TokenRejected
from local.gateway_responses import GatewayResponse, ResponseType, answer
from local.iam import Policy, Verdict, read_policy

DEFAULT_TTL_SECONDS = 300  # the cache time of an authorizer that does not set one
LARGEST_RESULT = 8 * 1024  # bytes
STAGE = LocalARNBuilder.LOCAL_STAGE
API_ARN = (
    f"arn:aws:execute-api:{LocalARNBuilder.LOCAL_REGION}:{LocalARNBuilder.LOCAL_ACCOUNT_ID}"
    f":{LocalARNBuilder.LOCAL_API_ID}/{STAGE}"
)

Event = dict[str, Any]
Verify = Callable[[str], Mapping[str, Any]]

logger = logging.getLogger(__name__)


class TokenRefused(Exception):
    """A token is invalid. The text is the message for the caller."""


class Refusal(Exception):
    """A request is refused. It has a response for the caller, and a reason for the log only."""

    def __init__(
        self,
        response_type: ResponseType,
        message: str | None,
        reason: str,
        authorizer: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(reason)
        self.response_type = response_type
        self.message = message
        self.authorizer = authorizer or {}


def _unauthorized(reason: str, message: str = "Unauthorized") -> Refusal:
    return Refusal(ResponseType.UNAUTHORIZED, message, reason)


def _misconfigured(reason: str) -> Refusal:
    return Refusal(ResponseType.AUTHORIZER_CONFIGURATION_ERROR, None, reason)


def _no_such_method(reason: str) -> Refusal:
    return Refusal(ResponseType.MISSING_AUTHENTICATION_TOKEN, "Missing Authentication Token", reason)


@dataclass(frozen=True, slots=True)
class Result:
    """The valid result of a Lambda authorizer."""

    policy: Policy
    context: Mapping[str, str]


class StrictGateway:
    """Authorizes requests, and caches the results of Lambda authorizers. All threads of a server share it.

    verify     returns the claims of a token with a valid signature, issuer and times; raises TokenRefused
    responses  definitions by response type; API Gateway's defaults apply to the other types
    clock      returns seconds, from any start
    """

    def __init__(
        self,
        verify: Verify,
        responses: Mapping[str, GatewayResponse] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.responses = responses or {}
        self._verify = verify
        self._clock = clock
        # By authorizer and token, with the expiry. Every use is one atomic get or set, because threads share it.
        self._cache: dict[tuple[str, str], tuple[Result, float]] = {}

    def admit(
        self, route: RouteEntry, headers: Mapping[str, str], method_arn: str, lambda_context: Any
    ) -> dict[str, Any] | None:
        """Returns the authorizer's data about the caller, or None for a public route.

        Shape:   header names in lower case
        Raises:  Refusal; any other exception is a failure of an authorizer
        """
        if route.api_key_required:
            raise _misconfigured("the strict gateway does not support API keys")
        match route.authorizer:
            case None:
                return None
            case CognitoUserPoolAuthorizer() as pool:
                return self._by_pool(pool, headers)
            case ChaliceAuthorizer() as function:
                return self._by_function(function, headers, method_arn, lambda_context)
            case other:
                raise _misconfigured(f"the strict gateway does not support authorizers of type {type(other).__name__}")

    def _by_pool(self, pool: CognitoUserPoolAuthorizer, headers: Mapping[str, str]) -> dict[str, Any]:
        header = _identity(headers, pool._header)
        try:
            claims = self._verify(token_of(header))
        except TokenRejected as rejected:
            raise _unauthorized(rejected.message) from rejected
        except TokenRefused as refused:
            raise _unauthorized(f"token refused: {refused.__cause__ or refused}", str(refused)) from refused
        expected = "access" if pool.scopes else "id"
        if claims.get("token_use") != expected:
            raise _unauthorized(f"token_use is {claims.get('token_use')!r}, expected {expected!r}")
        if pool.scopes and set(pool.scopes).isdisjoint(str(claims.get("scope", "")).split()):
            raise _unauthorized(f"the token carries none of the scopes {pool.scopes}")
        return {"claims": claims_as_delivered(claims)}

    def _by_function(
        self, function: ChaliceAuthorizer, headers: Mapping[str, str], method_arn: str, lambda_context: Any
    ) -> dict[str, Any]:
        if function.config is None:
            raise _misconfigured(f"the authorizer {function.name} is not registered with the app")
        token = _identity(headers, function.config.header)
        key = (function.config.name, token)
        result, latency_ms = self._cached(key), 0  # API Gateway shows 0 for a result from its cache
        if result is None:
            started_at = self._clock()
            result = _invoke(function, token, method_arn, lambda_context)
            answered_at = self._clock()
            ttl = function.config.ttl_seconds
            self._cache[key] = (result, answered_at + (DEFAULT_TTL_SECONDS if ttl is None else ttl))
            latency_ms = max(1, round(1000 * (answered_at - started_at)))
        verdict = result.policy.verdict_on(method_arn)
        if verdict is not Verdict.ALLOWED:
            explicitly = " with an explicit deny" if verdict is Verdict.DENIED else ""
            raise Refusal(
                ResponseType.ACCESS_DENIED,
                f"User is not authorized to access this resource{explicitly}",
                f"the policy of {function.name} says {verdict.value}",
                result.context,
            )
        return {**result.context, "integrationLatency": latency_ms}

    def _cached(self, key: tuple[str, str]) -> Result | None:
        result, ends_at = self._cache.get(key, (None, 0.0))
        return result if self._clock() < ends_at else None


def _identity(headers: Mapping[str, str], name: str | None) -> str:
    value = headers.get(str(name).lower(), "")
    if not value.strip():
        raise _unauthorized(f"no {name} header")
    return value


def _invoke(function: ChaliceAuthorizer, token: str, method_arn: str, lambda_context: Any) -> Result:
    event = {"type": "TOKEN", "authorizationToken": token, "methodArn": method_arn}
    try:
        answered = function(event, lambda_context)
    except Exception as error:
        if str(error) == "Unauthorized":
            raise _unauthorized(f"{function.name} raised Unauthorized") from error
        raise
    try:
        return read_result(answered)
    except ValueError as error:
        raise _misconfigured(f"{function.name} returned an invalid result: {error}") from error


def read_result(answered: object) -> Result:
    """Reads the result of a Lambda authorizer after a conversion to JSON and back, as on AWS.

    Raises:  ValueError
    """
    try:
        text = json.dumps(answered, ensure_ascii=False, allow_nan=False)
    except TypeError as error:
        raise ValueError(str(error)) from error
    if (size := len(text.encode())) > LARGEST_RESULT:
        raise ValueError(f"the result has {size} bytes, the limit is {LARGEST_RESULT}")
    result = json.loads(text)
    if not isinstance(result, dict):
        raise ValueError(f"the result is a {type(result).__name__}, expected an object")
    principal = result.get("principalId")
    if not isinstance(principal, str) or not principal:
        raise ValueError("the result has no principalId")
    context = _context_as_delivered(result.get("context"))
    return Result(read_policy(result.get("policyDocument")), {**context, "principalId": principal})


def _context_as_delivered(context: object) -> dict[str, str]:
    if context is None:
        return {}
    if not isinstance(context, dict):
        raise ValueError(f"context is a {type(context).__name__}, expected an object")
    for name, value in context.items():
        # The effect of null on AWS is unknown. Therefore null is refused, like objects and arrays.
        if not isinstance(value, str | int | float):
            raise ValueError(f"context.{name} is a {type(value).__name__}, expected text, a number or a boolean")
    return {name: _as_text(value) for name, value in context.items()}


def claims_as_delivered(claims: Mapping[str, Any]) -> dict[str, str]:
    """Returns the claims as a service behind a Cognito authorizer receives them: every value is text."""
    return {name: _date(value) if name in ("exp", "iat") else _as_text(value) for name, value in claims.items()}


def _date(seconds: float) -> str:
    return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(seconds))


def _as_text(value: object) -> str:
    match value:
        case str():
            return value
        case list():
            return ",".join(_as_text(item) for item in value)
        case _:
            return json.dumps(value, separators=(",", ":"))


class RefusalResponse(LocalGatewayException):
    """A refusal in the form that Chalice's server and test client send."""

    def __init__(self, gateway: StrictGateway, refusal: Refusal, request: Mapping[str, str]) -> None:
        authorizer = {f"authorizer.{name}": value for name, value in refusal.authorizer.items()}
        response = answer(gateway.responses, refusal.response_type, refusal.message, {**request, **authorizer})
        super().__init__(response.headers, response.body)
        self.CODE = response.status_code
        failed = refusal.response_type in (
            ResponseType.AUTHORIZER_FAILURE,
            ResponseType.AUTHORIZER_CONFIGURATION_ERROR,
        )
        logger.log(
            logging.ERROR if failed else logging.INFO,
            "%s %r: %s, because %s",
            request.get("httpMethod", "any method of"),
            request["path"],
            refusal.response_type.value,
            refusal,
        )


class RouteMatcher(chalice.local.RouteMatcher):
    """Finds routes as API Gateway does: with greedy parameters, and the most specific route first.

    Chalice parses the path as a URL. Then `//host/files` and `/files;x` would reach /files, although the policy is
    evaluated for another path. This matcher compares the path as received.
    """

    def __init__(self, gateway: StrictGateway, route_urls: list[str]) -> None:
        super().__init__(route_urls)
        self._gateway = gateway
        self._patterns = [(route, _pattern(route)) for route in sorted(route_urls, key=_specificity)]

    def match_route(self, url: str) -> MatchResult:
        """Finds the route of a request target. Raises RefusalResponse if there is no route."""
        path = _path(url)
        if not _AMBIGUOUS.search(path):
            for route, pattern in self._patterns:
                if found := pattern.fullmatch(path):
                    names = [name for name, _ in _PARAMETER.findall(route)]
                    query = parse_qs(url.partition("?")[2], keep_blank_values=True)
                    return MatchResult(route, dict(zip(names, found.groups(), strict=True)), query)
        request = {"path": f"/{STAGE}{path}", "requestId": str(uuid.uuid4())}
        raise RefusalResponse(self._gateway, _no_such_method(f"no route leads to {path!r}"), request)


_PARAMETER = re.compile(r"\{(\w+)(\+?)\}")
_AMBIGUOUS = re.compile("[;#]")  # a URL parser could end the path here


def _pattern(route: str) -> re.Pattern[str]:
    segments = [_PARAMETER.fullmatch(segment) or segment for segment in route.split("/")]
    return re.compile("/".join(re.escape(s) if isinstance(s, str) else _captured(greedy=bool(s[2])) for s in segments))


def _captured(greedy: bool) -> str:
    return "([^/]+(?:/[^/]+)*)" if greedy else "([^/]+)"


def _specificity(route: str) -> list[tuple[int, str]]:
    """Returns a sort key: literal segments before parameters, and parameters before greedy parameters."""
    found = [(_PARAMETER.fullmatch(segment), segment) for segment in route.split("/")]
    return [(0 if parameter is None else 2 if parameter[2] else 1, segment) for parameter, segment in found]


class Authorizer:
    """Connects the gateway to Chalice, which creates one for each connection."""

    def __init__(self, gateway: StrictGateway, app_object: Chalice) -> None:
        self._gateway = gateway
        self._app = app_object

    def authorize(
        self, raw_path: str, lambda_event: Event, lambda_context: LambdaContext
    ) -> tuple[Event, LambdaContext]:
        """Adds the authorizer's data to the event of an admitted request.

        Raises:  RefusalResponse, for failures too, so that no connection is dropped
        """
        request = lambda_event["requestContext"]
        path = _path(raw_path)
        request["path"] = f"/{STAGE}{path}"
        request["stage"] = STAGE
        request["requestId"] = lambda_context.aws_request_id
        try:
            authorized = self._authorize(request, path, lambda_event["headers"], lambda_context)
        except (Exception, SystemExit) as error:  # sys.exit() in a function is a failure too
            names = ("httpMethod", "resourcePath", "path", "stage", "requestId")
            raise RefusalResponse(self._gateway, _as_refusal(error), {name: request[name] for name in names}) from error
        if authorized is not None:
            request["authorizer"] = authorized
        return lambda_event, lambda_context

    def _authorize(
        self, request: Event, path: str, headers: Mapping[str, str], lambda_context: LambdaContext
    ) -> dict[str, Any] | None:
        method = request["httpMethod"]
        route = self._app.routes[request["resourcePath"]].get(method)
        if route is None:
            raise _no_such_method(f"{request['resourcePath']} has no {method}")
        return self._gateway.admit(route, headers, f"{API_ARN}/{method}{path}", lambda_context)


def _as_refusal(error: BaseException) -> Refusal:
    if isinstance(error, Refusal):
        return error
    logger.error("an authorizer failed", exc_info=error)
    return Refusal(ResponseType.AUTHORIZER_FAILURE, None, f"{type(error).__name__} was raised")


def _path(target: str) -> str:
    # API Gateway routes /files/ as /files. Its methodArn for /files/ is unknown. The policy is evaluated for /files.
    path = target.split("?", 1)[0]
    return path[:-1] if len(path) > 1 and path.endswith("/") else path


_REPLACEMENTS = {"LocalGatewayAuthorizer": Authorizer, "RouteMatcher": RouteMatcher}


def install(gateway: StrictGateway) -> None:
    """Replaces Chalice's local gateway, for `chalice local` and chalice.test.Client."""
    for name, replacement in _REPLACEMENTS.items():
        if not hasattr(chalice.local, name):
            raise RuntimeError(f"chalice.local has no {name}. The strict gateway needs chalice 1.34.0.")
        setattr(chalice.local, name, partial(replacement, gateway))
    # Headers and body are two packets. With Nagle's algorithm, the second waits 40 ms for an acknowledgement.
    chalice.local.ChaliceRequestHandler.disable_nagle_algorithm = True


@contextmanager
def installed(gateway: StrictGateway) -> Iterator[None]:
    """Installs the gateway temporarily. Servers and clients that are created meanwhile retain it."""
    before = {name: getattr(chalice.local, name) for name in _REPLACEMENTS}
    install(gateway)
    try:
        yield
    finally:
        for name, original in before.items():
            setattr(chalice.local, name, original)
