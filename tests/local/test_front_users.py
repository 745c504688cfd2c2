"""Users cannot write more than Cognito lets them, and cannot sign in in ways that their user pool does not permit."""

from __future__ import annotations

import secrets
import time

import jwt
import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import Cloud
from tests.local.front_system import HOST, PASSWORD, System, assert_refused, claims, raw, target


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
        closed.sign_up("ann@example.com")


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
