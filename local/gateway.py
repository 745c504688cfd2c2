"""The strict gateway: judges the requests of `chalice local` and chalice.test.Client as API Gateway would.

Chalice's own stand-in admits nearly everyone. Whatever this one cannot judge, it refuses.
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

DEFAULT_TTL_SECONDS = 300  # an authorizer that does not say how long its results live
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
    """A token is not to be believed; the text is what the caller gets to read."""


class Refusal(Exception):
    """A request is turned away: how it is answered, and the reason, which only the log may know."""

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
    """What a Lambda authorizer answered, read and found usable."""

    policy: Policy
    context: Mapping[str, str]


class StrictGateway:
    """The judgement, and what it remembers between requests: one for all threads of a server.

    verify     returns the claims of a token whose signature, issuer and times are right; raises TokenRefused
    responses  definitions by response type; API Gateway's defaults answer for those missing
    clock      seconds, from any start
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
        # By authorizer and token, with the time it ends. Threads share it: every use is one atomic get or set.
        self._remembered: dict[tuple[str, str], tuple[Result, float]] = {}

    def admit(
        self, route: RouteEntry, headers: Mapping[str, str], method_arn: str, lambda_context: Any
    ) -> dict[str, Any] | None:
        """Let a request in, with what its authorizer says about the caller (None: the route is open).

        Shape:   header names in lower case
        Raises:  Refusal; anything else is a failure inside an authorizer
        """
        if route.api_key_required:
            raise _misconfigured("API keys are not judged here")
        match route.authorizer:
            case None:
                return None
            case CognitoUserPoolAuthorizer() as pool:
                return self._by_pool(pool, headers)
            case ChaliceAuthorizer() as function:
                return self._by_function(function, headers, method_arn, lambda_context)
            case other:
                raise _misconfigured(f"an authorizer of type {type(other).__name__} is not judged here")

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
        result, latency_ms = self._recall(key), 0  # by zero API Gateway shows that an answer came from its cache
        if result is None:
            asked_at = self._clock()
            result = _ask(function, token, method_arn, lambda_context)
            answered_at = self._clock()
            ttl = function.config.ttl_seconds
            self._remembered[key] = (result, answered_at + (DEFAULT_TTL_SECONDS if ttl is None else ttl))
            latency_ms = max(1, round(1000 * (answered_at - asked_at)))
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

    def _recall(self, key: tuple[str, str]) -> Result | None:
        result, ends_at = self._remembered.get(key, (None, 0.0))
        return result if self._clock() < ends_at else None


def _identity(headers: Mapping[str, str], name: str | None) -> str:
    value = headers.get(str(name).lower(), "")
    if not value.strip():
        raise _unauthorized(f"no {name} header")
    return value


def _ask(function: ChaliceAuthorizer, token: str, method_arn: str, lambda_context: Any) -> Result:
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
        raise _misconfigured(f"{function.name} answered with something unusable: {error}") from error


def read_result(answered: object) -> Result:
    """Read what a Lambda authorizer returned, after the journey through JSON that it makes on AWS.

    Raises:  ValueError, saying what is wrong
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
        # What null becomes on AWS is not established, so it is refused with the objects and arrays.
        if not isinstance(value, str | int | float):
            raise ValueError(f"context.{name} is a {type(value).__name__}, expected text, a number or a boolean")
    return {name: _as_text(value) for name, value in context.items()}


def claims_as_delivered(claims: Mapping[str, Any]) -> dict[str, str]:
    """Word the claims as a service behind a Cognito authorizer receives them: everything is text."""
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


class TurnedAway(LocalGatewayException):
    """A finished refusal, in the form which Chalice's server and test client send."""

    def __init__(self, gateway: StrictGateway, refusal: Refusal, request: Mapping[str, str]) -> None:
        authorizer = {f"authorizer.{name}": value for name, value in refusal.authorizer.items()}
        said = answer(gateway.responses, refusal.response_type, refusal.message, {**request, **authorizer})
        super().__init__(said.headers, said.body)
        self.CODE = said.status_code
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
    """Finds routes as API Gateway does: greedy parameters included, and the most specific route first.

    Chalice parses the path as a URL, so that `//host/files` and `/files;x` would reach /files although a policy was
    asked about another path. This matcher compares the path as it was received.
    """

    def __init__(self, gateway: StrictGateway, route_urls: list[str]) -> None:
        super().__init__(route_urls)
        self._gateway = gateway
        self._patterns = [(route, _pattern(route)) for route in sorted(route_urls, key=_specificity)]

    def match_route(self, url: str) -> MatchResult:
        """Find the route of a request line's target. Raises TurnedAway when there is none."""
        path = _path(url)
        if not _UNCERTAIN.search(path):
            for route, pattern in self._patterns:
                if found := pattern.fullmatch(path):
                    names = [name for name, _ in _PARAMETER.findall(route)]
                    query = parse_qs(url.partition("?")[2], keep_blank_values=True)
                    return MatchResult(route, dict(zip(names, found.groups(), strict=True)), query)
        request = {"path": f"/{STAGE}{path}", "requestId": str(uuid.uuid4())}
        raise TurnedAway(self._gateway, _no_such_method(f"no route leads to {path!r}"), request)


_PARAMETER = re.compile(r"\{(\w+)(\+?)\}")
_UNCERTAIN = re.compile("[;#]")  # what a URL parser could read as the end of a path


def _pattern(route: str) -> re.Pattern[str]:
    segments = [_PARAMETER.fullmatch(segment) or segment for segment in route.split("/")]
    return re.compile("/".join(re.escape(s) if isinstance(s, str) else _captured(greedy=bool(s[2])) for s in segments))


def _captured(greedy: bool) -> str:
    return "([^/]+(?:/[^/]+)*)" if greedy else "([^/]+)"


def _specificity(route: str) -> list[tuple[int, str]]:
    """Sort literal segments before parameters, and parameters before greedy ones."""
    found = [(_PARAMETER.fullmatch(segment), segment) for segment in route.split("/")]
    return [(0 if parameter is None else 2 if parameter[2] else 1, segment) for parameter, segment in found]


class Authorizer:
    """The gateway's place in Chalice: one is made for every connection."""

    def __init__(self, gateway: StrictGateway, app_object: Chalice) -> None:
        self._gateway = gateway
        self._app = app_object

    def authorize(
        self, raw_path: str, lambda_event: Event, lambda_context: LambdaContext
    ) -> tuple[Event, LambdaContext]:
        """Complete the event of a request that may come in.

        Raises:  TurnedAway, whatever went wrong, so that no connection is dropped
        """
        request = lambda_event["requestContext"]
        path = _path(raw_path)
        request["path"] = f"/{STAGE}{path}"
        request["stage"] = STAGE
        request["requestId"] = lambda_context.aws_request_id
        try:
            says = self._judge(request, path, lambda_event["headers"], lambda_context)
        except (Exception, SystemExit) as error:  # a Lambda that calls sys.exit() has failed as well
            names = ("httpMethod", "resourcePath", "path", "stage", "requestId")
            raise TurnedAway(self._gateway, _as_refusal(error), {name: request[name] for name in names}) from error
        if says is not None:
            request["authorizer"] = says
        return lambda_event, lambda_context

    def _judge(
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
    # API Gateway routes /files/ like /files; which of them its methodArn names is unknown. What is routed is judged.
    path = target.split("?", 1)[0]
    return path[:-1] if len(path) > 1 and path.endswith("/") else path


_SEAMS = {"LocalGatewayAuthorizer": Authorizer, "RouteMatcher": RouteMatcher}


def install(gateway: StrictGateway) -> None:
    """Put the gateway where `chalice local` and chalice.test.Client look for theirs."""
    for name, ours in _SEAMS.items():
        if not hasattr(chalice.local, name):
            raise RuntimeError(f"chalice.local has no {name}: the strict gateway knows chalice 1.34.0")
        setattr(chalice.local, name, partial(ours, gateway))
    # Headers and body leave in two sends; without this the second waits 40 ms for an acknowledgement.
    chalice.local.ChaliceRequestHandler.disable_nagle_algorithm = True


@contextmanager
def installed(gateway: StrictGateway) -> Iterator[None]:
    """Put the gateway in place for a while; servers and clients made meanwhile keep it."""
    before = {name: getattr(chalice.local, name) for name in _SEAMS}
    install(gateway)
    try:
        yield
    finally:
        for name, original in before.items():
            setattr(chalice.local, name, original)
