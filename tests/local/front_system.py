"""A system behind the front of the local cloud: a user pool with clients and triggers, and a deployed API."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import secrets
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from botocore import UNSIGNED
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pycognito.aws_srp import AWSSRP

from tests.local.federation.saml_company import SamlCompany, asked, posted
from tests.local.visitor import Visitor

if TYPE_CHECKING:
    from tests.local.conftest import Cloud

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

    def sign_up(self, email: str) -> str:
        """Returns the `sub` of a user who signs up and has no code yet."""
        made = self.public_client.sign_up(
            ClientId=self.web, Username=email, Password=PASSWORD, UserAttributes=[{"Name": "email", "Value": email}]
        )
        return str(made["UserSub"])

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
