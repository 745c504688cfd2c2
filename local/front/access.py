"""The doors: who may come in through which. What AWS does not serve unsigned needs a signature, whatever it is."""

from __future__ import annotations

import re
from enum import Enum, auto

from local.front.http import Request, Response, aws_error
from local.front.signatures import Signatures, claims_a_signature

API = "/_aws/execute-api/"
_CALL = re.compile(rf"{API}[a-z0-9]+/[\w-]+(/|$)")
TARGET = "AWSCognitoIdentityProviderService."
_ONCE = re.compile(rb"authorization|content-type|x-amz-.*")
_HOST = re.compile(r"(localhost|127\.0\.0\.1)(:\d{1,5})?")
_KEYS = re.compile(r"/[a-z0-9-]+_[A-Za-z0-9]+/\.well-known/(jwks\.json|openid-configuration)")
PAGES = {
    "/oauth2/authorize": {"GET"},
    "/oauth2/token": {"POST"},
    "/oauth2/revoke": {"POST"},
    "/oauth2/userInfo": {"GET", "POST"},
    "/oauth2/idpresponse": {"GET", "POST"},
    "/saml2/idpresponse": {"POST"},
    "/oauth2/login": {"POST"},
    "/login": {"POST"},
    "/logout": {"GET"},
}
_READ_AUTHORIZATION = {"/oauth2/token", "/oauth2/revoke", "/oauth2/userInfo"}
_MEGABYTE = 1024 * 1024


class Entrance(Enum):
    """The ways in."""

    API = auto()  # the deployed API, behind its own authorizers
    PAGE = auto()  # the user pool's pages and OAuth endpoints
    SELF_SERVICE = auto()  # the user pool's operations for people without AWS credentials
    AWS = auto()  # everything else: signed


def largest_body(headers: dict[str, str]) -> int:
    """Bytes a request may carry: API Gateway's limit, and more for code or a file that is said to be signed."""
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/(s3|lambda)/", headers.get("authorization", ""))
    return (100 if scope else 10) * _MEGABYTE


def forbidden() -> Response:
    """What API Gateway answers to a path it does not know, and AWS to a call that nobody signed."""
    return aws_error("MissingAuthenticationTokenException", "Missing Authentication Token", 403)


class AccessControl:
    """The doorkeeper."""

    def __init__(self, signatures: Signatures, self_service: frozenset[str]) -> None:
        self._signatures = signatures
        self._targets = {TARGET + operation for operation in self_service}

    def admit(self, request: Request) -> Request | Response:
        """Let a request in, without the headers that its door does not honour; or refuse it."""
        refusal = self._stray(request)
        if refusal:
            return refusal
        request = request.dropping("x-forwarded-")
        match self._entrance(request):
            case Entrance.AWS:
                return self._unsigned(request) or request
            case Entrance.API:
                # API Gateway's REST APIs hand `path` and `pathParameters` over as they were sent.
                # Source:  github.com/middleapi/standard-server/pull/93 (captures of live APIs); aws/chalice#511, #688
                return request.undecoded()
            case Entrance.PAGE:
                # Not X-Amz-Target: past these pages ministack would route by it, and take any Authorization for root's.
                credentials = {"authorization"} if request.path in _READ_AUTHORIZATION else set()
                return request.keeping({"host", "content-type"} | credentials)
            case Entrance.SELF_SERVICE:
                return request

    def _stray(self, request: Request) -> Response | None:
        if not _HOST.fullmatch(request.header("host").lower()):
            # ministack routes by Host; and a page on a name rebound to 127.0.0.1 must not find an AWS account there.
            return aws_error("MisdirectedRequest", "This server is localhost.", 421)
        names = [name for name, _value in request.scope["headers"] if _ONCE.fullmatch(name)]
        if len(names) > len(set(names)):
            return aws_error("BadRequest", "A header that decides who may do what appears twice.", 400)
        if request.path.startswith(("/_ministack", "/_localstack")) or request.path == "/health":
            return aws_error("NotFound", "Not Found", 404)
        return None

    def _unsigned(self, request: Request) -> Response | None:
        if not claims_a_signature(request):
            return forbidden()
        posted = request.header("x-amz-target") and "urlencoded" in request.header("content-type")
        if posted or "Action" in request.query:
            # ministack asks the caller's policy about one of the two operations so named, and runs the other.
            return aws_error("InvalidAction", "A call names its operation once.")
        return self._signatures.refusal(request)

    def _entrance(self, request: Request) -> Entrance:
        if claims_a_signature(request):
            return Entrance.AWS
        if all(_CALL.match(path) and "/@connections/" not in path for path in (request.path, request.raw_path)):
            return Entrance.API
        allowed = {"GET"} if _KEYS.fullmatch(request.path) else PAGES.get(request.path, set())
        # "Action" is how ministack tells the services of AWS's query protocol apart, wherever it appears.
        if request.method in allowed and "Action" not in request.query and "Action" not in request.form:
            return Entrance.PAGE
        if request.method == "OPTIONS" and (allowed or request.path == "/"):
            return Entrance.PAGE
        public = request.method == "POST" and request.path == "/" and request.header("x-amz-target") in self._targets
        return Entrance.SELF_SERVICE if public else Entrance.AWS
