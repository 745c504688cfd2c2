"""HTTP requests to the front of the local cloud. The front refuses what AWS refuses and serves what AWS serves."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import io
import json
import os
import secrets
import socket
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
import requests
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pycognito.aws_srp import AWSSRP

from tests.local.conftest import Cloud, running_cloud
from tests.local.federation.saml_company import SamlCompany, asked, posted
from tests.local.visitor import Visitor, mailed_code
from tests.totp import totp

PASSWORD = "Correct-Horse-12"
CALLBACK = "http://localhost:3000/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()

AUTHORIZER = """
import json
def handler(event, context):
    who, _, code = event["authorizationToken"].partition(":")
    effect = "Allow" if who == "admin" else "Deny"
    if who == "ghost":
        raise Exception("Unauthorized")
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"].split("/")[0] + "/*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    if who == "most":
        policy["Statement"].append({**statement, "Effect": "Allow"})
        policy["Statement"][0]["Resource"] += "/GET/guarded/secret"
    context = {"code": code, "calls": 1} if code else {}
    return {"principalId": who, "policyDocument": policy, "context": context}
"""
ECHO = """
def handler(event, context):
    return {"statusCode": 200, "body": event["requestContext"]["identity"]["sourceIp"]}
"""
CONFIRMED = """
import boto3, json
table = boto3.resource("dynamodb").Table("confirmed")
def handler(event, context):
    if event["request"]["userAttributes"]["email"].startswith("refused"):
        raise Exception("no room")
    if event["request"]["userAttributes"]["email"].startswith("silent"):
        return None
    table.put_item(Item={"id": event["userName"] + event["triggerSource"], "event": json.dumps(event)})
    return event
"""


def assert_refused(code: str, call: Callable[..., Any], **arguments: Any) -> None:
    with pytest.raises(ClientError) as refusal:
        call(**arguments)
    assert refusal.value.response["Error"]["Code"] == code


def claims(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def zipped(source: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", source)
    return packed.getvalue()


@dataclass
class System:
    """One user pool with its clients, on a running cloud."""

    cloud: Cloud

    @cached_property
    def idp(self) -> Any:
        return self.cloud.client("cognito-idp")

    @cached_property
    def public_client(self) -> Any:
        """A client of the user pool without AWS credentials."""
        return self.cloud.client("cognito-idp", signature_version=UNSIGNED)

    @cached_property
    def trigger(self) -> str:
        iam, table = self.cloud.client("iam"), self.cloud.client("dynamodb")
        table.create_table(
            TableName="confirmed",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )
        assume = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        role = iam.create_role(RoleName="system", AssumeRolePolicyDocument=json.dumps({"Statement": [assume]}))
        write = {"Statement": [{"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "*"}]}
        iam.put_role_policy(RoleName="system", PolicyName="write", PolicyDocument=json.dumps(write))
        self.role = role["Role"]["Arn"]
        return self.function("confirmed", CONFIRMED)

    def function(self, name: str, source: str) -> str:
        made = self.cloud.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=self.role,
            Handler="index.handler",
            Code={"ZipFile": zipped(source)},
        )
        return str(made["FunctionArn"])

    @cached_property
    def company(self) -> SamlCompany:
        return SamlCompany()

    @cached_property
    def pool(self) -> str:
        made = self.idp.create_user_pool(
            PoolName="system",
            UsernameAttributes=["email"],
            AutoVerifiedAttributes=["email"],
            LambdaConfig={"PostConfirmation": self.trigger},
        )
        pool = str(made["UserPool"]["Id"])
        self.idp.create_resource_server(
            UserPoolId=pool,
            Identifier="system",
            Name="system",
            Scopes=[{"ScopeName": s, "ScopeDescription": s} for s in ("read", "write")],
        )
        self.idp.create_group(UserPoolId=pool, GroupName="editors")
        self.idp.create_identity_provider(
            UserPoolId=pool,
            ProviderName="Corp",
            ProviderType="SAML",
            ProviderDetails={"MetadataFile": self.company.metadata()},
            AttributeMapping={"email": "mail"},
        )
        return pool

    def new_client(self, **settings: Any) -> dict[str, Any]:
        made = self.idp.create_user_pool_client(UserPoolId=self.pool, ClientName="client", **settings)
        return dict(made["UserPoolClient"])

    @cached_property
    def web(self) -> str:
        client = self.new_client(
            ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["code"],
            AllowedOAuthScopes=["openid", "email", "system/read"],
            CallbackURLs=[CALLBACK],
            LogoutURLs=["http://localhost:3000/"],
            SupportedIdentityProviders=["COGNITO", "Corp"],
            AccessTokenValidity=10,
            TokenValidityUnits={"AccessToken": "minutes"},
        )
        return str(client["ClientId"])

    @cached_property
    def machine(self) -> tuple[str, str]:
        client = self.new_client(
            GenerateSecret=True,
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthScopes=["system/read"],
        )
        return client["ClientId"], client["ClientSecret"]

    def user(self, permanent: bool = True) -> str:
        email = f"{secrets.token_hex(6)}@example.com"
        self.idp.admin_create_user(
            UserPoolId=self.pool, Username=email, UserAttributes=[{"Name": "email", "Value": email}]
        )
        self.idp.admin_set_user_password(UserPoolId=self.pool, Username=email, Password=PASSWORD, Permanent=permanent)
        return email

    def sign_in(self, email: str, password: str = PASSWORD) -> dict[str, Any]:
        parameters = {"USERNAME": email, "PASSWORD": password}
        return dict(
            self.public_client.initiate_auth(
                ClientId=self.web, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters
            )
        )

    def respond(self, name: str, session: str, **answers: str) -> dict[str, Any]:
        return dict(
            self.public_client.respond_to_auth_challenge(
                ClientId=self.web, ChallengeName=name, Session=session, ChallengeResponses=answers
            )
        )

    def srp(self, email: str, password: str) -> Any:
        return AWSSRP(email, password, self.pool, self.web, client=self.public_client).authenticate_user()

    def sub(self, email: str) -> str:
        return str(self.idp.admin_get_user(UserPoolId=self.pool, Username=email)["Username"])

    def post(self, path: str, data: dict[str, str], **options: Any) -> requests.Response:
        return requests.post(self.cloud.url + path, data=data, allow_redirects=False, timeout=10, **options)

    def authorize(self, **changes: str) -> requests.Response:
        asked = {
            "client_id": self.web,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid system/read",
            "state": "st8",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        url = f"{self.cloud.url}/oauth2/authorize"
        return requests.get(url, params={**asked, **changes}, allow_redirects=False, timeout=10)

    def log_in(self, email: str, password: str = PASSWORD) -> requests.Response:
        browser = Visitor(self.cloud)
        browser.get(self.authorize().headers["location"])
        return browser.submit(username=email, password=password)

    def code(self, email: str) -> str:
        return parse_qs(urlsplit(self.log_in(email).headers["location"]).query)["code"][0]

    def redeem(self, code: str, **changes: str) -> requests.Response:
        grant = {"grant_type": "authorization_code", "client_id": self.web, "redirect_uri": CALLBACK}
        return self.post("/oauth2/token", {**grant, "code": code, "code_verifier": VERIFIER, **changes})

    def oauth_tokens(self, email: str) -> dict[str, Any]:
        return dict(self.redeem(self.code(email)).json())

    def refresh(self, token: str, **changes: str) -> requests.Response:
        return self.post(
            "/oauth2/token", {"grant_type": "refresh_token", "client_id": self.web, "refresh_token": token, **changes}
        )

    def relay(self, **changes: str) -> str:
        return asked(self.authorize(identity_provider="Corp", **changes).headers["location"]).relay_state

    def corporate(self, email: str, query: str = "", **changes: str) -> requests.Response:
        """Completes the company's sign-in for a user."""
        sent = self.authorize(identity_provider="Corp", **changes)
        request = asked(sent.headers["location"])
        answer = {
            "SAMLResponse": posted(self.company.response(request, name_id=email)),
            "RelayState": request.relay_state,
        }
        return self.post(f"/saml2/idpresponse{query}", answer, cookies=sent.cookies)

    def corporate_code(self, email: str, **changes: str) -> str:
        return parse_qs(urlsplit(self.corporate(email, **changes).headers["location"]).query)["code"][0]

    def confirmed(self, username: str, source: str = "PostConfirmation_ConfirmSignUp") -> dict[str, Any] | None:
        found = self.cloud.client("dynamodb").get_item(TableName="confirmed", Key={"id": {"S": username + source}})
        return dict(json.loads(found["Item"]["event"]["S"])) if "Item" in found else None

    @cached_property
    def access_key(self) -> tuple[Any, str]:
        """The private key of the pool for access tokens, and its key id."""
        public = requests.get(f"{self.cloud.url}/{self.pool}/.well-known/jwks.json", timeout=10).json()["keys"]
        stored = self.cloud.state / "cognito-pool-keys" / f"{self.pool}-access.pem"
        return load_pem_private_key(stored.read_bytes(), None), public[0]["kid"]

    def mint(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Returns an access token, signed with the key of the pool, with these changes. None removes a claim."""
        content = {
            "iss": f"https://cognito-idp.us-east-1.amazonaws.com/{self.pool}",
            "token_use": "access",
            "scope": "system/read",
            "iat": int(time.time()),
            "exp": int(time.time()) + 600,
        } | changes
        key, kid = self.access_key
        head = {"alg": "RS256", "kid": kid, **(header or {})}
        parts = [head, {name: value for name, value in content.items() if value is not None}]
        signed = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
        signature = base64.urlsafe_b64encode(key.sign(signed, PKCS1v15(), SHA256())).rstrip(b"=")
        return f"{signed.decode()}.{signature.decode()}"

    @cached_property
    def api(self) -> str:
        """A deployed API: /files needs system/read, /profile an ID token, and /guarded/{id} has a Lambda authorizer."""
        _ = self.pool
        gateway = self.cloud.client("apigateway")
        api = gateway.create_rest_api(name="system")["id"]
        pool_arn = f"arn:aws:cognito-idp:us-east-1:123456789012:userpool/{self.pool}"
        source = "method.request.header.Authorization"
        users = gateway.create_authorizer(
            restApiId=api, name="users", type="COGNITO_USER_POOLS", providerARNs=[pool_arn], identitySource=source
        )
        root_uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
        judge = f"{root_uri}{self.function('judge', AUTHORIZER)}/invocations"
        judges = [
            gateway.create_authorizer(
                restApiId=api,
                name=f"judge{ttl}",
                type="TOKEN",
                authorizerUri=judge,
                identitySource=source,
                authorizerResultTtlInSeconds=ttl,
            )
            for ttl in (0, 300)
        ]
        root = gateway.get_resources(restApiId=api)["items"][0]["id"]

        def route(parent: str, part: str, authorizer: dict[str, Any] | None = None, **method: Any) -> str:
            made = gateway.create_resource(restApiId=api, parentId=parent, pathPart=part)["id"]
            if authorizer:
                kind = "CUSTOM" if authorizer["type"] == "TOKEN" else authorizer["type"]
                method_key = {"restApiId": api, "resourceId": made, "httpMethod": "GET"}
                gateway.put_method(**method_key, authorizationType=kind, authorizerId=authorizer["id"], **method)
                gateway.put_integration(
                    **method_key, type="MOCK", requestTemplates={"application/json": '{"statusCode":200}'}
                )
                gateway.put_method_response(**method_key, statusCode="200")
                gateway.put_integration_response(**method_key, statusCode="200")
            return str(made)

        route(root, "files", users, authorizationScopes=["system/read"])
        route(root, "profile", users)
        for part, judge in zip(("guarded", "cached"), judges, strict=True):
            route(route(root, part), "{id}", judge)
        echo = f"{root_uri}{self.function('echo', ECHO)}/invocations"
        method_key = {"restApiId": api, "resourceId": route(root, "echo"), "httpMethod": "GET"}
        gateway.put_method(**method_key, authorizationType="NONE")
        gateway.put_integration(**method_key, type="AWS_PROXY", integrationHttpMethod="POST", uri=echo)
        method_key["resourceId"] = route(root, "internal")
        gateway.put_method(**method_key, authorizationType="AWS_IAM")
        gateway.put_integration(**method_key, type="AWS_PROXY", integrationHttpMethod="POST", uri=echo)
        body = {"message": "$context.authorizer.principalId may not $context.httpMethod $context.path"}
        body |= {"code": "$context.authorizer.code", "absent": "$context.authorizer.absent"}
        gateway.put_gateway_response(
            restApiId=api, responseType="ACCESS_DENIED", responseTemplates={"application/json": json.dumps(body)}
        )
        gateway.put_gateway_response(
            restApiId=api, responseType="UNAUTHORIZED", responseTemplates={"application/json": '{"code": "no_token"}'}
        )
        gateway.create_deployment(restApiId=api, stageName="test")
        return f"{self.cloud.url}/_aws/execute-api/{api}/test"

    def get(self, path: str, token: str | None = None) -> requests.Response:
        headers = {"Authorization": token} if token else {}
        return requests.get(self.api + path, headers=headers, timeout=10)


@pytest.fixture(scope="session")
def system(cloud: Cloud) -> System:
    return System(cloud)


def raw(cloud: Cloud, method: str, path: str, *headers: tuple[str, str], body: bytes = b"") -> tuple[int, bytes]:
    """Sends exactly these headers. A client library changes some headers."""
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=10)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    status, content = answer.status, answer.read()
    connection.close()
    return status, content


HOST = ("Host", "localhost")
BEARER = ("Authorization", "Bearer anything")
FORGED = (
    "Authorization",
    f"AWS4-HMAC-SHA256 Credential=test/{time.strftime('%Y%m%d')}/us-east-1/iam/aws4_request, "
    f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}",
)


def target(operation: str) -> tuple[str, str]:
    return "X-Amz-Target", f"AWSCognitoIdentityProviderService.{operation}"


# Requests without a valid signature -----------------------------------------------------------------------------------

SERVICES = {
    "cognito-idp": ("list_user_pools", {"MaxResults": 1}),
    "dynamodb": ("list_tables", {}),
    "dynamodbstreams": ("list_streams", {}),
    "lambda": ("list_functions", {}),
    "apigateway": ("get_rest_apis", {}),
    "iam": ("list_users", {}),
    "sts": ("get_caller_identity", {}),
    "s3": ("list_buckets", {}),
    "cloudformation": ("list_stacks", {}),
    "logs": ("describe_log_groups", {}),
    "ses": ("list_identities", {}),
    "sqs": ("list_queues", {}),
}


@pytest.mark.parametrize("service", SERVICES)
def test_a_request_needs_a_valid_signature_by_an_existing_key(cloud: Cloud, service: str) -> None:
    operation, arguments = SERVICES[service]
    getattr(cloud.client(service), operation)(**arguments)
    for key, secret in [("test", "wrong"), ("123456789012", "test"), ("AKIAIOSFODNN7EXAMPLE", "test")]:
        with pytest.raises(ClientError) as refusal:
            getattr(cloud.client(service, key, secret), operation)(**arguments)
        assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403), (key, secret)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("authorization", [None, "Bearer anything", "Basic dGVzdDp0ZXN0", FORGED[1]])
def test_an_unsigned_request_is_refused(cloud: Cloud, service: str, authorization: str | None) -> None:
    operation, arguments = SERVICES[service]
    client = cloud.client(service, signature_version=UNSIGNED)
    statuses: list[int] = []
    client.meta.events.register("before-send", lambda request, **_: _send(request, authorization, statuses))
    with pytest.raises(Exception):  # noqa: B017, PT011 - an XML service cannot parse the refusal; the status counts
        getattr(client, operation)(**arguments)
    assert statuses[0] in (400, 403)


def _send(request: Any, authorization: str | None, statuses: list[int]) -> None:
    headers = {**request.headers, **({"Authorization": authorization} if authorization else {})}
    answer = requests.request(request.method, request.url, headers=headers, data=request.body, timeout=10)
    statuses.append(answer.status_code)


def test_a_request_of_an_iam_user_needs_the_secret_and_a_policy_of_the_user(cloud: Cloud) -> None:
    iam = cloud.client("iam")
    iam.create_user(UserName="clerk")
    read = {"Statement": [{"Effect": "Allow", "Action": "dynamodb:ListTables", "Resource": "*"}]}
    iam.put_user_policy(UserName="clerk", PolicyName="read", PolicyDocument=json.dumps(read))
    key = iam.create_access_key(UserName="clerk")["AccessKey"]
    clerk = (key["AccessKeyId"], key["SecretAccessKey"])
    cloud.client("dynamodb", *clerk).list_tables()
    with pytest.raises(ClientError, match="AccessDenied"):
        cloud.client("lambda", *clerk).list_functions()
    assert_refused("InvalidSignatureException", cloud.client("dynamodb", clerk[0], "test").list_tables)


def test_a_reader_cannot_become_an_administrator_with_a_bearer_token(system: System) -> None:
    reader = system.user()
    wish = {"UserPoolId": system.pool, "Username": reader, "GroupName": "editors"}
    body = json.dumps(wish).encode()
    for lines in [
        (BEARER,),
        (),
        (FORGED,),
        (("Authorization", system.sign_in(reader)["AuthenticationResult"]["AccessToken"]),),
    ]:
        status, _ = raw(system.cloud, "POST", "/", HOST, target("AdminAddUserToGroup"), *lines, body=body)
        assert status in (400, 403)
    assert system.idp.admin_list_groups_for_user(UserPoolId=system.pool, Username=reader)["Groups"] == []


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([target("SignUp"), target("ListUserPools"), BEARER], id="two targets, the public one first"),
        pytest.param([target("ListUserPools"), target("SignUp"), BEARER], id="two targets, the public one last"),
        pytest.param([target("SignUp.ListUserPools"), BEARER], id="a public operation before another"),
        pytest.param([("x-amz-TARGET", target("ListUserPools")[1]), BEARER], id="a header name in mixed case"),
        pytest.param([("X-Amz-Target", "DynamoDB_20120810.ListTables"), BEARER], id="another service"),
        pytest.param([BEARER, FORGED, target("ListUserPools")], id="two Authorization headers"),
    ],
)
def test_no_combination_of_headers_makes_a_signed_operation_public(cloud: Cloud, lines: list[tuple[str, str]]) -> None:
    status, _ = raw(cloud, "POST", "/", HOST, *lines, body=b'{"MaxResults": 1}')
    assert status in (400, 403)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/?Action=SignUp", b"{}"),
        ("GET", "/?Action=ListUsers", b""),
        ("POST", "/saml2/idpresponse", b"Action=ListUsers"),
        ("POST", "/oauth2/idpresponse?Action=ListUsers", b""),
        ("POST", "/oauth2/idpresponse?Action=AssumeRoleWithWebIdentity", b""),
        ("POST", "/saml2/idpresponse", b"Action=AssumeRoleWithSAML"),
        ("POST", "/saml2/idpresponse", b""),
        ("POST", "/_aws/execute-api/aaaa", b"{}"),
        ("POST", "/_aws/execute-api//prod", b"{}"),
        ("POST", "/_aws/execute-api/aaaa/prod/@connections/x", b"{}"),
        ("POST", "//oauth2/token", b""),
        ("POST", "/oauth2/token/", b""),
        ("GET", "/v2/_catalog", b""),
        ("GET", "/restapis", b""),
        ("GET", "/2015-03-31/functions", b""),
        ("GET", "/bucket/key", b""),
        ("POST", "/_aws/lambda-url/x/", b""),
        ("GET", "/iceberg/v1/config", b""),
    ],
)
def test_an_unusual_path_does_not_bypass_the_signature(cloud: Cloud, method: str, path: str, body: bytes) -> None:
    lines = [BEARER, ("X-Amz-Target", "DynamoDB_20120810.ListTables")]
    form = ("Content-Type", "application/x-www-form-urlencoded")
    status, content = raw(cloud, method, path, HOST, *lines, form, body=body)
    assert status in (400, 403)
    assert b"TableNames" not in content
    assert b"sts.amazonaws.com" not in content
    assert b"<Users>" not in content


def test_a_presigned_url_gives_access_to_one_object_only(cloud: Cloud) -> None:
    s3 = cloud.client("s3", signature_version="s3v4")
    s3.create_bucket(Bucket="system")
    s3.put_object(Bucket="system", Key="a", Body=b"hello")
    address = s3.generate_presigned_url("get_object", Params={"Bucket": "system", "Key": "a"}, ExpiresIn=60)
    assert requests.get(address, timeout=10).content == b"hello"
    assert s3.head_object(Bucket="system", Key="a")["ContentLength"] == 5
    assert requests.get(address.replace("/a?", "/b?"), timeout=10).status_code == 403
    turned = requests.get(address, headers={"X-Amz-Target": "DynamoDB_20120810.ListTables"}, timeout=10)
    assert (turned.status_code, "TableNames" in turned.text) == (400, False)
    drop = s3.generate_presigned_url("put_object", Params={"Bucket": "system", "Key": "drop"}, ExpiresIn=60)
    copied = requests.put(drop, headers={"X-Amz-Copy-Source": "/system/a"}, timeout=10)
    assert (copied.status_code, "CopyObjectResult" in copied.text) == (403, False)
    late = s3.generate_presigned_url("get_object", Params={"Bucket": "system", "Key": "a"}, ExpiresIn=-1)
    assert requests.get(late, timeout=10).status_code == 403


def test_a_signed_body_cannot_be_replaced(cloud: Cloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="sealed")
    statuses: list[int] = []

    def exchange(request: Any, **_: Any) -> None:
        answer = requests.put(request.url, headers=request.headers, data=b"other", timeout=10)
        statuses.append(answer.status_code)

    s3.meta.events.register("before-send.s3.PutObject", exchange)
    s3.put_object(Bucket="sealed", Key="a", Body=b"hello")
    assert statuses == [403]


def signed(cloud: Cloud, service: str, at: datetime, **headers: str) -> requests.Response:
    """Sends a harmless request with a signature that the test computes."""
    body = "Action=GetCallerIdentity&Version=2011-06-15"
    content_type = "application/x-www-form-urlencoded"
    request = AWSRequest("POST", cloud.url + "/", data=body, headers={"Content-Type": content_type, **headers})
    request.context["timestamp"] = request.headers["X-Amz-Date"] = at.strftime("%Y%m%dT%H%M%SZ")
    signer = SigV4Auth(Credentials("test", "test"), service, "us-east-1")
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    named = signer.signed_headers(signer.headers_to_sign(request))
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={named}, Signature={signature}"
    )
    return requests.post(cloud.url, data=body, headers=dict(request.headers), timeout=10)


def test_a_signature_expires(cloud: Cloud) -> None:
    now = datetime.now(UTC)
    assert signed(cloud, "sts", now).status_code == 200
    for minutes in (-16, 16):
        assert signed(cloud, "sts", now + timedelta(minutes=minutes)).status_code in (400, 403)


@pytest.mark.parametrize("query", ["?Action=ListUsers", ""])
def test_a_request_that_names_two_operations_is_refused(system: System, query: str) -> None:
    iam = system.cloud.client("iam")
    name = f"reader{len(query)}"
    iam.create_user(UserName=name)
    read = {"Statement": [{"Effect": "Allow", "Action": "cognito-idp:ListUsers", "Resource": "*"}]}
    iam.put_user_policy(UserName=name, PolicyName="read", PolicyDocument=json.dumps(read))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    reader = system.cloud.client("cognito-idp", key["AccessKeyId"], key["SecretAccessKey"])
    reader.list_users(UserPoolId=system.pool)

    def disguise(request: Any, **_: Any) -> None:
        request.url += query
        if not query:
            request.headers.replace_header("Content-Type", "application/x-www-form-urlencoded")

    reader.meta.events.register("before-sign.cognito-idp.CreateGroup", disguise)
    with pytest.raises(ClientError):
        reader.create_group(UserPoolId=system.pool, GroupName="x", Description="&Action=ListUsers&")
    assert "x" not in [group["GroupName"] for group in system.idp.list_groups(UserPoolId=system.pool)["Groups"]]


def test_a_large_signed_upload_is_admitted_and_a_large_unsigned_body_is_refused(cloud: Cloud) -> None:
    cloud.client("s3").create_bucket(Bucket="uploads")
    cloud.client("s3").put_object(Bucket="uploads", Key="a", Body=bytes(11 * 1024 * 1024))
    status, _ = raw(cloud, "POST", "/", HOST, target("SignUp"), body=bytes(11 * 1024 * 1024))
    assert status == 413


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "host.docker.internal",
        "bucket.localhost",
        "abcdef12.execute-api.localhost",
        "x.lambda-url.us-east-1.on.aws",
        "",
        "[::1]",
    ],
)
def test_a_request_for_another_host_is_refused(cloud: Cloud, host: str) -> None:
    assert raw(cloud, "POST", "/oauth2/token", ("Host", host))[0] == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "localhost:4566", "127.0.0.1:80"])
def test_a_request_for_this_machine_is_served(cloud: Cloud, host: str) -> None:
    assert raw(cloud, "POST", "/oauth2/token", ("Host", host))[0] == 400


@pytest.mark.parametrize(
    "path",
    [
        "/_ministack/reset",
        "/_ministack/config",
        "/_ministack/ses/messages",
        "/_localstack/x",
        "/_ministack/health",
        "/health",
        "/%5fministack/reset",
        "/_ministack",
    ],
)
def test_the_admin_endpoints_of_the_emulator_are_unreachable(cloud: Cloud, path: str) -> None:
    assert raw(cloud, "POST", path, HOST, BEARER)[0] == 404
    assert raw(cloud, "GET", path, HOST)[0] == 404


def test_a_websocket_is_refused(cloud: Cloud) -> None:
    upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
    path = "/_aws/execute-api/aaaa/prod"
    status, _ = raw(cloud, "GET", path, HOST, *upgrade, ("Sec-WebSocket-Key", base64.b64encode(b"0" * 16).decode()))
    assert status == 403


UNKNOWN_API = "/_aws/execute-api/aaaa/prod"


@pytest.mark.parametrize(
    ("path", "lines", "status"),
    [
        pytest.param(UNKNOWN_API, ["Host: localhost"], 404, id="a request to an unknown API"),
        pytest.param(UNKNOWN_API, ["Host: localhost", "Host: evil.example"], 400, id="two hosts"),
        pytest.param(UNKNOWN_API, [], 400, id="no host"),
        pytest.param(UNKNOWN_API, ["Host : localhost"], 400, id="a space before the colon"),
        pytest.param(UNKNOWN_API, ["Host: localhost", "Content-Length: 0", "Content-Length: 5"], 400, id="two lengths"),
        pytest.param(UNKNOWN_API + "#/docs", ["Host: localhost"], 403, id="a fragment"),
        pytest.param("http://localhost" + UNKNOWN_API, ["Host: localhost"], 403, id="an absolute address"),
    ],
)
def test_the_parser_refuses_a_request_that_has_two_meanings(
    cloud: Cloud, path: str, lines: list[str], status: int
) -> None:
    request = "\r\n".join([f"GET {path} HTTP/1.1", "Connection: close", *lines, "", ""]).encode()
    with socket.create_connection(("127.0.0.1", cloud.port), timeout=10) as connection:
        connection.sendall(request)
        assert connection.makefile("rb").readline().split()[1] == str(status).encode()


def test_headers_without_an_end_are_refused_and_not_collected(cloud: Cloud) -> None:
    with socket.create_connection(("127.0.0.1", cloud.port), timeout=10) as connection:
        connection.sendall(f"GET {UNKNOWN_API} HTTP/1.1\r\nHost: localhost\r\nX: {'x' * 20_000}".encode())
        assert connection.makefile("rb").readline().split()[1] == b"400"


def test_a_response_has_one_date(cloud: Cloud) -> None:
    refused = requests.post(cloud.url, timeout=10)
    answered = requests.post(cloud.url, headers=dict([target("InitiateAuth")]), data="{}", timeout=10)
    for response in (refused, answered):
        assert len(response.raw.headers.getlist("date")) == 1


def test_a_browser_preflight_of_the_user_pool_is_served(system: System) -> None:
    for path in ("/", "/oauth2/token"):
        answer = requests.options(system.cloud.url + path, timeout=10)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
    refused = system.post("/oauth2/token", {"grant_type": "refresh_token", "client_id": system.web})
    assert refused.headers["access-control-allow-origin"] == "*"


# Sign-in --------------------------------------------------------------------------------------------------------------


def test_srp_accepts_only_the_correct_password(system: System) -> None:
    email = system.user()
    assert system.srp(email, PASSWORD)["AuthenticationResult"]["AccessToken"]
    assert_refused("NotAuthorizedException", system.srp, email=email, password="Wrong-Horse-12")


def test_a_new_password_needs_the_session_of_its_challenge(system: System) -> None:
    victim, attacker = system.user(), system.user(permanent=False)
    asked = system.sign_in(attacker)
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    new = {"NEW_PASSWORD": "Brand-New-Horse-1"}
    for session, name in [("A" * 43, victim), (asked["Session"], victim), ("A" * 43, attacker)]:
        assert_refused(
            "NotAuthorizedException",
            system.respond,
            name="NEW_PASSWORD_REQUIRED",
            session=session,
            USERNAME=name,
            **new,
        )
    assert system.sign_in(victim)["AuthenticationResult"]
    signed_in = system.respond("NEW_PASSWORD_REQUIRED", asked["Session"], USERNAME=attacker, **new)
    assert signed_in["AuthenticationResult"]
    assert_refused(
        "NotAuthorizedException",
        system.respond,
        name="NEW_PASSWORD_REQUIRED",
        session=asked["Session"],
        USERNAME=attacker,
        **new,
    )


def test_a_session_is_valid_for_one_challenge_of_one_client(system: System) -> None:
    email = system.user(permanent=False)
    session = system.sign_in(email)["Session"]
    answers = {"USERNAME": email, "NEW_PASSWORD": "Brand-New-Horse-1"}
    assert_refused("NotAuthorizedException", system.respond, name="MFA_SETUP", session=session, **answers)
    other = system.new_client()["ClientId"]
    assert_refused(
        "NotAuthorizedException",
        system.public_client.respond_to_auth_challenge,
        ClientId=other,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=session,
        ChallengeResponses=answers,
    )


def test_a_challenge_of_an_admin_operation_is_bound_to_its_session(system: System) -> None:
    victim = system.user()
    assert_refused(
        "NotAuthorizedException",
        system.idp.admin_respond_to_auth_challenge,
        UserPoolId=system.pool,
        ClientId=system.web,
        ChallengeName="SMS_MFA",
        Session="A" * 43,
        ChallengeResponses={"USERNAME": victim, "SMS_MFA_CODE": "1"},
    )


def test_an_srp_proof_opens_no_session_for_another_user(system: System) -> None:
    victim, attacker = system.user(), system.user(permanent=False)
    proof = AWSSRP(attacker, PASSWORD, system.pool, system.web, client=system.public_client)
    asked = system.public_client.initiate_auth(
        ClientId=system.web, AuthFlow="USER_SRP_AUTH", AuthParameters=proof.get_auth_params()
    )
    answers = proof.process_challenge(asked["ChallengeParameters"], proof.get_auth_params())
    session = system.respond("PASSWORD_VERIFIER", "A" * 43, **{**answers, "USERNAME": victim})["Session"]
    assert_refused(
        "NotAuthorizedException",
        system.respond,
        name="NEW_PASSWORD_REQUIRED",
        session=session,
        USERNAME=victim,
        NEW_PASSWORD="Brand-New-Horse-1",
    )


def test_a_weak_new_password_is_refused_and_can_be_corrected(system: System) -> None:
    email = system.user(permanent=False)
    session = system.sign_in(email)["Session"]
    for weak in ("weak", ""):
        assert_refused(
            "InvalidPasswordException",
            system.respond,
            name="NEW_PASSWORD_REQUIRED",
            session=session,
            USERNAME=email,
            NEW_PASSWORD=weak,
        )
    assert system.respond("NEW_PASSWORD_REQUIRED", session, USERNAME=email, NEW_PASSWORD="Brand-New-Horse-1")


# A trigger that tries to change everything, in the form of every event version.
HOSTILE_TRIGGER = """
def handler(event, context):
    claims = {"tenant": "underworld", "sub": "s", "client_id": "c", "exp": 1, "auth_time": 1, "iss": "i", "aud": "a",
              "token_use": "id", "username": "u", "scope": "everything", "cognito:groups": ["gods"], "jti": "j"}
    section = {"claimsToAddOrOverride": claims, "claimsToSuppress": ["sub", "exp", "origin_jti"],
               "scopesToAdd": ["system/write"], "scopesToSuppress": ["email"]}
    groups = {"groupOverrideDetails": {"groupsToOverride": ["muses"]}}
    sections = {"idTokenGeneration": section, "accessTokenGeneration": section}
    event["response"] = {
        "claimsOverrideDetails": {**section, **groups},
        "claimsAndScopeOverrideDetails": {**sections, **groups},
    }
    return event
"""


@pytest.fixture(scope="module")
def triggered(system: System) -> System:
    """A system whose pool calls a hostile pre-token trigger. The version is the one of the last update."""
    other = System(system.cloud)
    other.trigger = system.trigger
    system.function("hostile", HOSTILE_TRIGGER)
    return other


def set_trigger_version(triggered: System, version: str, **pool: str) -> None:
    arn = triggered.cloud.client("lambda").get_function(FunctionName="hostile")["Configuration"]["FunctionArn"]
    trigger = {"PreTokenGenerationConfig": {"LambdaArn": arn, "LambdaVersion": version}}
    triggered.idp.update_user_pool(UserPoolId=triggered.pool, LambdaConfig=trigger, **pool)


@pytest.mark.parametrize(
    ("version", "person", "machine"),
    [("V1_0", None, None), ("V2_0", "underworld", None), ("V3_0", *["underworld"] * 2)],
)
def test_a_pre_token_trigger_changes_what_cognito_lets_its_event_version_change(
    triggered: System, version: str, person: str | None, machine: str | None
) -> None:
    set_trigger_version(triggered, version)
    email = triggered.user()
    tokens = triggered.sign_in(email)["AuthenticationResult"]
    access, identity = (jwt.decode(tokens[n], options={"verify_signature": False}) for n in ("AccessToken", "IdToken"))
    assert (access.get("tenant"), identity["tenant"]) == (person, "underworld")
    assert access["cognito:groups"] == identity["cognito:groups"] == ["muses"], "only by the field for groups"
    assert (access["sub"], access["client_id"], access["token_use"]) == (triggered.sub(email), triggered.web, "access")
    assert access["exp"] > access["iat"] == access["auth_time"]
    assert "origin_jti" in access
    assert "aud" not in access
    assert ("system/write" in access["scope"].split()) is (version != "V1_0"), "scopes have their own field"
    assert "everything" not in access["scope"]
    client, secret = triggered.machine
    asked = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
    answer = requests.post(f"{triggered.cloud.url}/oauth2/token", data=asked, timeout=20).json()
    token = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (token.get("tenant"), token["client_id"]) == (machine, client)


def test_later_versions_of_the_pre_token_trigger_need_a_tier(triggered: System) -> None:
    set_trigger_version(triggered, "V1_0", UserPoolTier="LITE")
    for version in ("V2_0", "V3_0"):
        assert_refused("FeatureUnavailableInTierException", set_trigger_version, triggered=triggered, version=version)
    set_trigger_version(triggered, "V3_0", UserPoolTier="ESSENTIALS")
    assert_refused(
        "FeatureUnavailableInTierException",
        triggered.idp.create_user_pool,
        PoolName="lite",
        UserPoolTier="LITE",
        LambdaConfig={"PreTokenGenerationConfig": {"LambdaArn": triggered.trigger, "LambdaVersion": "V2_0"}},
    )


def test_a_session_is_valid_once_even_for_two_concurrent_answers(system: System) -> None:
    slow = System(system.cloud)
    slow.trigger = system.trigger
    # The function extends the time between the first answer and its tokens.
    pause = system.function("pause", "import time\ndef handler(event, context):\n    time.sleep(0.3)\n    return event")
    slow.idp.update_user_pool(UserPoolId=slow.pool, LambdaConfig={"PreTokenGeneration": pause})
    email = slow.user(permanent=False)
    session = slow.sign_in(email)["Session"]

    def answer(_: int) -> bool:
        try:
            return bool(
                slow.respond("NEW_PASSWORD_REQUIRED", session, USERNAME=email, NEW_PASSWORD="Brand-New-Horse-1")
            )
        except ClientError:
            return False

    with ThreadPoolExecutor(3) as threads:
        assert sum(threads.map(answer, range(3))) == 1


def test_a_malformed_answer_is_not_forwarded(system: System) -> None:
    victim = system.user()
    answer = {
        "ClientId": system.web,
        "ChallengeName": "NEW_PASSWORD_REQUIRED",
        "Session": "A" * 43,
        "ChallengeResponses": {"USERNAME": victim, "NEW_PASSWORD": "Brand-New-Horse-1"},
    }
    packed = gzip.compress(json.dumps(answer).encode())
    status, content = raw(
        system.cloud, "POST", "/", HOST, target("RespondToAuthChallenge"), ("Content-Encoding", "gzip"), body=packed
    )
    assert status == 400, content
    assert system.sign_in(victim)["AuthenticationResult"]


def test_a_session_expires_after_three_minutes(system: System) -> None:
    emails = system.user(permanent=False), system.user(permanent=False)
    sessions = [system.sign_in(email)["Session"] for email in emails]
    answers = [{"USERNAME": email, "NEW_PASSWORD": "Brand-New-Horse-1"} for email in emails]
    with system.cloud.ahead(seconds=175):
        assert system.respond("NEW_PASSWORD_REQUIRED", sessions[0], **answers[0])["AuthenticationResult"]
    with system.cloud.ahead(seconds=181):
        late = {"name": "NEW_PASSWORD_REQUIRED", "session": sessions[1], **answers[1]}
        assert_refused("NotAuthorizedException", system.respond, **late)


@pytest.fixture(scope="session")
def strict(system: System) -> System:
    """A system whose pool requires an authenticator."""
    second = System(system.cloud)
    second.trigger = system.trigger
    second.idp.set_user_pool_mfa_config(
        UserPoolId=second.pool, SoftwareTokenMfaConfiguration={"Enabled": True}, MfaConfiguration="ON"
    )
    return second


def test_a_pool_with_mfa_gives_tokens_only_after_an_authenticator_code(strict: System) -> None:
    email = strict.user()
    asked = strict.sign_in(email)
    assert asked["ChallengeName"] == "MFA_SETUP"
    assert "AuthenticationResult" not in asked
    assert_refused("NotAuthorizedException", strict.respond, name="MFA_SETUP", session=asked["Session"], USERNAME=email)

    given = strict.public_client.associate_software_token(Session=asked["Session"])
    assert_refused("NotAuthorizedException", strict.respond, name="MFA_SETUP", session=given["Session"], USERNAME=email)
    assert_refused(
        "EnableSoftwareTokenMFAException",
        strict.public_client.verify_software_token,
        Session=given["Session"],
        UserCode="000000",
    )
    verified = strict.public_client.verify_software_token(Session=given["Session"], UserCode=totp(given["SecretCode"]))
    other = strict.user()
    assert_refused(
        "NotAuthorizedException", strict.respond, name="MFA_SETUP", session=verified["Session"], USERNAME=other
    )
    assert strict.respond("MFA_SETUP", verified["Session"], USERNAME=email)["AuthenticationResult"]

    asked = strict.sign_in(email)
    assert asked["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    code = {"USERNAME": email, "SOFTWARE_TOKEN_MFA_CODE": totp(given["SecretCode"], steps=1)}
    assert_refused(
        "CodeMismatchException",
        strict.respond,
        name="SOFTWARE_TOKEN_MFA",
        session=asked["Session"],
        **{**code, "SOFTWARE_TOKEN_MFA_CODE": "000000"},
    )
    assert_refused("NotAuthorizedException", strict.respond, name="SOFTWARE_TOKEN_MFA", session="A" * 43, **code)
    assert_refused("NotAuthorizedException", strict.respond, name="MFA_SETUP", session=asked["Session"], **code)
    tokens = strict.respond("SOFTWARE_TOKEN_MFA", asked["Session"], **code)["AuthenticationResult"]
    refreshed = strict.public_client.get_tokens_from_refresh_token(
        ClientId=strict.web, RefreshToken=tokens["RefreshToken"]
    )
    assert refreshed["AuthenticationResult"]
    parameters = {"REFRESH_TOKEN": tokens["RefreshToken"]}
    assert strict.public_client.initiate_auth(
        ClientId=strict.web, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=parameters
    )["AuthenticationResult"]


def test_a_user_without_an_authenticator_cannot_answer_an_mfa_challenge(strict: System) -> None:
    email = strict.user()
    strict.idp.admin_set_user_mfa_preference(
        UserPoolId=strict.pool, Username=email, SoftwareTokenMfaSettings={"Enabled": True}
    )
    asked = strict.sign_in(email)
    code = {"USERNAME": email, "SOFTWARE_TOKEN_MFA_CODE": "123456"}
    assert_refused(
        "NotAuthorizedException", strict.respond, name="SOFTWARE_TOKEN_MFA", session=asked["Session"], **code
    )


def test_an_authenticator_can_be_associated_only_with_an_open_session(system: System) -> None:
    assert_refused("NotAuthorizedException", system.public_client.associate_software_token, Session="A" * 43)


def test_a_sign_up_cannot_write_attributes_that_only_cognito_writes(system: System) -> None:
    victim, email = system.user(), f"{secrets.token_hex(6)}@example.com"
    for name, value in [("sub", system.sub(victim)), ("email_verified", "true"), ("cognito:user_status", "CONFIRMED")]:
        attributes = [{"Name": "email", "Value": email}, {"Name": name, "Value": value}]
        assert_refused(
            "NotAuthorizedException",
            system.public_client.sign_up,
            ClientId=system.web,
            Username=email,
            Password=PASSWORD,
            UserAttributes=attributes,
        )
    token = system.sign_in(system.user())["AuthenticationResult"]["AccessToken"]
    forged = [{"Name": "sub", "Value": system.sub(victim)}]
    assert_refused(
        "NotAuthorizedException", system.public_client.update_user_attributes, AccessToken=token, UserAttributes=forged
    )
    system.public_client.update_user_attributes(AccessToken=token, UserAttributes=[{"Name": "name", "Value": "Ann"}])


def test_a_user_cannot_take_the_address_of_another_user(system: System) -> None:
    victim, attacker = system.user(), system.user()
    token = system.sign_in(attacker)["AuthenticationResult"]["AccessToken"]
    taken = [{"Name": "email", "Value": victim}]
    assert_refused(
        "AliasExistsException", system.public_client.update_user_attributes, AccessToken=token, UserAttributes=taken
    )
    system.public_client.update_user_attributes(
        AccessToken=token, UserAttributes=[{"Name": "email", "Value": attacker}]
    )


def test_a_user_can_write_only_the_attributes_that_the_client_can_write(system: System) -> None:
    narrow = system.new_client(WriteAttributes=["email"])["ClientId"]
    email = f"{secrets.token_hex(6)}@example.com"
    wish = {"ClientId": narrow, "Username": email, "Password": PASSWORD}
    named = [{"Name": "email", "Value": email}, {"Name": "name", "Value": "Ann"}]
    assert_refused("NotAuthorizedException", system.public_client.sign_up, **wish, UserAttributes=named)
    system.public_client.sign_up(**wish, UserAttributes=named[:1])


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b'{"ClientId": {}, "AuthFlow": []}',
        b'{"ClientId": "x", "ChallengeName": {}, "ChallengeResponses": []}',
        b'{"ClientId": "x", "Username": "x", "UserAttributes": [1, {"Name": []}]}',
    ],
)
def test_malformed_fields_are_a_client_error(cloud: Cloud, body: bytes) -> None:
    for operation in ("InitiateAuth", "RespondToAuthChallenge", "SignUp", "VerifySoftwareToken", "RevokeToken"):
        status, content = raw(cloud, "POST", "/", HOST, target(operation), body=body)
        assert status == 400, (operation, content)


def test_a_sign_up_is_refused_where_only_administrators_create_users(system: System) -> None:
    closed = System(system.cloud)
    closed.trigger = system.trigger
    settings = {"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}}
    closed.idp.update_user_pool(UserPoolId=closed.pool, **settings)
    with pytest.raises(ClientError, match="not permitted"):
        sign_up(closed, "ann@example.com")


def test_a_forged_token_cannot_revoke_a_session(system: System) -> None:
    tokens = system.oauth_tokens(system.user())
    origin = claims(tokens["refresh_token"])["origin_jti"]
    forged = jwt.encode({"token_use": "refresh", "origin_jti": origin, "client_id": system.web}, "k" * 32)
    assert_refused("NotAuthorizedException", system.public_client.revoke_token, Token=forged, ClientId=system.web)
    assert system.post("/oauth2/revoke", {"token": forged, "client_id": system.web}).status_code == 200
    assert system.refresh(tokens["refresh_token"]).status_code == 200
    system.public_client.revoke_token(Token=tokens["refresh_token"], ClientId=system.web)
    assert system.refresh(tokens["refresh_token"]).status_code == 400


def test_a_federated_user_cannot_sign_in_with_a_password(system: System) -> None:
    email = f"{secrets.token_hex(6)}@corp.example"
    system.corporate(email)
    username = f"Corp_{email}"
    assert_refused("NotAuthorizedException", system.sign_in, email=username, password="anything")
    assert_refused("NotAuthorizedException", system.srp, email=username, password="")
    assert_refused(
        "NotAuthorizedException", system.public_client.forgot_password, ClientId=system.web, Username=username
    )


def test_an_expired_refresh_token_is_refused(system: System) -> None:
    client = system.new_client(
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        AccessTokenValidity=1,
        RefreshTokenValidity=1,
        TokenValidityUnits={"AccessToken": "seconds", "RefreshToken": "seconds"},
    )["ClientId"]
    token = system.mint(
        token_use="refresh", sub=system.sub(system.user()), client_id=client, exp=int(time.time()) - 1, scope=None
    )
    parameters = {"REFRESH_TOKEN": token}
    assert_refused(
        "NotAuthorizedException",
        system.public_client.initiate_auth,
        ClientId=client,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters=parameters,
    )
    assert_refused(
        "NotAuthorizedException",
        system.public_client.get_tokens_from_refresh_token,
        ClientId=client,
        RefreshToken=token,
    )
    assert system.refresh(token, client_id=client).json()["error"] == "invalid_grant"


# PostConfirmation -----------------------------------------------------------------------------------------------------


def sign_up(system: System, email: str) -> str:
    made = system.public_client.sign_up(
        ClientId=system.web, Username=email, Password=PASSWORD, UserAttributes=[{"Name": "email", "Value": email}]
    )
    return str(made["UserSub"])


def test_a_confirmed_sign_up_invokes_the_trigger_with_the_user(system: System) -> None:
    email = f"{secrets.token_hex(6)}@example.com"
    username = sign_up(system, email)
    assert system.confirmed(username) is None
    system.public_client.confirm_sign_up(
        ClientId=system.web,
        Username=email,
        ConfirmationCode=mailed_code(system.cloud, email),
        ClientMetadata={"from": "test"},
    )
    event = system.confirmed(username)
    assert event is not None
    attributes = event["request"].pop("userAttributes")
    assert event == {
        "version": "1",
        "triggerSource": "PostConfirmation_ConfirmSignUp",
        "region": "us-east-1",
        "userPoolId": system.pool,
        "userName": username,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": system.web},
        "request": {"clientMetadata": {"from": "test"}},
        "response": {},
    }
    assert (attributes["sub"], attributes["email"], attributes["cognito:user_status"]) == (username, email, "CONFIRMED")


def test_a_wrong_code_confirms_no_user_and_invokes_no_trigger(system: System) -> None:
    email = f"{secrets.token_hex(6)}@example.com"
    username = sign_up(system, email)
    assert_refused(
        "CodeMismatchException",
        system.public_client.confirm_sign_up,
        ClientId=system.web,
        Username=email,
        ConfirmationCode="000000",
    )
    assert system.confirmed(username) is None


def test_an_admin_confirmation_and_a_password_reset_invoke_the_trigger(system: System) -> None:
    email = f"{secrets.token_hex(6)}@example.com"
    username = sign_up(system, email)
    system.idp.admin_confirm_sign_up(UserPoolId=system.pool, Username=email)
    assert system.confirmed(username)
    verified = [{"Name": "email_verified", "Value": "true"}]
    system.idp.admin_update_user_attributes(UserPoolId=system.pool, Username=email, UserAttributes=verified)
    system.public_client.forgot_password(ClientId=system.web, Username=email)
    system.public_client.confirm_forgot_password(
        ClientId=system.web,
        Username=email,
        ConfirmationCode=mailed_code(system.cloud, email),
        Password="Brand-New-Horse-1",
    )
    assert system.confirmed(username, "PostConfirmation_ConfirmForgotPassword")


def test_a_function_that_does_not_return_its_event_fails_the_confirmation(system: System) -> None:
    email = f"silent-{secrets.token_hex(6)}@example.com"
    sign_up(system, email)
    assert_refused(
        "InvalidLambdaResponseException",
        system.public_client.confirm_sign_up,
        ClientId=system.web,
        Username=email,
        ConfirmationCode=mailed_code(system.cloud, email),
    )


def test_a_function_that_does_not_exist_fails_the_confirmation(system: System) -> None:
    broken = System(system.cloud)
    broken.trigger = system.trigger + "-gone"
    sign_up(broken, "ann@example.com")
    arguments = {"UserPoolId": broken.pool, "Username": "ann@example.com"}
    assert_refused("UnexpectedLambdaException", broken.idp.admin_confirm_sign_up, **arguments)


def test_a_sign_up_that_a_trigger_confirms_invokes_post_confirmation(system: System) -> None:
    welcoming = System(system.cloud)
    welcoming.trigger = system.trigger
    confirm = "def handler(event, context): return {**event, 'response': {'autoConfirmUser': True}}"
    functions = {"PreSignUp": system.function("welcome", confirm), "PostConfirmation": system.trigger}
    welcoming.idp.update_user_pool(UserPoolId=welcoming.pool, LambdaConfig=functions)
    assert system.confirmed(sign_up(welcoming, "ann@example.com"))


def test_a_failing_function_fails_the_confirmation(system: System) -> None:
    email = f"refused-{secrets.token_hex(6)}@example.com"
    sign_up(system, email)
    with pytest.raises(ClientError, match="no room") as refusal:
        system.public_client.confirm_sign_up(
            ClientId=system.web, Username=email, ConfirmationCode=mailed_code(system.cloud, email)
        )
    assert refusal.value.response["Error"]["Code"] == "UserLambdaValidationException"


def test_only_the_first_federated_sign_in_invokes_post_confirmation(system: System) -> None:
    email = f"{secrets.token_hex(6)}@corp.example"
    assert system.corporate(email).status_code == 302
    assert system.confirmed(f"Corp_{email}")
    system.cloud.client("dynamodb").delete_item(
        TableName="confirmed", Key={"id": {"S": f"Corp_{email}PostConfirmation_ConfirmSignUp"}}
    )
    assert system.corporate(email).status_code == 302
    assert system.confirmed(f"Corp_{email}") is None


# OAuth ----------------------------------------------------------------------------------------------------------------


def test_an_authorization_code_is_valid_once_and_only_with_its_verifier(system: System) -> None:
    code = system.code(system.user())
    for change in (
        {"code_verifier": ""},
        {"code_verifier": "w" * 64},
        {"code_verifier": "é" * 50},
        {"redirect_uri": "http://x"},
    ):
        assert system.redeem(code, **change).json()["error"] == "invalid_grant"
    assert set(system.redeem(code).json()) >= {"access_token", "id_token", "refresh_token"}
    assert system.redeem(code).json()["error"] == "invalid_grant"


def test_a_federated_code_is_valid_only_for_its_client_address_and_verifier(system: System) -> None:
    code = system.corporate_code(f"{secrets.token_hex(6)}@corp.example")
    other = system.new_client(CallbackURLs=[CALLBACK])["ClientId"]
    for change in (
        {"code_verifier": ""},
        {"code_verifier": "w" * 64},
        {"client_id": other},
        {"client_id": ""},
        {"redirect_uri": ""},
        {"redirect_uri": "http://x"},
    ):
        assert system.redeem(code, **change).json()["error"] in ("invalid_grant", "invalid_client")
    assert set(claims(system.redeem(code).json()["access_token"])["scope"].split()) == {"openid", "system/read"}
    assert system.redeem(code).json()["error"] == "invalid_grant"


def test_a_sign_in_with_a_challenge_cannot_use_the_state_of_a_sign_in_without_one(system: System) -> None:
    email = f"{secrets.token_hex(6)}@corp.example"
    bare = {"code_challenge": "", "code_challenge_method": ""}
    assert system.redeem(system.corporate_code(email, **bare), code_verifier="").status_code == 200
    code = system.corporate_code(email, query=f"?state={system.relay(**bare)}")
    assert system.redeem(code, code_verifier="").json()["error"] == "invalid_grant"


def test_a_refresh_retains_the_scopes_and_reads_the_current_groups(system: System) -> None:
    email = system.user()
    tokens = system.oauth_tokens(email)
    assert "cognito:groups" not in claims(tokens["access_token"])
    system.idp.admin_add_user_to_group(UserPoolId=system.pool, Username=email, GroupName="editors")
    answer = system.refresh(tokens["refresh_token"]).json()
    before, after = claims(tokens["access_token"]), claims(answer["access_token"])
    assert after["cognito:groups"] == ["editors"]
    assert set(after["scope"].split()) == set(before["scope"].split()) == {"openid", "system/read"}
    assert after["origin_jti"] == before["origin_jti"]
    assert answer["expires_in"] == 600
    assert claims(answer["id_token"])["cognito:groups"] == ["editors"]


def test_a_federated_refresh_retains_its_scopes(system: System) -> None:
    tokens = system.redeem(system.corporate_code(f"{secrets.token_hex(6)}@corp.example")).json()
    refreshed = claims(system.refresh(tokens["refresh_token"]).json()["access_token"])
    assert set(refreshed["scope"].split()) == {"openid", "system/read"}
    assert refreshed["cognito:groups"] == [f"{system.pool}_Corp"]


def test_a_refresh_token_is_refused_for_another_client(system: System) -> None:
    token = system.oauth_tokens(system.user())["refresh_token"]
    for other in (system.new_client()["ClientId"], "nobody", ""):
        assert system.refresh(token, client_id=other).json()["error"] in ("invalid_grant", "invalid_client")


def test_a_confidential_client_needs_its_secret_to_refresh_and_revoke(system: System) -> None:
    client = system.new_client(GenerateSecret=True, ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"])
    token = system.mint(
        token_use="refresh", sub=system.sub(system.user()), client_id=client["ClientId"], scope="system/read"
    )
    for path, grant in [
        ("/oauth2/token", {"grant_type": "refresh_token", "refresh_token": token}),
        ("/oauth2/revoke", {"token": token}),
    ]:
        for secret in ("", "wrong"):
            refused = system.post(path, {**grant, "client_id": client["ClientId"], "client_secret": secret})
            assert refused.json()["error"] == "invalid_client"
    basic = (client["ClientId"], client["ClientSecret"])
    answer = system.post("/oauth2/token", {"grant_type": "refresh_token", "refresh_token": token}, auth=basic)
    assert set(answer.json()) == {"access_token", "token_type", "expires_in"}  # no ID token without the openid scope


def test_a_revoked_token_is_refused_by_every_endpoint(system: System) -> None:
    tokens = system.oauth_tokens(system.user())
    assert system.post("/oauth2/revoke", {"token": tokens["refresh_token"], "client_id": system.web}).status_code == 200
    assert system.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    userinfo = requests.get(
        f"{system.cloud.url}/oauth2/userInfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}, timeout=10
    )
    assert userinfo.status_code == 401


def test_a_client_cannot_revoke_the_token_of_another_client_or_an_access_token(system: System) -> None:
    tokens = system.oauth_tokens(system.user())
    other = system.new_client()["ClientId"]
    refused = system.post("/oauth2/revoke", {"token": tokens["refresh_token"], "client_id": other})
    assert refused.json()["error"] == "invalid_grant"
    refused = system.post("/oauth2/revoke", {"token": tokens["access_token"], "client_id": system.web})
    assert refused.json()["error"] == "unsupported_token_type"
    assert system.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "http://evil.example/"},
        {"redirect_uri": CALLBACK + "/.."},
        {"response_type": "token"},
        {"client_id": "nobody"},
        {"identity_provider": "Corp", "redirect_uri": "http://evil.example/"},
        {"identity_provider": "Corp", "response_type": "token"},
        {"identity_provider": "Corp", "code_challenge_method": "plain"},
        {"identity_provider": "Corp", "code_challenge": "short"},
        {"identity_provider": "Nobody"},
    ],
)
def test_a_sign_in_that_the_client_does_not_allow_is_refused(system: System, changes: dict[str, str]) -> None:
    answer = system.authorize(**changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_a_client_can_use_only_its_identity_providers(system: System) -> None:
    alone = system.new_client(
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid"],
        CallbackURLs=[CALLBACK],
        SupportedIdentityProviders=["COGNITO"],
    )["ClientId"]
    assert system.authorize(identity_provider="Corp", client_id=alone, scope="openid").status_code == 400
    codeless = system.new_client(CallbackURLs=[CALLBACK], SupportedIdentityProviders=["Corp"])["ClientId"]
    assert system.authorize(identity_provider="Corp", client_id=codeless).status_code == 400


def test_other_scopes_and_plain_challenges_are_refused_at_the_redirect(system: System) -> None:
    for changes in ({"scope": "system/write"}, {"code_challenge_method": "plain"}):
        location = system.authorize(**changes).headers["location"]
        assert location.startswith(CALLBACK)
        assert "error=" in location


def test_a_sign_out_redirects_only_to_a_registered_address(system: System) -> None:
    def log_out(client: str, uri: str) -> int:
        query = urlencode({"client_id": client, "logout_uri": uri})
        return requests.get(f"{system.cloud.url}/logout?{query}", allow_redirects=False, timeout=10).status_code

    assert log_out(system.web, "http://localhost:3000/") == 302
    assert log_out(system.web, "http://evil.example/") == 400
    assert log_out(system.machine[0], "http://evil.example/") == 400


def test_a_machine_gets_only_its_scopes_and_only_with_its_secret(system: System) -> None:
    def ask(secret: str, **grant: str) -> requests.Response:
        return system.post(
            "/oauth2/token", {"grant_type": "client_credentials", **grant}, auth=(system.machine[0], secret)
        )

    assert claims(ask(system.machine[1], scope="system/read").json()["access_token"])["scope"] == "system/read"
    for refused in (
        ask("wrong"),
        ask(""),
        ask(system.machine[1], scope="system/write"),
        system.post("/oauth2/token", {"grant_type": "client_credentials", "client_id": system.web}),
        system.post("/oauth2/token", {"grant_type": "password", "client_id": system.web}),
    ):
        assert refused.status_code == 400
        assert "access_token" not in refused.json()
    assert requests.get(f"{system.cloud.url}/oauth2/token", timeout=10).status_code == 403


# The API --------------------------------------------------------------------------------------------------------------


def test_a_route_with_scopes_accepts_an_access_token_with_one_of_them(system: System) -> None:
    tokens = system.oauth_tokens(system.user())
    assert system.get("/files", tokens["access_token"]).status_code == 200
    assert system.get("/files", f"Bearer {tokens['access_token']}").status_code == 200
    assert system.get("/files", system.mint()).status_code == 200
    assert system.get("/files", tokens["id_token"]).status_code == 401
    assert system.get("/files").status_code == 401
    assert system.get("/profile", tokens["id_token"]).status_code == 200
    assert system.get("/profile", tokens["access_token"]).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"exp": None}, id="no expiry"),
        pytest.param({"exp": int(time.time()) - 1}, id="expired"),
        pytest.param({"exp": "9999999999"}, id="expiry as a string"),
        pytest.param({"exp": 9999999999.5}, id="expiry as a fraction"),
        pytest.param({"exp": float("nan")}, id="expiry not a number"),
        pytest.param({"exp": float("inf")}, id="expiry infinite"),
        pytest.param({"exp": True}, id="expiry true"),
        pytest.param({"iat": None}, id="no issue time"),
        pytest.param({"iat": int(time.time()) + 900}, id="issued in the future"),
        pytest.param({"nbf": int(time.time()) + 900}, id="not yet valid"),
        pytest.param({"token_use": "id"}, id="an ID token with scopes"),
        pytest.param({"token_use": None}, id="no token use"),
        pytest.param({"scope": "system/write"}, id="another scope"),
        pytest.param({"scope": ["system/read"]}, id="scopes as a list"),
        pytest.param({"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"}, id="another pool"),
        pytest.param({"header": {"kid": None}}, id="no key id"),
        pytest.param({"header": {"kid": "other"}}, id="unknown key id"),
        pytest.param({"header": {"alg": "none"}}, id="another algorithm"),
        pytest.param({"header": {"crit": ["x"], "x": 1}}, id="a critical extension"),
    ],
)
def test_a_signed_token_with_claims_that_cognito_does_not_issue_is_refused(
    system: System, changes: dict[str, Any]
) -> None:
    answer = system.get("/files", system.mint(**changes))
    assert (answer.status_code, answer.json()) == (401, {"code": "no_token"})


def test_a_token_signed_by_another_key_is_refused(system: System) -> None:
    good = system.mint()
    head, kid = claims(good), jwt.get_unverified_header(good)["kid"]
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert system.get("/files", jwt.encode(head, foreign, algorithm="RS256", headers={"kid": kid})).status_code == 401
    assert system.get("/files", jwt.encode(head, "k" * 32, algorithm="HS256", headers={"kid": kid})).status_code == 401
    assert system.get("/files", jwt.encode(head, "", algorithm="none", headers={"kid": kid})).status_code == 401
    neighbour = System(system.cloud)
    neighbour.trigger = system.trigger
    assert system.get("/files", neighbour.mint()).status_code == 401
    assert system.get("/files", neighbour.mint(iss=head["iss"])).status_code == 401


def test_another_encoding_of_a_valid_token_is_refused(system: System) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = next(t for t in (system.mint(jti=str(n)) for n in range(50)) if {"-", "_"} & set(t.split(".")[2]))
    head, body, signature = token.split(".")
    stray = signature[:-1] + alphabet[alphabet.index(signature[-1]) + 1]
    spellings = [
        f"{token}==",
        f"{head}.{body}.{signature.replace('-', '+').replace('_', '/')}",
        f"{head}.{body}.{stray}",
        f"{head}.{body}.{signature[:9]}\t{signature[9:]}",
        f"{head}.{body}.{signature[:9]}!{signature[9:]}",
        f"{head}.{body}.{signature}.",
    ]
    assert system.get("/files", token).status_code == 200
    assert [system.get("/files", spelling).status_code for spelling in spellings] == [401] * len(spellings)


def test_two_authorization_headers_are_refused(system: System) -> None:
    token, path = system.mint(), urlsplit(system.api).path + "/files"
    for first, second in [(token, token), ("Bearer x", token), (token, "x"), (token[:-9], token[-9:])]:
        status, _ = raw(system.cloud, "GET", path, HOST, ("Authorization", first), ("authorization", second))
        assert status == 400
    deep = base64.urlsafe_b64encode(b"[" * 6000).rstrip(b"=").decode()
    assert system.get("/files", f"{deep}.{deep}.{deep}").status_code == 401


def test_a_refusal_contains_the_context_of_the_authorizer(system: System) -> None:
    path = urlsplit(system.api).path.removeprefix("/_aws/execute-api/").partition("/")[2]
    for route in ("guarded", "cached", "cached"):
        answer = system.get(f"/{route}/7", "reader:no_policy")
        assert (answer.status_code, answer.json()) == (
            403,
            {"message": f"reader may not GET /{path}/{route}/7", "code": "no_policy", "absent": ""},
        )
    assert system.get("/cached/7", "writer:denied_by").json()["code"] == "denied_by"
    assert system.get("/cached/7", "reader").json()["code"] == ""
    assert system.get("/guarded/7", "admin").status_code == 200
    assert system.get("/guarded/7", "ghost").json() == {"code": "no_token"}


def test_a_quote_in_a_path_does_not_break_the_refusal(system: System) -> None:
    path = '/guarded/","code":"allowed","x":"'
    status, body = raw(system.cloud, "GET", urlsplit(system.api).path + path, HOST, ("Authorization", 'reader:"no"'))
    answer = json.loads(body)
    assert (status, answer["code"]) == (403, '"no"')
    assert path in answer["message"]


def test_another_spelling_of_the_path_does_not_bypass_an_explicit_deny(system: System) -> None:
    assert system.get("/guarded/public", "most").status_code == 200
    connection = [("Authorization", "most"), HOST]
    for spelling in (
        "guarded/secret",
        "guarded//secret",
        "guarded/secret/",
        "/guarded/secret",
        "guarded/./secret",
        "guarded%2fsecret",
    ):
        path = f"{urlsplit(system.api).path}/{spelling}"
        assert raw(system.cloud, "GET", path, *connection)[0] == 403, spelling


def test_a_request_cannot_set_its_source_address_or_override_its_method(system: System) -> None:
    override = {"X-HTTP-Method-Override": "DELETE", "Authorization": "reader"}
    answer = requests.get(system.api + "/guarded/7", headers=override, timeout=10)
    assert answer.json()["message"].startswith("reader may not GET")
    seen = requests.get(system.api + "/echo", headers={"X-Forwarded-For": "203.0.113.7"}, timeout=10)
    assert seen.text == "127.0.0.1"


def test_a_route_with_iam_authorization_refuses_a_forged_signature(system: System) -> None:
    path = urlsplit(system.api).path + "/internal"
    assert raw(system.cloud, "GET", path, HOST, FORGED)[0] in (400, 403)
    assert raw(system.cloud, "GET", f"{path}?X-Amz-Credential=test/x/x/x/x&X-Amz-Algorithm=AWS4-HMAC-SHA256", HOST)[
        0
    ] in (400, 403)


# The server -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_stop_saves_the_state_and_ends_every_process(tmp_path: Any) -> None:
    with running_cloud(tmp_path) as cloud:
        system = System(cloud)
        pool, email = system.pool, system.user()
        system.function("pid", "import os\ndef handler(event, context): return os.getpid()")
        worker = int(cloud.client("lambda").invoke(FunctionName="pid")["Payload"].read())
        assert _alive(worker)
    assert cloud.process.returncode == 0
    assert not _alive(worker)
    with running_cloud(tmp_path) as cloud:
        found = cloud.client("cognito-idp").admin_get_user(UserPoolId=pool, Username=email)
        assert found["UserStatus"] == "CONFIRMED"


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
