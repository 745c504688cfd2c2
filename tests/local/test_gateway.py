"""`chalice local` and chalice.test.Client refuse the requests that API Gateway refuses, with its responses."""

import base64
import hmac
import http.client
import json
import os
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import chalice.local
import jwt
import pytest
from chalice.app import (
    AuthRequest,
    AuthResponse,
    Blueprint,
    Chalice,
    ChaliceUnhandledError,
    CognitoUserPoolAuthorizer,
    CORSConfig,
    CustomAuthorizer,
    IAMAuthorizer,
)
from chalice.config import Config
from chalice.test import Client, HTTPResponse
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local.attach import NO_CLOUD, OTHER_CLOUD, attach, command_of, pool_verifier
from local.gateway import (
    API_ARN,
    RefusalResponse,
    RouteMatcher,
    StrictGateway,
    TokenRefused,
    Verify,
    install,
    installed,
)
from local.gateway_responses import EXTENSION, ResponseType, answer, read_definitions
from tests.environment import child_environment

ISSUER = "https://cognito-idp.mars-west-1.amazonaws.com/mars-west-1_Orders"
READ, WRITE = "https://orders.example/order.read", "https://orders.example/order.write"
HERE = Path(__file__).resolve().parents[2]

UNAUTHORIZED = {"message": "Unauthorized"}
EXPIRED = {"message": "The incoming token has expired"}
SILENCE = {"Message": "User is not authorized to access this resource"}
EXPLICIT_DENY = {"Message": "User is not authorized to access this resource with an explicit deny"}
FAILURE = {"message": None}
UNKNOWN_ROUTE = {"message": "Missing Authentication Token"}


# --- the pool, its tokens, a clock ---


@cache
def key_pair(kid: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def jwks(*kids: str) -> dict[str, Any]:
    public = {kid: jwt.algorithms.RSAAlgorithm.to_jwk(key_pair(kid).public_key(), as_dict=True) for kid in kids}
    return {"keys": [{**key, "kid": kid, "alg": "RS256", "use": "sig"} for kid, key in public.items()]}


def mint(signed_by: str = "ours", kid: str = "ours", **claims: object) -> str:
    now = int(time.time())
    payload = {"sub": "clerk-1", "iss": ISSUER, "token_use": "access", "scope": READ, "iat": now, "exp": now + 300}
    kept = {name: value for name, value in {**payload, **claims}.items() if value is not None}
    return jwt.encode(kept, key_pair(signed_by), algorithm="RS256", headers={"kid": kid})


def resigned_with_the_public_key() -> str:
    public = key_pair("ours").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = base64url(json.dumps({"alg": "HS256", "kid": "ours"}).encode())
    signed = f"{header}.{mint().split('.')[1]}"
    return f"{signed}.{base64url(hmac.digest(public, signed.encode(), 'sha256'))}"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def with_an_unused_bit_set(token: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]


def verifier_of_our_pool() -> Verify:
    keys = jwt.PyJWKSet.from_dict(jwks("ours"))

    def key_named_by(token: str) -> jwt.PyJWK:
        try:
            return keys[jwt.get_unverified_header(token)["kid"]]
        except KeyError as unknown:
            raise jwt.PyJWKClientError("no such key") from unknown

    return pool_verifier(key_named_by, ISSUER)


@dataclass
class Clock:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


# --- the shop: one route for each kind of authorizer ---


def allow(resource: Any = f"{API_ARN}/*", **fields: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource, **fields}


def deny(resource: Any = f"{API_ARN}/*") -> dict[str, Any]:
    return {**allow(resource), "Effect": "Deny"}


def authorizer_result(*statements: dict[str, Any], **context: Any) -> dict[str, Any]:
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    return {"principalId": "clerk-1", "policyDocument": policy, "context": context}


def raises(error: BaseException) -> Callable[[AuthRequest], Any]:
    def fail(_: AuthRequest) -> Any:
        raise error

    return fail


@dataclass
class Shop:
    """A small app. Its Lambda authorizers return `answers` and record every event."""

    answers: Callable[[AuthRequest], Any] = lambda _: authorizer_result(allow())
    asked: list[AuthRequest] = field(default_factory=list)

    def app(self) -> Chalice:
        app = Chalice("shop", env={})
        guards = Blueprint(__name__)
        pool = CognitoUserPoolAuthorizer("pool", provider_arns=["arn:aws:cognito-idp:mars-west-1:1:userpool/Orders"])

        def caller() -> Any:
            assert app.current_request is not None
            return app.current_request.context

        def ask(request: AuthRequest) -> Any:
            self.asked.append(request)
            return self.answers(request)

        @app.authorizer()
        def lasting(request: AuthRequest) -> Any:
            return ask(request)

        @guards.authorizer(ttl_seconds=0)
        def fresh(request: AuthRequest) -> Any:
            return ask(request)

        @app.authorizer(ttl_seconds=10, header="X-Badge")
        def badge(request: AuthRequest) -> Any:
            return ask(request)

        @Blueprint("elsewhere").authorizer()
        def forgotten(request: AuthRequest) -> Any:
            return ask(request)

        app.register_blueprint(guards)
        app.route("/")(lambda: {"open": True})
        app.route("/open/{name}", cors=CORSConfig())(lambda name: caller())
        app.route("/file", authorizer=pool.with_scopes([READ, WRITE]))(caller)
        app.route("/profile", authorizer=pool)(caller)
        app.route("/orders", authorizer=fresh)(caller)
        app.route("/orders/{id}", authorizer=fresh)(lambda id: caller())
        app.route("/orders/{id}/lines/{line}", authorizer=fresh)(lambda id, line: caller())
        app.route("/stock", authorizer=lasting)(caller)
        app.route("/stock/{id}", authorizer=lasting)(lambda id: caller())
        app.route("/badge", authorizer=badge)(caller)
        app.route("/forgotten", authorizer=forgotten)(caller)
        app.route("/signed", authorizer=IAMAuthorizer())(caller)
        app.route("/foreign", authorizer=CustomAuthorizer("foreign", authorizer_uri="arn:aws:lambda:x"))(caller)
        app.route("/keyed", api_key_required=True)(caller)
        return app


def gateway(**options: Any) -> StrictGateway:
    return StrictGateway(**{"verify": verifier_of_our_pool(), **options})


@contextmanager
def open_shop(shop: Shop | None = None, **options: Any) -> Iterator[Callable[..., HTTPResponse]]:
    """Returns a `get(path, token)` that sends requests through the strict gateway."""
    with installed(gateway(**options)), Client((shop or Shop()).app()) as client:

        def get(
            path: str, token: str | None = None, method: str = "GET", header: str = "Authorization"
        ) -> HTTPResponse:
            return client.http.request(method, path, headers={} if token is None else {header: token})

        yield get


@contextmanager
def open_server(shop: Shop | None = None, **options: Any) -> Iterator[Callable[[], http.client.HTTPConnection]]:
    """Returns a `connect()` to a `chalice local` server with the strict gateway."""
    with installed(gateway(**options)):
        server = chalice.local.create_local_server((shop or Shop()).app(), Config.create(), "127.0.0.1", 0)
        with serving(server.server):
            port = server.server.server_port
            yield lambda: http.client.HTTPConnection("127.0.0.1", port, timeout=5)


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# --- use case 1: Cognito authorizers ---


@pytest.mark.parametrize(
    ("path", "token", "status", "body"),
    [
        pytest.param("/file", None, 401, UNAUTHORIZED, id="no token"),
        pytest.param("/file", "", 401, UNAUTHORIZED, id="an empty header"),
        pytest.param("/file", "Bearer", 401, UNAUTHORIZED, id="a scheme without a token"),
        pytest.param("/file", "garbage", 401, UNAUTHORIZED, id="garbage"),
        pytest.param("/file", "a.b.c", 401, UNAUTHORIZED, id="a.b.c"),
        pytest.param("/file", "Bearer ü.ü.ü", 401, UNAUTHORIZED, id="letters outside the alphabet"),
        pytest.param("/file", lambda: mint(signed_by="forger"), 401, UNAUTHORIZED, id="forged under our kid"),
        pytest.param("/file", lambda: mint("forger", "forger"), 401, UNAUTHORIZED, id="forged under its own kid"),
        pytest.param("/file", resigned_with_the_public_key, 401, UNAUTHORIZED, id="HS256 with our public key"),
        pytest.param("/file", lambda: jwt.encode({}, "", "none"), 401, UNAUTHORIZED, id="unsigned"),
        pytest.param(
            "/file", lambda: with_an_unused_bit_set(mint()), 401, UNAUTHORIZED, id="a signature with unused bits set"
        ),
        pytest.param("/file", lambda: mint() + "==", 401, UNAUTHORIZED, id="a signature with padding"),
        pytest.param("/file", lambda: mint().replace(".", ". ", 1), 401, UNAUTHORIZED, id="a token with a space"),
        pytest.param("/file", lambda: mint(exp=int(time.time()) - 1), 401, EXPIRED, id="expired"),
        pytest.param("/file", lambda: mint(exp=None), 401, UNAUTHORIZED, id="without an expiry"),
        pytest.param("/file", lambda: mint(iat=None), 401, UNAUTHORIZED, id="without a time of issue"),
        pytest.param("/file", lambda: mint(iss=f"{ISSUER}2"), 401, UNAUTHORIZED, id="a token of another pool"),
        pytest.param("/file", lambda: mint(token_use=None), 401, UNAUTHORIZED, id="without token_use"),
        pytest.param("/file", lambda: mint(token_use="id"), 401, UNAUTHORIZED, id="an ID token, with the scope"),
        pytest.param("/file", lambda: mint(scope=None), 401, UNAUTHORIZED, id="no scope"),
        pytest.param("/file", lambda: mint(scope="openid"), 401, UNAUTHORIZED, id="the wrong scope"),
        pytest.param("/file", lambda: mint(scope=READ[:-1]), 401, UNAUTHORIZED, id="the beginning of a scope"),
        pytest.param("/file", mint, 200, None, id="one of two scopes"),
        pytest.param("/file", lambda: mint(scope=f"openid {WRITE}"), 200, None, id="the other of two scopes"),
        pytest.param("/file", lambda: f"Bearer {mint()}", 200, None, id="after Bearer"),
        pytest.param("/file", lambda: f"bEARER  {mint()}", 200, None, id="after bEARER"),
        pytest.param("/file", lambda: f"BEARER{' ' * 50}{mint()}", 200, None, id="after BEARER and fifty spaces"),
        pytest.param("/file", lambda: f"Bearer\t{mint()}", 401, UNAUTHORIZED, id="after a tab"),
        pytest.param("/file", lambda: f"Bearer \t{mint()}", 401, UNAUTHORIZED, id="after a space and a tab"),
        pytest.param("/file", lambda: f"Bearer Bearer {mint()}", 401, UNAUTHORIZED, id="after two schemes"),
        pytest.param("/file", lambda: f"Bearer {mint()} {mint()}", 401, UNAUTHORIZED, id="two tokens"),
        pytest.param("/file", "Bearer   ", 401, UNAUTHORIZED, id="a scheme and spaces"),
        pytest.param("/file", lambda: f"Basic {mint()}", 401, UNAUTHORIZED, id="after another scheme"),
        pytest.param("/profile", None, 401, UNAUTHORIZED, id="without scopes: no token"),
        pytest.param("/profile", mint, 401, UNAUTHORIZED, id="without scopes: an access token"),
        pytest.param("/profile", lambda: mint(token_use="id", aud="web"), 200, None, id="without scopes: an ID token"),
    ],
)
def test_a_cognito_route_admits_only_a_valid_token_of_the_expected_use(
    path: str, token: str | Callable[[], str] | None, status: int, body: object
) -> None:
    with open_shop() as get:
        response = get(path, token() if callable(token) else token)
    assert response.status_code == status
    assert body is None or response.json_body == body


def test_the_service_receives_the_claims_as_strings() -> None:
    token = mint(
        iat=0,
        exp=4102444800,
        auth_time=7,
        email_verified=True,
        identities=[{"userId": "u", "primary": False}],
        groups=["clerks", "staff"],
    )
    with open_shop() as get:
        claims = get("/file", token).json_body["authorizer"]["claims"]
    assert claims == {
        "sub": "clerk-1",
        "iss": ISSUER,
        "token_use": "access",
        "scope": READ,
        "iat": "Thu Jan 01 00:00:00 UTC 1970",
        "exp": "Fri Jan 01 00:00:00 UTC 2100",
        "auth_time": "7",
        "email_verified": "true",
        "identities": '{"userId":"u","primary":false}',
        "groups": "clerks,staff",
    }


def test_an_unreachable_user_pool_returns_500_and_not_401() -> None:
    def unreachable(_: str) -> jwt.PyJWK:
        raise jwt.PyJWKClientConnectionError("no answer")

    with open_shop(verify=pool_verifier(unreachable, ISSUER)) as get:
        response = get("/file", mint())
    assert (response.status_code, response.json_body) == (500, FAILURE)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        pytest.param(lambda: mint(scope="openid"), "carries none of the scopes", id="wrong scope"),
        pytest.param(lambda: mint("forger"), "Signature verification failed", id="forged"),
        pytest.param(lambda: mint(iss="elsewhere"), "Invalid issuer", id="another issuer"),
    ],
)
def test_the_reason_for_a_refusal_is_logged_and_the_token_is_not(
    token: Callable[[], str], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    refused = token()
    with caplog.at_level("INFO"), open_shop() as get:
        get("/file", refused)
    assert reason in caplog.text
    assert not any(part in caplog.text for part in refused.split("."))


@pytest.mark.parametrize("claim", ["exp", "iat", "iss", "token_use"])
def test_the_verifier_refuses_a_token_without_a_required_claim(claim: str) -> None:
    with pytest.raises(TokenRefused):
        verifier_of_our_pool()(mint("ours", "ours", **{claim: None}))


# --- use case 2: Lambda authorizers ---


@pytest.mark.parametrize(
    ("answers", "status", "body"),
    [
        pytest.param(authorizer_result(allow()), 200, None, id="allow"),
        pytest.param(authorizer_result(deny()), 403, EXPLICIT_DENY, id="deny"),
        pytest.param(authorizer_result(allow(), deny()), 403, EXPLICIT_DENY, id="allow and deny"),
        pytest.param(authorizer_result(), 403, SILENCE, id="no matching statement"),
        pytest.param(authorizer_result(allow([])), 403, SILENCE, id="an allow without resources"),
        pytest.param(authorizer_result(allow([f"{API_ARN}/GET/stock"])), 403, SILENCE, id="allow of another path"),
        pytest.param(authorizer_result(allow(f"{API_ARN}/GET/orders/7")), 200, None, id="a Resource that is a string"),
        pytest.param(
            authorizer_result(allow(f"{API_ARN}/GET/orders/8")),
            403,
            SILENCE,
            id="a Resource that is a string, for another path",
        ),
        pytest.param(
            authorizer_result(allow(f"{API_ARN}/GET/orders/{{id}}")),
            403,
            SILENCE,
            id="the route pattern instead of the path",
        ),
        pytest.param(authorizer_result(allow(Condition={})), 500, FAILURE, id="Condition"),
        pytest.param(authorizer_result(allow(NotResource="*")), 500, FAILURE, id="NotResource"),
        pytest.param(authorizer_result(allow(), groups=["clerks"]), 500, FAILURE, id="a list in the context"),
        pytest.param(authorizer_result(allow(), group={"name": "clerks"}), 500, FAILURE, id="an object in the context"),
        pytest.param(authorizer_result(allow(), group=None), 500, FAILURE, id="null in the context"),
        pytest.param(
            {**authorizer_result(allow()), "context": "clerks"}, 500, FAILURE, id="a context that is a string"
        ),
        pytest.param({**authorizer_result(allow()), "context": None}, 200, None, id="a context that is null"),
        pytest.param({**authorizer_result(allow()), "principalId": ""}, 500, FAILURE, id="an empty principal"),
        pytest.param({"policyDocument": authorizer_result(allow())["policyDocument"]}, 500, FAILURE, id="no principal"),
        pytest.param({"principalId": "clerk-1"}, 500, FAILURE, id="no policy"),
        pytest.param(authorizer_result(allow(), note="x" * 8000), 500, FAILURE, id="a result over 8 KB"),
        pytest.param(authorizer_result(allow(), note="x" * 7900), 200, None, id="a result just under 8 KB"),
        pytest.param(authorizer_result(allow(), seen={1, 2}), 500, FAILURE, id="not JSON"),
        pytest.param(authorizer_result(allow(), load=float("nan")), 500, FAILURE, id="a number outside JSON"),
        pytest.param(None, 500, FAILURE, id="no result"),
        pytest.param("allow", 500, FAILURE, id="a string"),
        pytest.param(AuthResponse(["/orders/*"], "clerk-1"), 200, None, id="Chalice's AuthResponse, of this path"),
        pytest.param(AuthResponse(["/stock"], "clerk-1"), 403, SILENCE, id="Chalice's AuthResponse, of another path"),
    ],
)
def test_an_invalid_result_of_a_lambda_authorizer_is_refused_completely(
    answers: Any, status: int, body: object
) -> None:
    with open_shop(Shop(lambda _: answers)) as get:
        response = get("/orders/7", "clerk")
    assert response.status_code == status
    assert body is None or response.json_body == body


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        pytest.param(Exception("Unauthorized"), 401, UNAUTHORIZED, id="Unauthorized"),
        pytest.param(ChaliceUnhandledError("Unauthorized"), 401, UNAUTHORIZED, id="Unauthorized of any class"),
        pytest.param(Exception("unauthorized"), 500, FAILURE, id="in another case"),
        pytest.param(Exception("Unauthorized."), 500, FAILURE, id="with more text"),
        pytest.param(KeyError("Unauthorized"), 500, FAILURE, id="in quotes"),
        pytest.param(RuntimeError("boom"), 500, FAILURE, id="another exception"),
        pytest.param(chalice.local.ForbiddenError({}, b"no"), 500, FAILURE, id="an exception of Chalice's own gateway"),
        pytest.param(SystemExit(0), 500, FAILURE, id="an exit"),
    ],
)
def test_only_an_exception_with_the_exact_text_unauthorized_returns_401_and_any_other_returns_500(
    error: BaseException, status: int, body: object
) -> None:
    with open_shop(Shop(raises(error))) as get:
        response = get("/orders/7", "clerk")
    assert (response.status_code, response.json_body) == (status, body)


def test_a_failure_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with open_shop(Shop(raises(RuntimeError("boom")))) as get:
        get("/orders/7", "clerk")
    [failure] = [record for record in caplog.records if record.exc_info]
    assert isinstance(failure.exc_info, tuple)
    assert str(failure.exc_info[1]) == "boom"
    assert "GET '/api/orders/7': AUTHORIZER_FAILURE, because RuntimeError was raised" in caplog.text


@pytest.mark.parametrize("header", [None, "", " "])
def test_without_a_token_the_lambda_authorizer_is_not_invoked(header: str | None) -> None:
    shop = Shop()
    with open_shop(shop) as get:
        response = get("/orders/7", header)
    assert (response.status_code, response.json_body, shop.asked) == (401, UNAUTHORIZED, [])


def test_the_authorizer_receives_the_path_as_received() -> None:
    shop = Shop()
    with open_shop(shop) as get:
        get("/orders/7%2F8/lines/A?page=2", "Bearer clerk")
    [question] = shop.asked
    assert question.auth_type == "TOKEN"
    assert question.token == "Bearer clerk"
    assert question.method_arn == f"{API_ARN}/GET/orders/7%2F8/lines/A"


@pytest.mark.parametrize(
    ("path", "route", "parameters"),
    [
        pytest.param("/", "/", {}, id="the root"),
        pytest.param("/a", "/a", {}, id="a literal"),
        pytest.param("/b", "/{x}", {"x": "b"}, id="a parameter"),
        pytest.param("/b/c", "/{rest+}", {"rest": "b/c"}, id="several segments"),
        pytest.param("/a/b", "/a/{x}", {"x": "b"}, id="a parameter before a greedy one"),
        pytest.param("/a/b/c/d", "/a/{rest+}", {"rest": "b/c/d"}, id="a greedy parameter after a literal"),
        pytest.param("/a/b/lines", "/a/{x}/lines", {"x": "b"}, id="a literal behind a parameter"),
        pytest.param("/a/%7Bx%7D/l%2Fm?q=1", "/a/{rest+}", {"rest": "%7Bx%7D/l%2Fm"}, id="an encoded path"),
        pytest.param("/a/b/", "/a/{x}", {"x": "b"}, id="a slash at the end"),
    ],
)
def test_the_most_specific_route_is_found_before_a_greedy_route(
    path: str, route: str, parameters: dict[str, str]
) -> None:
    routes = ["/{rest+}", "/a/{rest+}", "/{x}", "/a/{x}/lines", "/a/{x}", "/a", "/"]
    for order in (routes, routes[::-1]):
        found = RouteMatcher(gateway(), order).match_route(path)
        assert (found.route, found.captured) == (route, parameters)


@pytest.mark.parametrize("path", ["/greedy", "/greedy/", "/greedy//a", "/greedy/a//b", "//greedy/a", "/greedy/a;b"])
def test_an_empty_or_ambiguous_segment_does_not_match_a_greedy_route(path: str) -> None:
    with pytest.raises(RefusalResponse):
        RouteMatcher(gateway(), ["/greedy/{proxy+}"]).match_route(path)


def test_the_view_does_not_receive_the_parameters_of_another_route() -> None:
    found = RouteMatcher(gateway(), ["/{a}/lines", "/{b}/{c}"]).match_route("/7/pages")
    assert (found.route, found.captured) == ("/{b}/{c}", {"b": "7", "c": "pages"})


def test_the_service_receives_the_context_as_strings_with_the_principal() -> None:
    shop = Shop(lambda _: authorizer_result(allow(), name="Zoë", admin=True, level=3, share=1.5))
    with open_shop(shop, clock=Clock()) as get:
        received = get("/orders/7", "clerk").json_body["authorizer"]
    assert received == {
        "name": "Zoë",
        "admin": "true",
        "level": "3",
        "share": "1.5",
        "principalId": "clerk-1",
        "integrationLatency": 1,
    }


def test_an_authorizer_reads_its_declared_header() -> None:
    with open_shop() as get:
        assert get("/badge", "clerk").status_code == 401
        assert get("/badge", "clerk", header="x-bADGE").status_code == 200


def test_an_authorizer_of_an_unregistered_blueprint_refuses_every_request_with_a_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with open_shop() as get:
        response = get("/forgotten", "clerk")
    assert (response.status_code, response.json_body) == (500, FAILURE)
    assert "forgotten is not registered with the app" in caplog.text


@pytest.mark.parametrize("path", ["/signed", "/foreign", "/keyed"])
def test_an_unsupported_authorizer_refuses_every_request(path: str) -> None:
    with open_shop() as get:
        response = get(path, mint())
    assert (response.status_code, response.json_body) == (500, FAILURE)


# --- cached results ---


def test_a_cached_policy_is_evaluated_for_another_path_without_a_new_invocation() -> None:
    shop = Shop(lambda _: authorizer_result(allow(f"{API_ARN}/GET/stock"), deny(f"{API_ARN}/GET/stock/gold")))
    with open_shop(shop, clock=Clock()) as get:
        answers = [get(path, "clerk").status_code for path in ("/stock", "/stock/nails", "/stock/gold", "/stock")]
    assert answers == [200, 403, 403, 200]
    assert len(shop.asked) == 1


def test_a_cached_result_has_no_latency() -> None:
    with open_shop(clock=Clock()) as get:
        latencies = [get("/stock", "clerk").json_body["authorizer"]["integrationLatency"] for _ in range(2)]
    assert latencies == [1, 0]


@pytest.mark.parametrize(
    ("path", "header", "cached_seconds"), [("/stock", "Authorization", 300), ("/badge", "X-Badge", 10)]
)
def test_a_result_is_cached_for_the_ttl_of_its_authorizer_or_300_s(path: str, header: str, cached_seconds: int) -> None:
    shop, clock = Shop(), Clock()
    with open_shop(shop, clock=clock) as get:
        get(path, "clerk", header=header)
        clock.seconds = cached_seconds - 1
        get(path, "clerk", header=header)
        assert len(shop.asked) == 1
        clock.seconds = cached_seconds
        get(path, "clerk", header=header)
        assert len(shop.asked) == 2


def test_a_ttl_of_zero_invokes_the_authorizer_for_each_request() -> None:
    shop = Shop()
    with open_shop(shop, clock=Clock()) as get:
        get("/orders", "clerk")
        get("/orders", "clerk")
    assert len(shop.asked) == 2


def test_a_denial_is_cached() -> None:
    shop = Shop(lambda _: authorizer_result(deny()))
    with open_shop(shop, clock=Clock()) as get:
        assert [get("/stock", "clerk").status_code for _ in range(2)] == [403, 403]
    assert len(shop.asked) == 1


@pytest.mark.parametrize("answers", [raises(Exception("Unauthorized")), raises(RuntimeError("boom")), lambda _: None])
def test_a_401_or_500_is_not_cached(answers: Callable[[AuthRequest], Any]) -> None:
    shop = Shop(answers)
    with open_shop(shop, clock=Clock()) as get:
        assert get("/stock", "clerk").status_code in (401, 500)
        shop.answers = lambda _: authorizer_result(allow())
        assert get("/stock", "clerk").status_code == 200


def test_a_result_is_cached_for_one_token_and_one_authorizer() -> None:
    shop = Shop(lambda request: authorizer_result(allow() if request.token == "clerk" else deny()))
    with open_shop(shop, clock=Clock()) as get:
        assert get("/stock", "clerk").status_code == 200
        assert get("/stock", "thief").status_code == 403
        assert get("/badge", "clerk", header="X-Badge").status_code == 200
    assert len(shop.asked) == 3


# --- routes ---


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "/nowhere", id="an unknown path"),
        pytest.param("POST", "/orders", id="an unknown method"),
        pytest.param("HEAD", "/", id="a HEAD request for a GET route"),
        pytest.param("GET", "//host/stock", id="two leading slashes"),
        pytest.param("GET", "http://host/stock", id="a complete URL"),
        pytest.param("GET", "/stock;v=1", id="a semicolon in the path"),
        pytest.param("GET", "/orders/7;v=1", id="a semicolon in a parameter"),
        pytest.param("GET", "/stock#top", id="a hash in the path"),
        pytest.param("GET", "/orders//", id="an empty parameter"),
        pytest.param("GET", "/orders//lines/A", id="an empty parameter in the middle"),
        pytest.param("GET", "//[", id="a path that no URL parser accepts"),
    ],
)
def test_a_request_without_a_route_returns_403_missing_authentication_token(method: str, path: str) -> None:
    with open_shop() as get:
        response = get(path, "clerk", method=method)
    assert (response.status_code, response.json_body) == (403, UNKNOWN_ROUTE)
    assert response.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"


def test_a_path_with_a_trailing_slash_is_authorized_as_its_route() -> None:
    shop = Shop(lambda _: authorizer_result(allow(), deny(f"{API_ARN}/GET/stock")))
    with open_shop(shop) as get:
        assert get("/stock/", "clerk").status_code == 403
    assert shop.asked[0].method_arn == f"{API_ARN}/GET/stock"


def test_a_public_route_needs_no_token_and_receives_its_request() -> None:
    with open_shop() as get:
        assert get("/").json_body == {"open": True}
        context = get("/open/door?x=1").json_body
    request_id = context.pop("requestId")
    assert len(request_id) == 36
    assert context == {
        "httpMethod": "GET",
        "resourcePath": "/open/{name}",
        "path": "/api/open/door",
        "stage": "api",
        "identity": {"sourceIp": "127.0.0.1"},
    }


# --- gateway responses ---

DEFINITIONS = {
    "UNAUTHORIZED": {
        "statusCode": 401,
        "responseParameters": {"gatewayresponse.header.WWW-Authenticate": "'Bearer'"},
        "responseTemplates": {"application/json": '{"message":$context.error.messageString,"code":"no_token"}'},
    },
    "ACCESS_DENIED": {
        "statusCode": "404",
        "responseParameters": {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"},
        "responseTemplates": {
            "application/json": '{"message":"$context.error.message","code":"$context.authorizer.reason",'
            '"who":"$context.authorizer.principalId","what":"$context.httpMethod $context.resourcePath $context.path",'
            '"kind":"$context.error.responseType","absent":"$context.authorizer.absent$context.nonsense.at.all"}'
        },
    },
    "DEFAULT_4XX": {"responseTemplates": {"application/json": '{"message":$context.error.messageString,"code":"4xx"}'}},
    "DEFAULT_5XX": {"statusCode": 503},
}


def test_a_denial_uses_its_response_definition_with_the_context_of_the_authorizer() -> None:
    shop = Shop(lambda _: authorizer_result(deny(), reason='denied by "freeze"\n'))
    with open_shop(shop, responses=read_definitions(DEFINITIONS)) as get:
        response = get("/orders/7", "clerk")
    assert response.status_code == 404
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert json.loads(response.body) == {
        "message": "User is not authorized to access this resource with an explicit deny",
        "code": 'denied by "freeze"\n',
        "who": "clerk-1",
        "what": "GET /orders/{id} /api/orders/7",
        "kind": "ACCESS_DENIED",
        "absent": "",
    }


def test_a_gateway_response_without_a_definition_uses_the_default_of_its_class() -> None:
    with open_shop(Shop(lambda _: None), responses=read_definitions(DEFINITIONS)) as get:
        unknown, failed, refused = get("/nowhere"), get("/orders/7", "clerk"), get("/orders/7")
    assert (unknown.status_code, unknown.json_body) == (403, {**UNKNOWN_ROUTE, "code": "4xx"})
    assert (failed.status_code, failed.json_body) == (503, FAILURE)
    assert (refused.status_code, refused.json_body) == (401, {**UNAUTHORIZED, "code": "no_token"})
    assert refused.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("response_type", list(ResponseType))
def test_every_refusal_is_json_and_contains_its_request_id(response_type: ResponseType) -> None:
    said = answer({}, response_type, "Nö", {"requestId": "r-1"})
    assert list(json.loads(said.body).values()) == ["Nö"]
    assert said.headers["Content-Type"] == "application/json"
    assert said.headers["x-amzn-RequestId"] == "r-1"


@pytest.mark.parametrize(
    "parameter",
    [
        {"gatewayresponse.header.X": "method.request.header.Origin"},
        {"gatewayresponse.header.X": {"Fn::Sub": "'${Origin}'"}},
        {"gatewayresponse.path.X": "'x'"},
    ],
)
def test_a_response_header_that_is_not_a_constant_is_refused(parameter: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a header set to a 'constant'"):
        read_definitions({"UNAUTHORIZED": {"responseParameters": parameter}})


@pytest.mark.parametrize(
    ("answers", "response_type"),
    [
        (lambda _: None, "AUTHORIZER_CONFIGURATION_ERROR"),
        (lambda _: authorizer_result(allow(Condition={})), "AUTHORIZER_CONFIGURATION_ERROR"),
        (lambda _: {"principalId": "clerk-1"}, "AUTHORIZER_CONFIGURATION_ERROR"),
        (lambda _: {**authorizer_result(allow()), "context": "clerks"}, "AUTHORIZER_CONFIGURATION_ERROR"),
        (lambda _: authorizer_result(allow(), name="\ud800"), "AUTHORIZER_CONFIGURATION_ERROR"),
        (raises(RuntimeError("boom")), "AUTHORIZER_FAILURE"),
        (raises(ValueError("boom")), "AUTHORIZER_FAILURE"),
    ],
)
def test_an_invalid_result_is_a_configuration_error_and_an_exception_is_a_failure(
    answers: Callable[[AuthRequest], Any], response_type: str
) -> None:
    definition = {"DEFAULT_5XX": {"responseTemplates": {"application/json": '"$context.error.responseType"'}}}
    with open_shop(Shop(answers), responses=read_definitions(definition)) as get:
        assert get("/orders/7", "clerk").json_body == response_type


# --- installation in Chalice ---


def test_the_server_and_the_test_client_of_chalice_use_the_replaced_classes() -> None:
    app = Shop().app()
    with installed(gateway()):
        server = chalice.local.create_local_server(Shop().app(), Config.create(), "127.0.0.1", 0)
        server.server.server_close()
        in_server = chalice.local.LocalGateway(server.app_object, Config.create())
        in_client = Client(app).http._local_gateway
    for local_gateway in (in_server, in_client):
        assert type(local_gateway._authorizer).__module__ == "local.gateway"
        assert type(local_gateway.event_converter._route_matcher).__module__ == "local.gateway"


def test_a_chalice_without_the_replaced_classes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(chalice.local, "LocalGatewayAuthorizer")
    with pytest.raises(RuntimeError, match=r"needs chalice 1\.34\.0"):
        install(gateway())


def test_a_temporary_installation_of_the_gateway_ends() -> None:
    before = chalice.local.LocalGatewayAuthorizer, chalice.local.RouteMatcher
    with pytest.raises(ZeroDivisionError), installed(gateway()):
        raise ZeroDivisionError
    assert (chalice.local.LocalGatewayAuthorizer, chalice.local.RouteMatcher) == before


# --- over HTTP ---


def test_the_server_and_the_test_client_give_the_same_responses() -> None:
    shop = Shop(lambda request: authorizer_result(allow() if request.token == "clerk" else deny()))
    with open_server(shop) as connect:
        connection = connect()
        got = []
        for path, token in [
            ("/file", ""),
            ("/file", mint()),
            ("/orders/7", "clerk"),
            ("/orders/7", "thief"),
            ("/no", ""),
        ]:
            connection.request("GET", path, headers={"Authorization": token})
            response = connection.getresponse()
            got.append((response.status, response.headers["Content-Type"], bool(json.loads(response.read()))))
        connection.close()
    assert got == [(status, "application/json", True) for status in (401, 200, 200, 403, 403)]


@pytest.mark.parametrize("path", ["/orders/7", "/file", "/nowhere", "/orders//", "//["])
def test_every_malformed_request_gets_a_response(path: str) -> None:
    with open_server(Shop(raises(RuntimeError("boom")))) as connect:
        connection = connect()
        for header in (b"\xff\xfe", b"a.b.c", "Bearer ü".encode()):
            connection.request("GET", path, headers={"Authorization": header})
            response = connection.getresponse()
            assert response.status in (401, 403, 500)
            assert "message" in json.loads(response.read())
        connection.close()


def test_a_preflight_needs_no_token() -> None:
    with open_server() as connect:
        connection = connect()
        connection.request("OPTIONS", "/open/door")
        assert connection.getresponse().status == 200
        connection.close()


def test_an_exit_in_an_authorizer_does_not_end_the_connection_or_the_server() -> None:
    shop = Shop(raises(SystemExit(1)))
    with open_server(shop) as connect:
        connection = connect()
        connection.request("GET", "/orders/7", headers={"Authorization": "clerk"})
        first = connection.getresponse()
        first.read()
        shop.answers = lambda _: authorizer_result(allow())
        connection.request("GET", "/orders/7", headers={"Authorization": "clerk"})
        assert (first.status, connection.getresponse().status) == (500, 200)
        connection.close()


def test_each_of_two_concurrent_callers_gets_its_own_decision() -> None:
    together = threading.Barrier(2, timeout=5)

    def answers(request: AuthRequest) -> Any:
        together.wait()
        return {**authorizer_result(allow()), "principalId": request.token}

    def who(connection: http.client.HTTPConnection, token: str) -> str:
        connection.request("GET", "/stock", headers={"Authorization": token})
        principal: str = json.loads(connection.getresponse().read())["authorizer"]["principalId"]
        connection.close()
        return principal

    with open_server(Shop(answers)) as connect, ThreadPoolExecutor(2) as pool:
        assert list(pool.map(who, [connect(), connect()], ["clerk", "guest"])) == ["clerk", "guest"]


def test_a_result_is_cached_across_connections() -> None:
    shop = Shop()
    with open_server(shop) as connect:
        for _ in range(2):
            connection = connect()
            connection.request("GET", "/stock", headers={"Authorization": "clerk"})
            assert connection.getresponse().status == 200
            connection.close()
    assert len(shop.asked) == 1


def test_the_server_disables_the_nagle_algorithm() -> None:
    with installed(gateway()):
        assert chalice.local.ChaliceRequestHandler.disable_nagle_algorithm
    assert not socketserver.StreamRequestHandler.disable_nagle_algorithm


# --- attached to a running cloud ---


@contextmanager
def key_server(document: object) -> Iterator[str]:
    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(document).encode()
            self.send_response(200 if self.path == "/jwks.json" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


def write_outputs(folder: Path, url: str, **changes: Any) -> Path:
    environment = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "STATE_TABLE": "state"}
    outputs = {"issuer": ISSUER, "jwks_url": f"{url}/jwks.json", "environment": environment, **changes}
    path = folder / "outputs.json"
    path.write_text(json.dumps(outputs))
    return path


@contextmanager
def restored_afterwards() -> Iterator[None]:
    with installed(gateway(verify=raises(TokenRefused("not attached")))):
        yield


CHALICE_LOCAL = ["chalice", "local", "--port", "0"]
NO_PROXY = dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1")


def test_the_attached_app_uses_the_settings_tokens_and_responses_of_the_cloud(tmp_path: Path) -> None:
    template = tmp_path / "package.json"
    body = {EXTENSION: {"UNAUTHORIZED": {"responseTemplates": {"application/json": '{"code":"no_token"}'}}}}
    template.write_text(json.dumps({"Resources": {"RestAPI": {"Properties": {"DefinitionBody": body}}}}))
    environ = {"AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "real", "AWS_CHALICE_CLI_MODE": "true", "HOME": "/"}
    with restored_afterwards(), key_server(jwks("ours")) as url:
        attach(write_outputs(tmp_path, url), template, environ, CHALICE_LOCAL)
        with Client(Shop().app()) as client:
            admitted = client.http.get("/file", headers={"Authorization": mint()})
            refused = client.http.get("/file", headers={"Authorization": mint("forger", "forger")})
    assert (admitted.status_code, refused.status_code) == (200, 401)
    assert refused.json_body == {"code": "no_token"}
    assert environ == {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "STATE_TABLE": "state",
        "AWS_CHALICE_CLI_MODE": "true",
        "HOME": "/",
        **NO_PROXY,
    }


def test_without_a_package_template_the_default_responses_are_used(tmp_path: Path) -> None:
    with restored_afterwards(), key_server(jwks("ours")) as url:
        attach(write_outputs(tmp_path, url), tmp_path / "absent.json", {}, CHALICE_LOCAL)
        with Client(Shop().app()) as client:
            assert client.http.get("/file").json_body == UNAUTHORIZED


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        pytest.param(None, NO_CLOUD, id="no outputs"),
        pytest.param({"jwks_url": "http://127.0.0.1:1/jwks.json"}, NO_CLOUD, id="no server responds"),
        pytest.param({"jwks_url": "{url}/gone.json"}, NO_CLOUD, id="another pool responds"),
        pytest.param({"environment": None}, OTHER_CLOUD, id="no settings"),
        pytest.param({"environment": {"PORT": 1}}, OTHER_CLOUD, id="a setting that is not a string"),
        pytest.param({"jwks_url": "file:///etc/passwd"}, OTHER_CLOUD, id="keys in a file"),
    ],
)
def test_without_a_cloud_chalice_local_ends_with_one_message(
    outputs: dict[str, Any] | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"AWS_PROFILE": "production"}
    path = tmp_path / "outputs.json"
    with restored_afterwards(), key_server(jwks("ours")) as url:
        if outputs is not None:
            if "jwks_url" in outputs:
                outputs = {"jwks_url": outputs["jwks_url"].replace("{url}", url)}
            write_outputs(tmp_path, url, **outputs)
        with pytest.raises(SystemExit) as left:
            attach(path, tmp_path / "absent.json", environ, CHALICE_LOCAL)
    assert (left.value.code, capsys.readouterr().err) == (1, f"{message}\n")
    assert environ == {"AWS_PROFILE": "production", **NO_PROXY}


@pytest.mark.parametrize(
    ("command_line", "command"),
    [
        ("chalice local", "local"),
        ("chalice --debug --project-dir local local --port 8001", "local"),
        ("chalice --project-dir=here local", "local"),
        ("chalice package --stage local out", "package"),
        ("chalice --project-dir local deploy --stage local", "deploy"),
        ("chalice", None),
    ],
)
def test_only_the_subcommand_local_attaches_to_the_cloud(command_line: str, command: str | None) -> None:
    assert command_of(command_line.split()) == command


def run_chalice(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (project / ".chalice").mkdir()
    (project / ".chalice" / "config.json").write_text('{"version": "2.0", "app_name": "shop", "autogen_policy": true}')
    (project / "requirements.txt").touch()
    (project / "app.py").write_text(
        "import os\n"
        "from chalice import Chalice\n"
        'if "AWS_CHALICE_CLI_MODE" in os.environ:\n'
        "    from local.attach import attach\n"
        "    attach()\n"
        'app = Chalice("shop")\n'
        'app.route("/")(lambda: {})\n'
    )
    return subprocess.run(
        [str(Path(sys.executable).with_name("chalice")), *arguments],
        cwd=project,
        # Bytecode that appears before the hook has run would restart the server.
        env=child_environment(PYTHONPATH=str(HERE), AWS_DEFAULT_REGION="mars-west-1", PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize(
    ("option", "status"),
    [
        pytest.param("--no-autoreload", 1, id="without the reloader"),
        # Chalice's reloader always returns 0.
        pytest.param("--autoreload", 0, id="under the reloader"),
    ],
)
def test_the_chalice_command_without_a_cloud_ends_without_a_traceback(option: str, status: int, tmp_path: Path) -> None:
    ended = run_chalice(tmp_path, "local", option, "--port", "0")
    assert (ended.returncode, ended.stderr, ended.stdout) == (status, f"{NO_CLOUD}\n", "")


def test_chalice_package_works_without_a_cloud(tmp_path: Path) -> None:
    ended = run_chalice(tmp_path, "package", "--stage", "local", "out")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "out" / "sam.json").exists()
