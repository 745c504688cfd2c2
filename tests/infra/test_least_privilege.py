"""A function's role allows each call to AWS that the function makes, and no other.

botocore records the calls while the shipped functions run with their real wiring, on services inside the test process
(moto). The calls to DynamoDB pass a server on the loopback interface, so that those of the small reader are recorded.
The roles come from infra/identity.yaml.
Source:  AWS Well-Architected, SEC03-BP02 "Authorization least privilege access"
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import xform_name

from app import app
from authorizers.policy import policy_authorizer
from chalicelib import aws_clients
from chalicelib.triggers.policy_changed import policy_changed
from chalicelib.triggers.post_confirmation import post_confirmation
from chalicelib.triggers.pre_token import pre_token
from tests import mint
from tests.authorizers.events import proxy_event, token_event
from tests.aws.loopback import dynamodb_over_http
from tests.aws.tables import dynamodb_client, empty_tables, table_settings
from tests.aws.test_fetch_jwks import answers, jwk, server, written
from tests.fakes import allow
from tests.infra.intrinsics import PSEUDO
from tests.infra.resolve import Stack, Template, load
from tests.rewired import fresh_wiring

ROOT = Path(__file__).resolve().parents[2]
HERE = "tests/infra/test_least_privilege.py"
API = "gatehouse1"
ARN = "arn:aws:execute-api:us-east-1:123456789012:gatehouse1/v1/GET/orders"


def every_scope() -> set[str]:
    """Returns the scopes of all routes of use case 1."""
    routes = [route for methods in app.routes.values() for route in methods.values()]
    return {scope for route in routes if route.authorizer for scope in route.authorizer.scopes}


EVERYTHING = {
    "principalId": "admin-sub",
    "kind": "person",
    "username": "admin",
    "client": "web",
    "policies": "group:admins@1",
    "permissions": "Allow * /*",
    "claims": {"token_use": "access", "scope": " ".join(sorted(every_scope()))},
}
POLICY = {"kind": "group", "name": "clerks"}
REVOCATION = {"sub": "5a110000-0000-4000-8000-000000000001"}
ADMINISTRATORS = {"kind": "group", "name": "readers"}  # a group of the test's user pool
USER = {"username": "urania"}
QUESTION = {"method": "GET", "path": "/orders"}
Row = tuple[str, str, Any, Mapping[str, str]]
# Every route, in an order in which each call succeeds. `{id}` is the id that was written last. A service with a folder
# of tests can define its rows there, in REQUESTS of route_requests.py.
REQUESTS: list[Row] = [
    ("GET", "/", None, {}),
    ("GET", "/whoami", None, {}),
    ("GET", "/openapi.json", None, {}),
    ("PUT", "/admin/policies/{kind}/{name}", {"statements": [allow("/*", methods=["*"])]}, ADMINISTRATORS),
    ("PUT", "/admin/policies/{kind}/{name}", {"statements": [allow("/*", methods=["*"])]}, POLICY),
    ("PUT", "/admin/policies/{kind}/{name}", {"statements": [allow("/orders")]}, POLICY),  # readers must remain
    ("GET", "/admin/policies", None, {}),
    ("GET", "/admin/policies/{kind}/{name}", None, POLICY),
    ("GET", "/admin/policies/{kind}/{name}/history", None, POLICY),
    ("POST", "/admin/policies/{kind}/{name}/rollback", {"version": 1}, POLICY),
    ("DELETE", "/admin/policies/{kind}/{name}", None, POLICY),
    ("GET", "/admin/routes", None, {}),
    ("GET", "/admin/matrix", None, {}),
    ("POST", "/admin/explain", {**QUESTION, "username": "clio"}, {}),
    ("POST", "/admin/policies/{kind}/{name}/preview", {"statements": [allow("/orders")]}, POLICY),
    ("GET", "/admin/users", None, {}),
    ("POST", "/admin/users", {"username": "thalia@olympus.example", "groups": ["clerks"]}, {}),
    ("GET", "/admin/users/{username}", None, USER),
    ("PUT", "/admin/users/{username}/groups", {"groups": ["readers"]}, USER),
    ("PUT", "/admin/users/{username}/groups", {"groups": []}, USER),  # clio, another administrator, must remain
    ("PUT", "/admin/users/{username}/groups/{group}", None, {**USER, "group": "clerks"}),
    ("DELETE", "/admin/users/{username}/groups/{group}", None, {**USER, "group": "clerks"}),
    ("GET", "/admin/groups", None, {}),
    ("POST", "/admin/users/{username}/disable", None, USER),
    ("POST", "/admin/users/{username}/enable", None, USER),
    ("POST", "/admin/users/{username}/sign-out", None, USER),
    ("POST", "/admin/users/{username}/reset-mfa", None, USER),
    ("POST", "/admin/revocations", REVOCATION, {}),
    ("GET", "/admin/revocations", None, {}),
    ("DELETE", "/admin/revocations", REVOCATION, {}),
    ("GET", "/admin/audit", None, {}),
]


def every_request() -> list[Row]:
    modules = sorted(path.parent.name for path in (ROOT / "tests").glob("*/route_requests.py"))
    return [*REQUESTS, *chain.from_iterable(import_module(f"tests.{name}.route_requests").REQUESTS for name in modules)]


# The actions of Lambda itself with a function's role, before and after the function runs.
BY_LAMBDA = {
    "*": {("logs:CreateLogStream", "<logs>"), ("logs:PutLogEvents", "<logs>")},
    "PolicyChangedRole": {
        ("dynamodb:DescribeStream", "<PolicyTable.StreamArn>"),
        ("dynamodb:GetRecords", "<PolicyTable.StreamArn>"),
        ("dynamodb:GetShardIterator", "<PolicyTable.StreamArn>"),
        ("dynamodb:ListStreams", "*"),
        ("sqs:SendMessage", "<StreamDeadLetters.Arn>"),
    },
}

Call = tuple[str, str]  # an action, and the resource as the template's resolver names it


@dataclass
class Recorder:
    """Records the called actions with their resources, and the operations by their boto3 names."""

    calls: set[Call] = field(default_factory=set)
    operations: set[str] = field(default_factory=set)

    def __call__(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        service = model.service_model.service_name
        if model.name == "TransactWriteItems":  # no action of its own: IAM checks the action of each item
            self.calls.update(actions_of(params["TransactItems"]))
        else:
            self.calls.update((action_of(service, model), resource) for resource in resources_of(service, params))
        self.operations.add(xform_name(model.name))


@pytest.fixture
def recorded() -> Iterator[Recorder]:
    """Records the calls of a test, on services with the template's tables, a user pool and a REST API."""
    recorder = Recorder()
    with (
        pytest.MonkeyPatch.context() as environment,
        fresh_wiring(),
        empty_tables(),
        server(jwks=keys()) as url,
        dynamodb_over_http("test", "test", on_call=recorder) as dynamodb_url,
    ):
        issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{user_pool()}"
        settings = {
            "AWS_ENDPOINT_URL_DYNAMODB": dynamodb_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "ISSUER": issuer,
            "JWKS_URL": f"{url}/jwks",
            "CLIENT_IDS": mint.WEB_CLIENT,
            **table_settings(),
            "AUTHORIZER_CACHE_SECONDS": "60",
            "REST_API_ID": API,
            "API_STAGE": "dev",
        }
        for name, value in settings.items():
            environment.setenv(name, value)
        # The events of every client of this session. botocore's stubs wrongly refuse a handler that returns an answer.
        events: Any = aws_clients.session().events
        events.register("before-parameter-build.*.*", recorder)
        # moto does not support these operations, so the test records and answers them.
        for operation in (
            "api-gateway.FlushStageAuthorizersCache",
            "cognito-identity-provider.AdminDeleteSoftwareToken",
        ):
            events.register(f"before-call.{operation}", lambda **_: (Done(), {}))
        yield recorder


UNSUPPORTED = ("api-gateway.FlushStageAuthorizersCache", "cognito-identity-provider.AdminDeleteSoftwareToken")


class Done:
    status_code = 202


def action_of(service: str, model: Any) -> str:
    # API Gateway's actions are HTTP methods. All other actions have the name of the operation.
    return f"apigateway:{model.http['method']}" if service == "apigateway" else f"{service}:{model.name}"


def actions_of(items: list[dict[str, Any]]) -> set[Call]:
    names = {"Update": "UpdateItem", "ConditionCheck": "ConditionCheckItem", "Put": "PutItem", "Delete": "DeleteItem"}
    return {(f"dynamodb:{names[kind]}", f"<{item['TableName']}.Arn>") for it in items for kind, item in it.items()}


def resources_of(service: str, params: Mapping[str, Any]) -> list[str]:
    if service == "apigateway":
        stage = f"{params['restApiId']}/stages/{params['stageName']}"
        return [f"arn:aws:apigateway:{PSEUDO['AWS::Region']}::/restapis/{stage}/cache/authorizers"]
    if service == "cognito-idp":
        return ["<UserPool.Arn>"]
    index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
    return [f"<{table}.Arn>{index}" for table in params.get("RequestItems") or [params["TableName"]]]


def keys() -> Callable[[Any], None]:
    return answers(200, written(jwk()))


def user_pool() -> str:
    """Creates the pool with its users, and returns its id."""
    cognito = boto3.client("cognito-idp", region_name="us-east-1")
    pool_id = cognito.create_user_pool(PoolName="olympus")["UserPool"]["Id"]
    for group in ("readers", "clerks"):
        cognito.create_group(UserPoolId=pool_id, GroupName=group)
    for name in ("clio", "urania"):
        cognito.admin_create_user(UserPoolId=pool_id, Username=name)
        cognito.admin_set_user_password(UserPoolId=pool_id, Username=name, Password="Correct-horse-9", Permanent=True)
    cognito.admin_add_user_to_group(UserPoolId=pool_id, Username="clio", GroupName="readers")
    return str(pool_id)


def ask_every_route() -> None:
    last_id = ""
    for method, resource, body, parameters in every_request():
        known = {**parameters, **({"id": last_id} if "{id}" in resource else {})}
        text = None if body is None else json.dumps(body)
        answered = app(proxy_event(method, resource, known, EVERYTHING, text), None)
        assert answered["statusCode"] < 300, f"{method} {resource}: mend its row in REQUESTS in {HERE}: {answered}"
        if answered["statusCode"] == 201:
            last_id = json.loads(answered["body"]).get("id", last_id)


def serve() -> None:
    ask_every_route()
    question = json.dumps({**QUESTION, "token": token_of_now()})
    answered = app(proxy_event("POST", "/admin/explain", {}, EVERYTHING, question), None)
    assert json.loads(answered["body"])["reason"] == "no_policy", answered


def authorize() -> None:
    dynamodb_client().put_item(TableName="StateTable", Item={"id": {"S": "generation"}, "n": {"N": "1"}})
    assert policy_authorizer(token_event(token_of_now(), ARN), None)["principalId"] == mint.person()["sub"]


def token_of_now() -> str:
    now = int(time.time())
    return mint.token(mint.person(iss=os.environ["ISSUER"], iat=now, auth_time=now, exp=now + 900))


def follow_the_stream() -> None:
    record = {
        "eventID": "1",
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/PolicyTable/stream/1",
        "dynamodb": {
            "ApproximateCreationDateTime": time.time(),
            "Keys": {"subject": {"S": "group:clerks"}},
            "NewImage": {"version": {"N": "1"}, "audit_id": {"S": "an entry that does not exist"}},
            "SequenceNumber": "1",
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }
    assert policy_changed({"Records": [record]}, None) == {"batchItemFailures": []}


def confirm() -> None:
    attributes = {"sub": "c110"}
    event = {
        "version": "1",
        "triggerSource": "PostConfirmation_ConfirmSignUp",
        "region": "us-east-1",
        "userPoolId": pool_id_of_the_test(),
        "userName": "clio",
        "callerContext": {"awsSdkVersion": "1", "clientId": "web"},
        "request": {"userAttributes": attributes},
        "response": {},
    }
    post_confirmation(event, None)
    assert groups_of("clio") == ["readers"]


def make_a_token() -> None:
    event = {
        "userPoolId": pool_id_of_the_test(),
        "userName": "urania",
        "request": {"userAttributes": {"sub": "04a1"}, "groupConfiguration": {"groupsToOverride": []}},
        "response": {},
    }
    pre_token(event, None)
    assert groups_of("urania") == ["readers"]


FUNCTIONS = {
    "ApiRole": serve,
    "AuthorizerRole": authorize,
    "PolicyChangedRole": follow_the_stream,
    "PostConfirmationRole": confirm,
    "PreTokenRole": make_a_token,
}


def allowed_by(role: str) -> set[Call]:
    """Returns what a role of the template allows, without the actions of Lambda itself."""
    return all_allowed_by(role) - BY_LAMBDA["*"] - BY_LAMBDA.get(role, set())


def all_allowed_by(role: str) -> set[Call]:
    stack = Template(load(ROOT / "infra/identity.yaml")).resolve({})
    inline = stack.resources[role].properties["Policies"]
    attached = [
        policy.properties
        for it in (stack, application(stack))
        for policy in it.of("AWS::IAM::Policy")
        if f"<{role}>" in policy.properties["Roles"]
    ]
    documents = [policy["PolicyDocument"]["Statement"] for policy in (*inline, *attached)]
    return {
        (action, re.sub(r"<\w+Logs\.Arn>", "<logs>", resource))
        for statement in chain.from_iterable(documents)
        for action in many(statement["Action"])
        for resource in many(statement["Resource"])
    }


def application(identity: Stack) -> Stack:
    """Returns the additional resources of the application's template, for the API of the recorded calls."""
    source = json.loads((ROOT / ".chalice/package.json").read_text(encoding="utf-8"))
    added = {name: item for name, item in source["Resources"].items() if item.get("Type") == "AWS::IAM::Policy"}
    parameters = {**source["Parameters"], "RestAPI": {"Type": "String"}}
    template = Template({**source, "Resources": added, "Outputs": {}, "Parameters": parameters})
    values = {name: value for name, value in identity.outputs.items() if name in source["Parameters"]}
    return template.resolve({**values, "RestAPI": API})


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("role", FUNCTIONS)
def test_a_role_allows_exactly_the_calls_of_its_function(role: str, recorded: Recorder) -> None:
    FUNCTIONS[role]()
    missing, unused = recorded.calls - allowed_by(role), allowed_by(role) - recorded.calls
    assert not missing, f"infra/identity.yaml: {role}: allow {sorted(missing)}, which the function calls"
    assert not unused, f"infra/identity.yaml: {role}: {sorted(unused)} is allowed, and the function does not call it"


def test_every_operation_of_the_adapters_was_recorded(recorded: Recorder) -> None:
    """Otherwise a role could lack an action whose call no test here makes."""
    for run in FUNCTIONS.values():
        run()
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "chalicelib").rglob("*.py")]
    calls = {name for source in sources for name in re.findall(r"client\.(\w+)\(", source)}
    pages = {name for source in sources for name in re.findall(r'get_paginator\("(\w+)"\)', source)}
    assert recorded.operations == (calls - {"get_paginator"}) | pages


@pytest.mark.parametrize("role", FUNCTIONS)
def test_no_role_can_change_or_delete_an_entry_of_the_audit_log(role: str) -> None:
    on_the_table = {action for action, resource in all_allowed_by(role) if "AuditTable" in resource or resource == "*"}
    adding_and_reading = {"dynamodb:GetItem", "dynamodb:ListStreams", "dynamodb:PutItem", "dynamodb:Query"}
    assert on_the_table <= adding_and_reading


def test_every_change_by_an_administrator_is_recorded(recorded: Recorder) -> None:
    """A route that changes something and records nothing fails here."""
    for method, resource, body, parameters in REQUESTS:
        before = entries_of_the_test()
        text = None if body is None else json.dumps(body)
        assert app(proxy_event(method, resource, parameters, EVERYTHING, text), None)["statusCode"] < 300
        asks = method == "GET" or resource == "/admin/explain" or resource.endswith("/preview")
        changes = resource.startswith("/admin/") and not asks
        assert (entries_of_the_test() > before) is changes, f"{method} {resource}"


def entries_of_the_test() -> int:
    return len(dynamodb_client().scan(TableName="AuditTable")["Items"])


def test_every_role_of_the_template_is_tested() -> None:
    stack = Template(load(ROOT / "infra/identity.yaml")).resolve({})
    assert {role.name for role in stack.of("AWS::IAM::Role")} == set(FUNCTIONS)


def test_every_route_is_called() -> None:
    routes = {(method, path) for path, methods in app.routes.items() for method in methods}
    asked = {(method, path) for method, path, _, _ in every_request()}
    assert asked >= routes, f"{sorted(routes - asked)}: add a row to REQUESTS in {HERE}, so that its calls are recorded"
    assert asked <= routes, (
        f"{sorted(asked - routes)}: app.py has no such route: take its row out of REQUESTS in {HERE}"
    )


@pytest.mark.parametrize("role", FUNCTIONS)
def test_a_role_allows_the_actions_of_lambda_itself(role: str) -> None:
    assert BY_LAMBDA["*"] | BY_LAMBDA.get(role, set()) <= all_allowed_by(role)


def pool_id_of_the_test() -> str:
    return boto3.client("cognito-idp", region_name="us-east-1").list_user_pools(MaxResults=1)["UserPools"][0]["Id"]


def groups_of(username: str) -> list[str]:
    cognito = boto3.client("cognito-idp", region_name="us-east-1")
    listed = cognito.admin_list_groups_for_user(UserPoolId=pool_id_of_the_test(), Username=username)
    return [group["GroupName"] for group in listed["Groups"]]
