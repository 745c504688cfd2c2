"""The user pool of the local cloud rotates refresh tokens and compares names as Cognito does."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import requests
from botocore import UNSIGNED
from botocore.exceptions import ClientError

from tests.local.conftest import Cloud

PASSWORD = "Correct-Horse-12345"
FLOWS = ["ALLOW_USER_PASSWORD_AUTH"]
ROTATION = {"Feature": "ENABLED", "RetryGracePeriodSeconds": 10}


class Pool:
    """A user pool without case-sensitive names, with a client that rotates refresh tokens."""

    def __init__(self, cloud: Cloud, **settings: Any) -> None:
        self.cloud = cloud
        self.idp = cloud.client("cognito-idp")
        self.public_client = cloud.client("cognito-idp", signature_version=UNSIGNED)
        settings = {"UsernameAttributes": ["email"], "UsernameConfiguration": {"CaseSensitive": False}, **settings}
        self.id = self.idp.create_user_pool(
            PoolName="any case", Policies={"PasswordPolicy": {"MinimumLength": 15}}, **settings
        )["UserPool"]["Id"]
        self.client = self.new_client(ExplicitAuthFlows=FLOWS, RefreshTokenRotation=ROTATION)

    def new_client(self, **settings: Any) -> str:
        made = self.idp.create_user_pool_client(UserPoolId=self.id, ClientName="client", **settings)
        return str(made["UserPoolClient"]["ClientId"])

    def person(self, name: str = "") -> str:
        name = name or f"User-{secrets.token_hex(4)}@Example.com"
        self.idp.admin_create_user(UserPoolId=self.id, Username=name)
        self.idp.admin_set_user_password(UserPoolId=self.id, Username=name, Password=PASSWORD, Permanent=True)
        return name

    def sub(self, name: str) -> str:
        found = self.idp.admin_get_user(UserPoolId=self.id, Username=name)
        return str(next(a["Value"] for a in found["UserAttributes"] if a["Name"] == "sub"))

    def sign_in(self, name: str, client: str = "") -> dict[str, Any]:
        parameters = {"USERNAME": name, "PASSWORD": PASSWORD}
        answer = self.public_client.initiate_auth(
            ClientId=client or self.client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters
        )
        return dict(answer["AuthenticationResult"])

    def refresh(self, token: str, client: str = "") -> dict[str, Any]:
        answer = self.public_client.get_tokens_from_refresh_token(ClientId=client or self.client, RefreshToken=token)
        return dict(answer["AuthenticationResult"])

    def refresh_by_endpoint(self, token: str) -> requests.Response:
        form = {"grant_type": "refresh_token", "client_id": self.client, "refresh_token": token}
        return requests.post(f"{self.cloud.url}/oauth2/token", data=form, timeout=10)


@pytest.fixture(scope="module")
def pool(cloud: Cloud) -> Pool:
    return Pool(cloud)


def assert_refused(code: str, call: Any, **arguments: Any) -> None:
    with pytest.raises(ClientError) as refusal:
        call(**arguments)
    assert refusal.value.response["Error"]["Code"] == code


# --- refresh tokens ---


def claims(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_a_client_with_rotation_cannot_use_the_refresh_flow(pool: Pool) -> None:
    token = pool.sign_in(pool.person())["RefreshToken"]
    asked = {"ClientId": pool.client, "AuthParameters": {"REFRESH_TOKEN": token}}
    for flow in ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"):
        assert_refused("InvalidParameterException", pool.public_client.initiate_auth, AuthFlow=flow, **asked)
        assert_refused(
            "InvalidParameterException", pool.idp.admin_initiate_auth, UserPoolId=pool.id, AuthFlow=flow, **asked
        )


def test_a_client_without_the_refresh_flow_can_refresh_only_with_get_tokens_from_refresh_token(pool: Pool) -> None:
    client = pool.new_client(ExplicitAuthFlows=FLOWS)
    token = pool.sign_in(pool.person(), client)["RefreshToken"]
    asked = {"ClientId": client, "AuthParameters": {"REFRESH_TOKEN": token}}
    assert_refused(
        "InvalidParameterException", pool.public_client.initiate_auth, AuthFlow="REFRESH_TOKEN_AUTH", **asked
    )
    assert "RefreshToken" not in pool.refresh(token, client)


def test_the_operation_returns_a_new_refresh_token_and_the_old_one_expires_after_its_grace_period(pool: Pool) -> None:
    old = pool.sign_in(pool.person())["RefreshToken"]
    new = pool.refresh(old)["RefreshToken"]
    assert new != old
    assert [claims(new)[name] == claims(old)[name] for name in ("exp", "origin_jti", "sub")] == [True] * 3
    assert pool.refresh(old)["AccessToken"], "the grace period allows a retry"
    with pool.cloud.ahead(15):
        assert_refused("RefreshTokenReuseException", pool.refresh, token=old)
        assert pool.refresh_by_endpoint(old).json()["error"] == "invalid_grant"
        assert pool.refresh(new)["AccessToken"]


def test_the_endpoint_returns_a_new_refresh_token_and_the_old_one_expires_after_its_grace_period(pool: Pool) -> None:
    old = pool.sign_in(pool.person())["RefreshToken"]
    new = pool.refresh_by_endpoint(old).json()["refresh_token"]
    assert new != old
    assert pool.refresh_by_endpoint(old).status_code == 200
    with pool.cloud.ahead(15):
        assert pool.refresh_by_endpoint(old).json()["error"] == "invalid_grant"
        assert_refused("RefreshTokenReuseException", pool.refresh, token=old)
        assert pool.refresh_by_endpoint(new).status_code == 200


def test_a_revocation_covers_every_refresh_token_of_the_sign_in(pool: Pool) -> None:
    old = pool.sign_in(pool.person())["RefreshToken"]
    new = pool.refresh(old)["RefreshToken"]
    pool.public_client.revoke_token(ClientId=pool.client, Token=new)
    for token in (old, new):
        assert_refused("NotAuthorizedException", pool.refresh, token=token)


def test_a_confidential_client_needs_its_secret_to_refresh(pool: Pool) -> None:
    made = pool.idp.create_user_pool_client(UserPoolId=pool.id, ClientName="secret", GenerateSecret=True)
    client = made["UserPoolClient"]["ClientId"]
    forged = {"ClientId": client, "RefreshToken": pool.sign_in(pool.person())["RefreshToken"]}
    for secret in ({}, {"ClientSecret": "a" * 24}):
        with pytest.raises(ClientError, match="secret"):
            pool.public_client.get_tokens_from_refresh_token(**forged, **secret)


# --- names in every spelling ---


def test_every_spelling_of_an_address_finds_the_same_user(pool: Pool) -> None:
    name = pool.person()
    spellings = [name, name.lower(), name.upper()]
    assert len({pool.sub(spelling) for spelling in spellings}) == 1
    assert {claims(pool.sign_in(spelling)["AccessToken"])["sub"] for spelling in spellings} == {pool.sub(name)}
    assert_refused("UsernameExistsException", pool.idp.admin_create_user, UserPoolId=pool.id, Username=name.lower())
    assert_refused(
        "UsernameExistsException",
        pool.public_client.sign_up,
        ClientId=pool.client,
        Username=name.upper(),
        Password=PASSWORD,
    )


def test_another_spelling_of_an_existing_address_is_refused(pool: Pool) -> None:
    name, other = pool.person(), pool.person()
    address = [{"Name": "email", "Value": name.upper()}]
    asked = {"UserPoolId": pool.id, "Username": other, "UserAttributes": address}
    assert_refused("AliasExistsException", pool.idp.admin_update_user_attributes, **asked)


def test_every_spelling_of_a_username_finds_the_same_user(cloud: Cloud) -> None:
    pool = Pool(cloud, UsernameAttributes=[])
    pool.person("Clerk")
    assert pool.sub("clerk") == pool.sub("CLERK")
    assert_refused("UsernameExistsException", pool.idp.admin_create_user, UserPoolId=pool.id, Username="clerk")
    assert_refused(
        "UsernameExistsException", pool.public_client.sign_up, ClientId=pool.client, Username="CLERK", Password=PASSWORD
    )


def test_a_case_sensitive_pool_distinguishes_spellings(cloud: Cloud) -> None:
    pool = Pool(cloud, UsernameConfiguration={"CaseSensitive": True})
    name = pool.person()
    assert_refused("UserNotFoundException", pool.idp.admin_get_user, UserPoolId=pool.id, Username=name.lower())


# --- invitations ---


@pytest.mark.parametrize("length", [6, 15, 99])
def test_an_invitation_without_a_password_gets_a_password_that_the_policy_accepts(cloud: Cloud, length: int) -> None:
    idp = cloud.client("cognito-idp")
    classes = dict.fromkeys(("RequireUppercase", "RequireLowercase", "RequireNumbers", "RequireSymbols"), True)
    policy = {"MinimumLength": length, **classes}
    pool = idp.create_user_pool(PoolName="strict", Policies={"PasswordPolicy": policy})["UserPool"]["Id"]
    made = idp.admin_create_user(UserPoolId=pool, Username="clerk")
    assert made["User"]["UserStatus"] == "FORCE_CHANGE_PASSWORD"


# --- CloudFormation ---


@pytest.fixture(scope="module")
def deployed(cloud: Cloud) -> Iterator[dict[str, Any]]:
    number, boolean = {"Ref": "Number"}, {"Ref": "Boolean"}
    template = {
        "Parameters": {"Number": {"Type": "Number", "Default": 8}, "Boolean": {"Type": "String", "Default": "false"}},
        "Resources": {
            "Pool": {
                "Type": "AWS::Cognito::UserPool",
                "Properties": {
                    "UserPoolName": "typed",
                    "UsernameConfiguration": {"CaseSensitive": boolean},
                    "Policies": {"PasswordPolicy": {"MinimumLength": number, "RequireSymbols": boolean}},
                    "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": boolean},
                },
            },
            "Client": {
                "Type": "AWS::Cognito::UserPoolClient",
                "Properties": {
                    "UserPoolId": {"Ref": "Pool"},
                    "GenerateSecret": boolean,
                    "AccessTokenValidity": number,
                    "IdTokenValidity": number,
                    "RefreshTokenValidity": number,
                    "AuthSessionValidity": number,
                    "EnableTokenRevocation": boolean,
                    "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": number},
                },
            },
            "Group": {
                "Type": "AWS::Cognito::UserPoolGroup",
                "Properties": {"UserPoolId": {"Ref": "Pool"}, "GroupName": "typed", "Precedence": number},
            },
        },
    }
    stacks, idp = cloud.client("cloudformation"), cloud.client("cognito-idp")
    stacks.create_stack(StackName="typed", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName="typed", WaiterConfig={"Delay": 1})
    made = stacks.describe_stack_resources(StackName="typed")["StackResources"]
    pool, client = (
        next(r["PhysicalResourceId"] for r in made if r["LogicalResourceId"] == n) for n in ("Pool", "Client")
    )
    yield {
        **idp.describe_user_pool_client(UserPoolId=pool, ClientId=client)["UserPoolClient"],
        **idp.describe_user_pool(UserPoolId=pool)["UserPool"],
        **idp.get_group(UserPoolId=pool, GroupName="typed")["Group"],
    }
    stacks.delete_stack(StackName="typed")


def test_a_number_in_a_template_parameter_becomes_a_number(deployed: dict[str, Any]) -> None:
    validity = [f"{kind}Validity" for kind in ("AccessToken", "IdToken", "RefreshToken", "AuthSession")]
    assert [deployed[name] for name in (*validity, "Precedence")] == [8] * 5
    assert deployed["RefreshTokenRotation"]["RetryGracePeriodSeconds"] == 8
    assert deployed["Policies"]["PasswordPolicy"]["MinimumLength"] == 8


def test_a_boolean_in_a_template_parameter_becomes_a_boolean(deployed: dict[str, Any]) -> None:
    assert "ClientSecret" not in deployed
    assert deployed["EnableTokenRevocation"] is False
    assert deployed["UsernameConfiguration"]["CaseSensitive"] is False
    assert deployed["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is False
    assert deployed["Policies"]["PasswordPolicy"]["RequireSymbols"] is False
