"""The local cloud refuses every unsigned request that AWS would refuse."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from local.sign_in import cognito
from tests.configured import FUNCTIONS, function
from tests.e2e.clients import TIMEOUT, Api, Users
from tests.e2e.cloud import Cloud

POLICY = {"subject": {"S": "group:readers"}, "statements": {"S": "[]"}}
COGNITO, DYNAMODB = "AWSCognitoIdentityProviderService.", "DynamoDB_20120810."


def post(outputs: dict[str, Any], path: str = "/", body: Any = None, **headers: str) -> int:
    """Sends a POST request without the headers of an AWS SDK."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    url = outputs["endpoint_url"] + path
    return requests.post(url, data=json.dumps(body or {}), headers=given, timeout=TIMEOUT).status_code


@pytest.mark.parametrize(
    "authorization", [None, "Bearer anything", "Basic dGVzdDp0ZXN0", "AWS4-HMAC-SHA256 Credential=test"]
)
def test_a_reader_cannot_become_an_administrator_without_a_signature(
    outputs: dict[str, Any], users: Users, authorization: str | None
) -> None:
    person = users.new("readers")
    body = {"UserPoolId": outputs["user_pool_id"], "Username": person.username, "GroupName": "admins"}
    proof = {"Authorization": authorization} if authorization else {}

    status = post(outputs, "/", body, X_Amz_Target=f"{COGNITO}AdminAddUserToGroup", **proof)

    assert 400 <= status < 500
    assert users.groups_of(person.username) == ["readers"]


def test_a_reader_cannot_become_an_administrator_with_their_token(outputs: dict[str, Any], users: Users) -> None:
    person = users.new("readers")
    body = {"UserPoolId": outputs["user_pool_id"], "Username": person.username, "GroupName": "admins"}
    target = f"{COGNITO}AdminAddUserToGroup"

    status = post(outputs, "/", body, X_Amz_Target=target, Authorization=f"Bearer {users.token_of(person)}")

    assert 400 <= status < 500
    assert users.groups_of(person.username) == ["readers"]


@pytest.mark.parametrize(
    "credentials",
    [
        pytest.param({"config": Config(signature_version=UNSIGNED)}, id="unsigned"),
        pytest.param({"aws_access_key_id": "test", "aws_secret_access_key": "guessed"}, id="a wrong secret"),
        pytest.param({"aws_access_key_id": "123456789012", "aws_secret_access_key": "test"}, id="the account number"),
        pytest.param({"aws_access_key_id": "AKIAINVENTED", "aws_secret_access_key": "test"}, id="an invented key"),
    ],
)
def test_only_the_credentials_of_the_account_owner_can_write_the_policy_table(
    cloud: Cloud, outputs: dict[str, Any], credentials: dict[str, Any]
) -> None:
    table = {"TableName": outputs["tables"]["policies"]}
    before = cloud.local_cloud.client("dynamodb").scan(**table)["Items"]
    stranger = boto3.client(
        "dynamodb", endpoint_url=outputs["endpoint_url"], region_name=outputs["region"], **credentials
    )

    with pytest.raises(ClientError) as refusal:
        stranger.put_item(**table, Item=POLICY)

    assert 400 <= refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    assert cloud.local_cloud.client("dynamodb").scan(**table)["Items"] == before


def test_a_request_with_a_changed_body_is_refused(cloud: Cloud, outputs: dict[str, Any]) -> None:
    signed: dict[str, Any] = {}
    owner = cloud.local_cloud.client("dynamodb")
    owner.meta.events.register("before-send.dynamodb", lambda request, **_: signed.update(request.headers) or None)
    owner.describe_table(TableName=outputs["tables"]["policies"])
    body = json.dumps({"TableName": outputs["tables"]["policies"], "Key": {"subject": {"S": "group:readers"}}})
    headers = {name: value if isinstance(value, str) else value.decode() for name, value in signed.items()}

    answer = requests.post(
        outputs["endpoint_url"], data=body, headers=headers | {"Content-Length": str(len(body))}, timeout=TIMEOUT
    )

    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("name", [function("local", it.name) for it in FUNCTIONS])
def test_an_unsigned_request_cannot_invoke_a_function(outputs: dict[str, Any], name: str) -> None:
    path = f"/2015-03-31/functions/{name}/invocations"

    assert post(outputs, path, {"Records": []}) == 403
    assert post(outputs, path, {"Records": []}, Authorization="Bearer anything") == 403


@pytest.mark.parametrize(
    "path", ["/_ministack/reset", "/_localstack/state/reset", "/_ministack/ses/messages", "/health"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_the_admin_endpoints_of_the_emulator_refuse_every_request(
    outputs: dict[str, Any], api: Api, reader: str, method: str, path: str
) -> None:
    answer = requests.request(method, outputs["endpoint_url"] + path, timeout=TIMEOUT)

    assert answer.status_code == 404
    assert api.ask("GET", "/whoami", reader).status == 200, "nothing was reset"


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example",
        "s3.amazonaws.com",
        "cognito-idp.us-east-1.amazonaws.com",
        "c0ffee.execute-api.localhost",
        "c0ffee.lambda-url.us-east-1.localhost",
        "localhost.rebound.example",
    ],
)
def test_a_request_with_another_host_name_is_refused(outputs: dict[str, Any], host: str) -> None:
    target = f"{COGNITO}ListUserPools"

    assert post(outputs, "/", {"MaxResults": 1}, Host=host, X_Amz_Target=target) == 421


@pytest.mark.parametrize(
    "header",
    [
        {"X_Amz_Target": f"{DYNAMODB}ListTables"},
        {"X_Forwarded_Host": "dynamodb.us-east-1.amazonaws.com", "X_Amz_Target": f"{DYNAMODB}ListTables"},
        {"X_Amz_Security_Token": "anything", "X_Amz_Target": f"{DYNAMODB}ListTables"},
    ],
)
def test_a_header_cannot_replace_a_signature(outputs: dict[str, Any], header: dict[str, str]) -> None:
    assert post(outputs, "/", {}, **header) == 403


def test_headers_do_not_turn_an_api_request_into_an_aws_request(api: Api) -> None:
    answer = requests.post(
        f"{api.url}/admin/revocations",
        data=b"{}",
        headers={"X-Amz-Target": f"{DYNAMODB}ListTables", "Authorization": "Bearer anything"},
        timeout=TIMEOUT,
    )

    assert answer.status_code == 401
    assert answer.json() == {
        "message": "no valid token, or the token lacks the scope that this route requires",
        "code": "unauthorized",
    }


@pytest.mark.parametrize("challenge", ["NEW_PASSWORD_REQUIRED", "SOFTWARE_TOKEN_MFA", "MFA_SETUP"])
def test_an_unknown_session_is_refused_for_every_challenge(
    outputs: dict[str, Any], users: Users, challenge: str
) -> None:
    victim = users.new("admins")

    with pytest.raises(ClientError) as refusal:
        cognito(outputs).respond_to_auth_challenge(
            ClientId=outputs["web_client_id"],
            ChallengeName=challenge,
            Session="an-invented-session-of-some-length",
            ChallengeResponses={
                "USERNAME": victim.username,
                "NEW_PASSWORD": "chosen-by-an-attacker",
                "SOFTWARE_TOKEN_MFA_CODE": "123456",
            },
        )

    assert refusal.value.response["Error"]["Code"] == "NotAuthorizedException"
    assert users.token_of(victim), "the password is the old one"


def test_a_sign_up_cannot_set_the_sub(outputs: dict[str, Any], users: Users) -> None:
    victim = users.new("admins")

    with pytest.raises(ClientError) as refusal:
        cognito(outputs).sign_up(
            ClientId=outputs["web_client_id"],
            Username="impostor@gatehouse.example",
            Password="correct-horse-battery-staple",
            UserAttributes=[
                {"Name": "email", "Value": "impostor@gatehouse.example"},
                {"Name": "sub", "Value": victim.sub},
            ],
        )

    assert refusal.value.response["Error"]["Code"] == "NotAuthorizedException"
