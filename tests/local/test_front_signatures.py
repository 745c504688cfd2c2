"""AWS operations need a valid signature. No header, path or body replaces it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.local.conftest import Cloud
from tests.local.front_system import BEARER, FORGED, HOST, System, assert_refused, raw, target

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
