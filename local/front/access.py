"""Access control: requires a signature on every request that AWS would not serve anonymously."""

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
    "/logout": {"GET"},
    "/login": {"GET", "POST"},
    "/signup": {"GET", "POST"},
    "/confirm": {"GET", "POST"},
    "/resendcode": {"POST"},
    "/forgotPassword": {"GET", "POST"},
    "/confirmforgotPassword": {"GET", "POST"},
    "/newpassword": {"GET", "POST"},
    "/mfa": {"GET", "POST"},
    "/mfa/setup": {"GET", "POST"},
    "/sign-in.css": {"GET"},
    "/mailbox": {"GET"},
    "/mailbox/": {"GET"},
    "/mailbox/messages.json": {"GET"},
}
_READ_AUTHORIZATION = {"/oauth2/token", "/oauth2/revoke", "/oauth2/userInfo"}
LARGEST_HEAD = 16 * 1024  # bytes of the path, the query and the headers
_MEGABYTE = 1024 * 1024


class Interface(Enum):
    """The interfaces of the local cloud."""

    API = auto()  # the deployed API, with its own authorizers
    PAGE = auto()  # the user pool's pages and OAuth endpoints
    SELF_SERVICE = auto()  # the user pool's operations without AWS credentials
    AWS = auto()  # every other operation, which must be signed


def largest_body(headers: dict[str, str]) -> int:
    """Returns the limit of the body in bytes: API Gateway's, and more for signed requests to S3 or Lambda."""
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/(s3|lambda)/", headers.get("authorization", ""))
    return (100 if scope else 10) * _MEGABYTE


def unreadable(request: Request) -> Response | None:
    """Refuses a request whose head is too large, or that states the length of its body in two ways.

    The parser limits only a head that does not arrive at once, and ignores the length of a body in chunks.
    """
    headers = request.scope["headers"]
    head = len(request.raw_path) + len(request.scope["query_string"]) + sum(len(n) + len(value) for n, value in headers)
    if head > LARGEST_HEAD:
        return _closing(431, b'{"message":"Request Header Fields Too Large"}')
    if {b"content-length", b"transfer-encoding"} <= {name for name, _value in headers}:
        return _closing(400, b'{"message":"Bad Request"}')
    return None


def _closing(status: int, body: bytes) -> Response:
    # Without a CORS header, unlike other errors of the user pool: it can be a request to the API.
    return Response(status, body, ((b"content-type", b"application/json"), (b"connection", b"close")))


def forbidden() -> Response:
    """Returns the response of API Gateway to an unknown path, and of AWS to an unsigned request."""
    return aws_error("MissingAuthenticationTokenException", "Missing Authentication Token", 403)


class AccessControl:
    """Admits or refuses each request."""

    def __init__(self, signatures: Signatures, self_service: frozenset[str]) -> None:
        self._signatures = signatures
        self._targets = {TARGET + operation for operation in self_service}

    def admit(self, request: Request) -> Request | Response:
        """Returns the request without the headers that its interface ignores, or a refusal."""
        refusal = self._malformed(request)
        if refusal:
            return refusal
        request = request.dropping("x-forwarded-")
        match self._interface(request):
            case Interface.AWS:
                return self._unsigned(request) or request
            case Interface.API:
                # REST APIs of API Gateway do not decode `path` and `pathParameters`.
                # Source:  github.com/middleapi/standard-server/pull/93 (captures of live APIs); aws/chalice#511, #688
                return request.undecoded()
            case Interface.PAGE:
                # Drops X-Amz-Target: ministack would route by it, and accept any Authorization as the root user's.
                credentials = {"authorization"} if request.path in _READ_AUTHORIZATION else set()
                return request.keeping({"host", "content-type", "cookie"} | credentials)
            case Interface.SELF_SERVICE:
                return request

    def _malformed(self, request: Request) -> Response | None:
        if not _HOST.fullmatch(request.header("host").lower()):
            # ministack routes by Host. This check also stops DNS rebinding, by which a web page could reach the cloud.
            return aws_error("MisdirectedRequest", "The Host header must be localhost or 127.0.0.1.", 421)
        names = [name for name, _value in request.scope["headers"] if _ONCE.fullmatch(name)]
        if len(names) > len(set(names)):
            return aws_error("BadRequest", "A header that decides the access appears twice.", 400)
        if "upgrade" in request.header("connection").lower() and request.header("upgrade").lower() == "websocket":
            return forbidden()  # the front serves no WebSocket
        if request.path.startswith(("/_ministack", "/_localstack")) or request.path == "/health":
            return aws_error("NotFound", "Not Found", 404)
        return None

    def _unsigned(self, request: Request) -> Response | None:
        if not claims_a_signature(request):
            return forbidden()
        posted = request.header("x-amz-target") and "urlencoded" in request.header("content-type")
        if posted or "Action" in request.query:
            # ministack would check the policy for one of the two named operations, and run the other one.
            return aws_error("InvalidAction", "The request names two operations.")
        return self._signatures.refusal(request)

    def _interface(self, request: Request) -> Interface:
        if claims_a_signature(request):
            return Interface.AWS
        if all(_CALL.match(path) and "/@connections/" not in path for path in (request.path, request.raw_path)):
            return Interface.API
        allowed = {"GET"} if _KEYS.fullmatch(request.path) else PAGES.get(request.path, set())
        # "Action" selects an operation of AWS's query protocol in ministack, in the query or the form.
        if request.method in allowed and "Action" not in request.query and "Action" not in request.form:
            return Interface.PAGE
        if request.method == "OPTIONS" and (allowed or request.path == "/"):
            return Interface.PAGE
        public = request.method == "POST" and request.path == "/" and request.header("x-amz-target") in self._targets
        return Interface.SELF_SERVICE if public else Interface.AWS
