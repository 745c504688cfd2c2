"""The post-confirmation trigger is called for each confirmation, and its failure fails the confirmation."""

from __future__ import annotations

import secrets

import pytest
from botocore.exceptions import ClientError

from tests.local.front_system import System, assert_refused
from tests.local.visitor import mailed_code


def test_a_confirmed_sign_up_invokes_the_trigger_with_the_user(system: System) -> None:
    email = f"{secrets.token_hex(6)}@example.com"
    username = system.sign_up(email)
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
    username = system.sign_up(email)
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
    username = system.sign_up(email)
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
    system.sign_up(email)
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
    broken.sign_up("ann@example.com")
    arguments = {"UserPoolId": broken.pool, "Username": "ann@example.com"}
    assert_refused("UnexpectedLambdaException", broken.idp.admin_confirm_sign_up, **arguments)


def test_a_sign_up_that_a_trigger_confirms_invokes_post_confirmation(system: System) -> None:
    welcoming = System(system.cloud)
    welcoming.trigger = system.trigger
    confirm = "def handler(event, context): return {**event, 'response': {'autoConfirmUser': True}}"
    functions = {"PreSignUp": system.function("welcome", confirm), "PostConfirmation": system.trigger}
    welcoming.idp.update_user_pool(UserPoolId=welcoming.pool, LambdaConfig=functions)
    assert system.confirmed(welcoming.sign_up("ann@example.com"))


def test_a_failing_function_fails_the_confirmation(system: System) -> None:
    email = f"refused-{secrets.token_hex(6)}@example.com"
    system.sign_up(email)
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
