"""The service runs only requests that the authorizer of their route has granted."""

import json
from collections.abc import Mapping

import pytest
from chalice.app import (
    Authorizer,
    Blueprint,
    Chalice,
    CognitoUserPoolAuthorizer,
    CustomAuthorizer,
    IAMAuthorizer,
    Request,
)

from authorizers import enforcement
from authorizers.cognito import requires
from authorizers.policy import policy_authorizer
from chalicelib.api import Api
from chalicelib.core.errors import InvalidInput
from tests.authorizers.events import proxy_event
from tests.configured import RESOURCE_SERVER
from tests.mint import NOW

READ, WRITE = f"{RESOURCE_SERVER}/file.read", f"{RESOURCE_SERVER}/file.write"


def system() -> Chalice:
    """Returns an app with a route of every kind."""
    app = Chalice("system")
    app.route("/")(dict)
    app.route("/reports/{id}", authorizer=policy_authorizer)(lambda id: {})
    app.route("/policies/{kind}/{name}", authorizer=policy_authorizer)(lambda kind, name: {})
    app.route("/greedy/{proxy+}", authorizer=policy_authorizer)(dict)
    app.route("/shops/{shop}/{rest+}", authorizer=policy_authorizer)(lambda shop: {})
    app.route("/files", authorizer=requires("file.read"))(dict)
    app.route("/both", authorizer=requires("file.read", "file.write"))(dict)
    app.route("/iam", authorizer=IAMAuthorizer())(dict)
    app.route("/foreign", authorizer=CustomAuthorizer("foreign", "arn:aws:lambda:mars-west-1:1:function:foreign"))(dict)
    return app


def is_open(resource: str, authorizer: Mapping[str, object] | None, **parameters: str) -> bool:
    return enforcement.is_granted(system(), Request(proxy_event("GET", resource, parameters, authorizer)), NOW)


def test_a_public_route_accepts_every_request() -> None:
    assert is_open("/", None)


# --- use case 2: the permissions of the Lambda authorizer ---


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("Allow GET /reports/7", id="exactly this report"),
        pytest.param("Allow * /reports/*", id="all reports"),
        pytest.param("Deny GET /reports/8 Allow GET,PUT /reports/?", id="reports with an id of one character"),
    ],
)
def test_a_request_with_the_permission_is_granted(authorization: str) -> None:
    assert is_open("/reports/{id}", {"permissions": authorization}, id="7")


@pytest.mark.parametrize(
    ("signed_in_at", "granted"),
    [
        pytest.param(str(NOW), True, id="now"),
        pytest.param(str(NOW - 900), True, id="at the limit"),
        pytest.param(str(NOW - 901), False, id="too old: a result that API Gateway kept too long"),
        pytest.param("0", False, id="unknown"),
        pytest.param("", False, id="empty"),
        pytest.param(None, False, id="null"),
        pytest.param("recently", False, id="not a number"),
        pytest.param(["900"], False, id="a list"),
    ],
)
def test_a_permission_that_requires_a_recent_sign_in_is_checked_again(signed_in_at: object, granted: bool) -> None:
    context = {"permissions": "Allow@900 GET /reports/7", "signed_in_at": signed_in_at}
    assert is_open("/reports/{id}", context, id="7") is granted


def test_without_the_time_of_the_sign_in_only_other_permissions_count() -> None:
    assert not is_open("/reports/{id}", {"permissions": "Allow@900 GET /reports/7"}, id="7")
    assert is_open("/reports/{id}", {"permissions": "Allow@900 GET /reports/7 Allow GET /reports/*"}, id="7")


@pytest.mark.parametrize(
    "authorizer",
    [
        pytest.param(None, id="no authorizer"),
        pytest.param({}, id="an empty context of the authorizer"),
        pytest.param({"principalId": "clerk"}, id="no permissions"),
        pytest.param({"permissions": None}, id="permissions that are null"),
        pytest.param({"permissions": ""}, id="empty permissions"),
        pytest.param({"permissions": 7}, id="permissions as a number"),
        pytest.param({"permissions": ["Allow * /*"]}, id="permissions as a list"),
        pytest.param({"permissions": {"Allow": "/*"}}, id="permissions as an object"),
        pytest.param({"permissions": "everything"}, id="permissions that cannot be decoded"),
        pytest.param({"permissions": "Allow * /* Allow"}, id="truncated permissions"),
        pytest.param({"permissions": "Permit * /*"}, id="an effect that does not exist"),
        pytest.param({"permissions": "Allow PUT /reports/7"}, id="another method"),
        pytest.param({"permissions": "Allow GET /reports/8"}, id="another report"),
        pytest.param({"permissions": "Allow GET /reports/{id}"}, id="the route pattern instead of a path"),
        pytest.param({"permissions": "Allow * /* Deny GET /reports/7"}, id="a deny"),
        pytest.param({"claims": {"token_use": "access", "scope": READ}}, id="the claims of the Cognito authorizer"),
    ],
)
def test_a_request_without_the_permission_is_not_granted(authorizer: Mapping[str, object] | None) -> None:
    assert not is_open("/reports/{id}", authorizer, id="7")


@pytest.mark.parametrize(
    ("authorization", "id_", "granted"),
    [
        pytest.param("Allow GET /reports/*", "7/pages", True, id="* matches a slash in a parameter"),
        pytest.param("Allow GET /reports/?", "7/pages", False, id="? does not match two segments in a parameter"),
        pytest.param(
            "Allow GET /reports/* Deny GET /reports/secret/*",
            "secret/7",
            False,
            id="a deny of a path below the parameter",
        ),
        pytest.param("Allow GET /reports/7", "7/", False, id="an extra slash"),
        pytest.param("Allow GET /reports/7", "%37", False, id="an encoded character is not decoded"),
        pytest.param("Allow GET /reports/\\1", "\\1", True, id="a backslash and a digit, as in a regular expression"),
        pytest.param("Allow GET /reports/7", "7 Allow * /*", False, id="encoded permissions as the parameter"),
        pytest.param("Allow GET /reports/7", "*", False, id="a requested star is a literal star"),
        pytest.param("Allow GET /reports/7", "", False, id="an empty parameter"),
    ],
)
def test_a_path_parameter_is_inserted_unchanged(authorization: str, id_: str, granted: bool) -> None:
    assert is_open("/reports/{id}", {"permissions": authorization}, id=id_) is granted


@pytest.mark.parametrize(
    ("id_", "granted"),
    [
        pytest.param("open", True, id="not denied"),
        pytest.param("secret", False, id="denied"),
        pytest.param("%73ecret", False, id="encoded"),
        pytest.param("%73%65%63%72%65%74", False, id="every character encoded"),
        pytest.param("%2573ecret", False, id="encoded twice, for a view that decodes again"),
        pytest.param("%25%37%33ecret", False, id="an encoding whose characters are encoded"),
        pytest.param("secret%2F7", False, id="an encoded slash"),
        pytest.param("secret%252f7", False, id="a slash encoded twice"),
        pytest.param("secret/", False, id="a slash at the end"),
        pytest.param("secret%2F", False, id="an encoded slash at the end"),
        pytest.param("R%26D", True, id="an encoded name that is not denied"),
        pytest.param("100%25", True, id="an encoded percent sign that is not denied"),
        pytest.param("100%", True, id="a percent sign that encodes nothing"),
        pytest.param("%zz", True, id="no hexadecimal digits"),
        pytest.param("%C3%A9quipe", True, id="a character of two bytes"),
    ],
)
def test_a_deny_applies_to_the_path_as_received_and_to_the_decoded_path(id_: str, granted: bool) -> None:
    authorization = "Allow GET /reports/* Deny GET /reports/secret Deny GET /reports/secret/*"
    assert is_open("/reports/{id}", {"permissions": authorization}, id=id_) is granted


def test_the_path_as_received_and_the_decoded_path_must_both_be_allowed() -> None:
    assert not is_open("/reports/{id}", {"permissions": "Allow GET /reports/secret"}, id="%73ecret")
    assert not is_open("/reports/{id}", {"permissions": "Allow GET /reports/%73ecret"}, id="%73ecret")
    assert is_open("/reports/{id}", {"permissions": "Allow GET /reports/?????? Allow GET /reports/%*"}, id="%73ecret")


@pytest.mark.parametrize(
    "id_",
    [
        pytest.param("../reports/7", id="a parent segment that leads back to the report"),
        pytest.param("..", id="a relative segment"),
        pytest.param(".", id="a current segment"),
        pytest.param("%2e%2E", id="a relative segment, encoded"),
        pytest.param("%252e.", id="a relative segment, encoded twice"),
        pytest.param("a/../secret", id="a relative segment in the middle"),
        pytest.param("a%2F..%2Fsecret", id="a relative segment in the middle, encoded"),
        pytest.param("a//b", id="an empty segment"),
        pytest.param("%2F7", id="an empty segment, encoded"),
        pytest.param("%00", id="NUL"),
        pytest.param("7%00", id="NUL behind a name"),
        pytest.param("7%250a", id="a line feed, encoded twice"),
        pytest.param("7\n", id="an unencoded line feed"),
        pytest.param("%FF", id="not UTF-8"),
        pytest.param("%C0%AF", id="an overlong encoding of a slash"),
        pytest.param("%ED%A0%80", id="an encoded lone surrogate"),
        pytest.param("%25252525252541", id="encoded many times"),
        pytest.param("%" + "25" * 2000 + "41", id="encoded two thousand times"),
    ],
)
def test_an_invalid_path_returns_400(id_: str) -> None:
    with pytest.raises(InvalidInput, match="path"):
        is_open("/reports/{id}", {"permissions": "Allow * /*"}, id=id_)
    app = Api("shop")
    enforcement.enforce(app)
    app.route("/reports/{id}", authorizer=policy_authorizer)(lambda id: {})
    refused = app(proxy_event("GET", "/reports/{id}", {"id": id_}, {"permissions": "Allow * /*"}), None)
    assert (refused["statusCode"], json.loads(refused["body"])["code"]) == (400, "invalid_input")


@pytest.mark.parametrize(
    ("authorization", "granted"),
    [("Allow GET /policies/{name}/admins", True), ("Allow GET /policies/admins/admins", False)],
    ids=["inserted once", "inserted twice"],
)
def test_a_parameter_value_with_braces_is_not_replaced(authorization: str, granted: bool) -> None:
    assert is_open("/policies/{kind}/{name}", {"permissions": authorization}, kind="{name}", name="admins") is granted


@pytest.mark.parametrize(
    ("resource", "parameters", "granted"),
    [
        pytest.param("/greedy/{proxy+}", {"proxy": "a"}, True, id="one segment"),
        pytest.param("/greedy/{proxy+}", {"proxy": "a/b/c"}, True, id="several segments"),
        pytest.param("/greedy/{proxy+}", {"proxy": "secret"}, True, id="the parent of a denied path"),
        pytest.param("/greedy/{proxy+}", {"proxy": "secret/7"}, False, id="a deny"),
        pytest.param(
            "/greedy/{proxy+}", {"proxy": "secret/7/pages/1"}, False, id="a denied path several segments below"
        ),
        pytest.param("/greedy/{proxy+}", {}, False, id="no parameter"),
        pytest.param("/shops/{shop}/{rest+}", {"shop": "a", "rest": "b/c"}, True, id="after another parameter"),
        pytest.param(
            "/shops/{shop}/{rest+}", {"shop": "a", "rest": "till/1"}, False, id="a deny after another parameter"
        ),
    ],
)
def test_a_greedy_parameter_is_inserted_into_the_path(resource: str, parameters: dict[str, str], granted: bool) -> None:
    authorization = "Allow GET /greedy/* Deny GET /greedy/secret/* Allow GET /shops/* Deny GET /shops/*/till/*"
    event = proxy_event("GET", resource, {}, {"permissions": authorization}) | {"pathParameters": parameters}
    assert enforcement.is_granted(system(), Request(event), NOW) is granted


# --- use case 1: the claims of the Cognito authorizer ---


@pytest.mark.parametrize(
    ("resource", "scope"),
    [("/files", READ), ("/files", f"openid {READ} {WRITE}"), ("/both", READ), ("/both", WRITE)],
)
def test_a_token_with_one_of_the_scopes_is_granted(resource: str, scope: str) -> None:
    assert is_open(resource, {"claims": {"token_use": "access", "scope": scope}})


@pytest.mark.parametrize(
    "authorizer",
    [
        pytest.param(None, id="no authorizer"),
        pytest.param({}, id="an empty context of the authorizer"),
        pytest.param({"claims": None}, id="claims that are null"),
        pytest.param({"claims": {}}, id="no claims"),
        pytest.param({"claims": {"token_use": "access"}}, id="no scope"),
        pytest.param({"claims": {"token_use": "access", "scope": ""}}, id="an empty scope"),
        pytest.param({"claims": {"token_use": "access", "scope": WRITE}}, id="another scope"),
        pytest.param({"claims": {"token_use": "access", "scope": READ + "er"}}, id="a longer scope"),
        pytest.param(
            {"claims": {"token_use": "access", "scope": "file.read"}}, id="the scope without the resource server"
        ),
        pytest.param({"claims": {"token_use": "access", "scope": [READ]}}, id="a list of scopes"),
        pytest.param({"claims": {"token_use": "id", "scope": READ}}, id="an ID token with the scope"),
        pytest.param({"claims": {"scope": READ}}, id="a token without token_use"),
        pytest.param({"scope": READ, "token_use": "access"}, id="claims in the wrong place"),
        pytest.param({"permissions": "Allow * /*"}, id="the permissions of the Lambda authorizer"),
    ],
)
def test_a_token_without_the_scope_is_not_granted(authorizer: Mapping[str, object] | None) -> None:
    assert not is_open("/files", authorizer)


@pytest.mark.parametrize("resource", ["/iam", "/foreign"])
def test_a_route_with_an_unknown_authorizer_is_not_granted(resource: str) -> None:
    everything = {"permissions": "Allow * /*", "claims": {"token_use": "access", "scope": f"{READ} {WRITE}"}}
    assert not is_open(resource, everything)


@pytest.mark.parametrize(("method", "resource"), [("GET", "/nowhere"), ("PUT", "/reports/{id}")])
def test_a_request_without_a_route_is_not_granted(method: str, resource: str) -> None:
    event = proxy_event(method, resource, authorizer={"permissions": "Allow * /*"})
    assert not enforcement.is_granted(system(), Request(event), NOW)


# --- checks at the registration of a route ---

UNCHECKABLE = [
    pytest.param("/iam", IAMAuthorizer(), "GET /iam: .* result of an authorizer of type IAMAuthorizer", id="IAM"),
    pytest.param(
        "/foreign",
        CustomAuthorizer("foreign", "arn:x"),
        "result of an authorizer of type CustomAuthorizer",
        id="foreign",
    ),
    pytest.param("/profile", CognitoUserPoolAuthorizer("pool", provider_arns=["arn:x"]), "no scope", id="no scope"),
    pytest.param("/v{number}", policy_authorizer, "whole segment", id="a parameter that is part of a segment"),
    pytest.param("/{proxy+}/more", policy_authorizer, "last segment", id="a greedy parameter in the middle"),
    pytest.param("/{a}/{a}", policy_authorizer, "same name", id="two parameters with the same name"),
    pytest.param("/{a}/{a+}", policy_authorizer, "same name", id="two parameters with the same name, one greedy"),
    pytest.param("/{a-b}", policy_authorizer, "whole segment", id="a parameter name that Chalice does not support"),
    pytest.param("/{a", policy_authorizer, "whole segment", id="a parameter without a closing brace"),
    pytest.param("/{}", policy_authorizer, "whole segment", id="a parameter without a name"),
    pytest.param("/a//b", policy_authorizer, "whole segment", id="an empty segment"),
    pytest.param("/a%62", policy_authorizer, "whole segment", id="an encoded character"),
    pytest.param("reports", policy_authorizer, "whole segment", id="no leading slash"),
]


@pytest.mark.parametrize(("path", "authorizer", "message"), UNCHECKABLE)
def test_a_route_that_cannot_be_checked_is_refused_at_registration(
    path: str, authorizer: Authorizer, message: str
) -> None:
    app = Api("shop")
    enforcement.enforce(app)
    with pytest.raises(ValueError, match=message):
        app.route(path, authorizer=authorizer)(dict)


@pytest.mark.parametrize(("path", "authorizer", "message"), UNCHECKABLE)
def test_a_route_registered_before_the_enforcement_is_checked_too(
    path: str, authorizer: Authorizer, message: str
) -> None:
    app = Api("shop")
    app.route(path, authorizer=authorizer)(dict)
    with pytest.raises(ValueError, match=message):
        enforcement.enforce(app)


def test_a_route_of_a_blueprint_is_checked_with_its_prefix() -> None:
    app, blueprint = Api("shop"), Blueprint("tests.shop")
    blueprint.route("/{id}", authorizer=policy_authorizer)(lambda id: {})
    enforcement.enforce(app)
    with pytest.raises(ValueError, match=r"GET /shops/\{id\}/\{id\}"):
        app.register_blueprint(blueprint, url_prefix="/shops/{id}")


@pytest.mark.parametrize("path", ["/", "/a", "/a/{b}", "/{a}/{b}", "/{proxy+}", "/a/{b}/{rest+}", "/a-b.c_d~e/{f_1}"])
@pytest.mark.parametrize("authorizer", [None, policy_authorizer, requires("file.read")])
def test_a_route_that_can_be_checked_is_registered(path: str, authorizer: Authorizer | None) -> None:
    app = Api("shop")
    enforcement.enforce(app)
    app.route(path, authorizer=authorizer)(dict)
    assert list(app.routes) == [path]


def test_the_view_of_a_refused_request_is_not_run() -> None:
    app = Api("system")
    ran: list[str] = []

    def view() -> dict[str, str]:
        ran.append("run")
        return {}

    app.route("/run", authorizer=policy_authorizer)(view)
    enforcement.enforce(app)
    refused = app(proxy_event("GET", "/run", authorizer={"permissions": "Allow GET /walk"}), None)
    assert (refused["statusCode"], ran) == (403, [])
    assert app(proxy_event("GET", "/run", authorizer={"permissions": "Allow GET /run"}), None)["statusCode"] == 200
    assert ran == ["run"]
