"""Onboarding: each user gets the default group once, at the confirmed sign-up or at the first sign-in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import jwt
import pytest

from local.sign_in import cognito, mailed_code, sign_in
from tests.configured import PRIVILEGED_GROUP
from tests.configured import function as deployed
from tests.e2e import logs
from tests.e2e.clients import Api, Users, unique
from tests.e2e.cloud import Cloud, settings_changed, wait_for

PASSWORD = "correct-horse-battery-staple"
FUNCTION, PRE_TOKEN = deployed("local", "post_confirmation"), deployed("local", "pre_token")


@pytest.fixture(scope="module")
def pool(outputs: dict[str, Any]) -> Any:
    return cognito(outputs)


def sign_up(pool: Any, outputs: dict[str, Any]) -> dict[str, str]:
    """Signs up a user and confirms the address. Returns the fields that name the user in the operations of the pool."""
    someone = {"ClientId": outputs["web_client_id"], "Username": f"{unique('newcomer')}@gatehouse.example"}
    pool.sign_up(**someone, Password=PASSWORD, UserAttributes=[{"Name": "email", "Value": someone["Username"]}])
    pool.confirm_sign_up(**someone, ConfirmationCode=mailed_code(outputs, someone["Username"]))
    return someone


def test_a_user_can_read_reports_immediately_after_the_confirmed_sign_up(
    pool: Any, outputs: dict[str, Any], users: Users, api: Api
) -> None:
    newcomer = sign_up(pool, outputs)

    assert users.groups_of(newcomer["Username"]) == [outputs["default_group"]]
    assert api.ask("GET", "/whoami", sign_in(outputs, newcomer["Username"], PASSWORD)).status == 200


def test_a_password_reset_does_not_restore_a_removed_group(
    pool: Any, outputs: dict[str, Any], users: Users, api: Api
) -> None:
    newcomer = sign_up(pool, outputs)
    users.remove_from(outputs["default_group"], newcomer["Username"])
    pool.forgot_password(**newcomer)

    code = mailed_code(outputs, newcomer["Username"])
    pool.confirm_forgot_password(**newcomer, ConfirmationCode=code, Password="another-long-password")

    assert users.groups_of(newcomer["Username"]) == []
    token = sign_in(outputs, newcomer["Username"], "another-long-password")
    assert api.ask("GET", "/whoami", token).body["code"] == "no_policy"


def test_a_password_reset_assigns_no_group_to_a_user_created_without_one(
    pool: Any, outputs: dict[str, Any], users: Users
) -> None:
    someone = users.new()
    named = {"ClientId": outputs["web_client_id"], "Username": someone.username}
    pool.forgot_password(**named)

    code = mailed_code(outputs, someone.username)
    pool.confirm_forgot_password(**named, ConfirmationCode=code, Password="another-long-password")

    assert users.groups_of(someone.username) == []


def test_a_repeated_trigger_does_not_restore_a_removed_group(
    cloud: Cloud, pool: Any, outputs: dict[str, Any], users: Users
) -> None:
    newcomer = sign_up(pool, outputs)
    users.remove_from(outputs["default_group"], newcomer["Username"])
    sub = users.cognito.admin_get_user(UserPoolId=outputs["user_pool_id"], Username=newcomer["Username"])["Username"]
    event = {
        "version": "1",
        "triggerSource": "PostConfirmation_ConfirmSignUp",
        "region": outputs["region"],
        "userPoolId": outputs["user_pool_id"],
        "userName": sub,
        "callerContext": {"awsSdkVersion": "1", "clientId": outputs["web_client_id"]},
        "request": {"userAttributes": {"sub": sub}},
        "response": {},
    }

    answered = cloud.local_cloud.client("lambda").invoke(FunctionName=FUNCTION, Payload=json.dumps(event).encode())

    assert "FunctionError" not in answered
    assert users.groups_of(newcomer["Username"]) == []


def test_a_user_created_without_a_group_can_read_reports_with_the_first_token(
    outputs: dict[str, Any], users: Users, api: Api
) -> None:
    newcomer = users.newcomer()

    token = sign_in(outputs, newcomer.username, newcomer.password)

    assert groups_in(token) == [outputs["default_group"]]
    assert api.ask("GET", "/whoami", token).status == 200
    assert users.groups_of(newcomer.username) == [outputs["default_group"]]


def test_a_user_created_with_a_group_gets_no_default_group(outputs: dict[str, Any], users: Users) -> None:
    newcomer = users.newcomer(PRIVILEGED_GROUP)

    assert groups_in(sign_in(outputs, newcomer.username, newcomer.password)) == [PRIVILEGED_GROUP]
    assert users.groups_of(newcomer.username) == [PRIVILEGED_GROUP]


def test_a_removed_default_group_is_not_restored_by_the_next_token(outputs: dict[str, Any], users: Users) -> None:
    newcomer = users.newcomer()
    sign_in(outputs, newcomer.username, newcomer.password)
    users.remove_from(outputs["default_group"], newcomer.username)

    assert groups_in(sign_in(outputs, newcomer.username, newcomer.password)) == []


def test_a_local_user_who_claims_a_company_group_gets_no_group(cloud: Cloud, outputs: dict[str, Any]) -> None:
    claims = {"custom:idp_groups": "admins", "cognito:user_status": "CONFIRMED", "identities": "[]", "sub": unique("m")}
    event = {
        "version": "1",
        "triggerSource": "TokenGeneration_Authentication",
        "region": outputs["region"],
        "userPoolId": outputs["user_pool_id"],
        "userName": "mallory",
        "request": {"userAttributes": claims, "groupConfiguration": {"groupsToOverride": ["readers"]}},
        "response": {"claimsOverrideDetails": None},
    }
    function = PRE_TOKEN

    answered = cloud.local_cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())

    assert json.load(answered["Payload"])["response"] == {"claimsOverrideDetails": None}


def test_a_user_cannot_write_company_groups_into_their_profile(
    pool: Any, outputs: dict[str, Any], users: Users
) -> None:
    mallory = users.new()
    token = sign_in(outputs, mallory.username, mallory.password)

    with pytest.raises(pool.exceptions.NotAuthorizedException):
        pool.update_user_attributes(
            AccessToken=token, UserAttributes=[{"Name": "custom:idp_groups", "Value": "admins"}]
        )


@pytest.fixture
def break_trigger(cloud: Cloud) -> Iterator[Callable[[str], None]]:
    """Returns a function that makes a trigger use a table that does not exist."""
    with ExitStack() as broken:

        def break_(function: str) -> None:
            broken.enter_context(settings_changed(cloud, function, ONBOARDING_TABLE="a-table-that-does-not-exist"))

        yield break_


def test_a_user_who_signs_up_while_the_trigger_fails_gets_the_group_at_the_first_sign_in(
    cloud: Cloud, break_trigger: Callable[[str], None], pool: Any, outputs: dict[str, Any], users: Users
) -> None:
    break_trigger(FUNCTION)
    before = len(failures(cloud, "post_confirmation"))

    newcomer = sign_up(pool, outputs)

    assert users.groups_of(newcomer["Username"]) == []
    line, metric = wait_for(lambda: failures(cloud, "post_confirmation")[before:], "the failure is in the log")
    assert (line["level"], line["failure"]) == ("ERROR", "ledger_unreachable")
    assert metric["OnboardingFailed"] == [1.0]
    assert groups_in(sign_in(outputs, newcomer["Username"], PASSWORD)) == [outputs["default_group"]]


def test_a_sign_in_while_the_trigger_fails_returns_a_token_without_permissions_and_is_reported(
    cloud: Cloud, break_trigger: Callable[[str], None], outputs: dict[str, Any], users: Users, api: Api
) -> None:
    break_trigger(PRE_TOKEN)
    before = len(failures(cloud, "pre_token"))
    newcomer = users.newcomer()

    token = sign_in(outputs, newcomer.username, newcomer.password)

    assert groups_in(token) == []
    assert api.ask("GET", "/whoami", token).body["code"] == "no_policy"
    line, metric = wait_for(lambda: failures(cloud, "pre_token")[before:][:2], "the failure is in the log")
    assert (line["level"], line["failure"]) == ("ERROR", "ledger_unreachable")
    assert metric["function"] == PRE_TOKEN


def groups_in(token: str) -> list[str]:
    groups: list[str] = jwt.decode(token, options={"verify_signature": False}).get("cognito:groups", [])
    return groups


def failures(cloud: Cloud, function: str) -> list[dict[str, Any]]:
    written = logs.lines(cloud.local_cloud, function)
    return [line for line in written if {"failure", "OnboardingFailed"} & line.keys()]
