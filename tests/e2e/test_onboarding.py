"""Onboarding: who confirms their sign-up gets the default group, once, and is confirmed whatever happens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from local.people import cognito, sign_in
from tests.e2e import logs
from tests.e2e.clients import Api, People, unique
from tests.e2e.cloud import Cloud, wait_for

PASSWORD = "correct-horse-battery-staple"
FUNCTION = "gatehouse-local-post_confirmation"


@pytest.fixture(scope="module")
def pool(outputs: dict[str, Any]) -> Any:
    return cognito(outputs)


def sign_up(pool: Any, outputs: dict[str, Any]) -> dict[str, str]:
    """Sign somebody up and confirm their address; gives what names them in the pool's operations."""
    someone = {"ClientId": outputs["web_client_id"], "Username": f"{unique('newcomer')}@gatehouse.example"}
    pool.sign_up(**someone, Password=PASSWORD, UserAttributes=[{"Name": "email", "Value": someone["Username"]}])
    pool.confirm_sign_up(**someone, ConfirmationCode="123456")
    return someone


def test_who_confirms_their_sign_up_reads_reports_at_once(
    pool: Any, outputs: dict[str, Any], people: People, api: Api
) -> None:
    newcomer = sign_up(pool, outputs)

    assert people.groups_of(newcomer["Username"]) == [outputs["default_group"]]
    assert api.ask("GET", "/reports", sign_in(outputs, newcomer["Username"], PASSWORD)).status == 200


def test_an_administrators_decision_is_not_undone_by_resetting_the_password(
    pool: Any, outputs: dict[str, Any], people: People, api: Api
) -> None:
    newcomer = sign_up(pool, outputs)
    people.remove_from(outputs["default_group"], newcomer["Username"])
    pool.forgot_password(**newcomer)

    pool.confirm_forgot_password(**newcomer, ConfirmationCode="654321", Password="another-long-password")

    assert people.groups_of(newcomer["Username"]) == []
    token = sign_in(outputs, newcomer["Username"], "another-long-password")
    assert api.ask("GET", "/reports", token).body["code"] == "no_policy"


def test_resetting_a_password_gives_no_group_to_somebody_whom_an_administrator_created_without_one(
    pool: Any, outputs: dict[str, Any], people: People
) -> None:
    someone = people.new()
    named = {"ClientId": outputs["web_client_id"], "Username": someone.username}
    pool.forgot_password(**named)

    pool.confirm_forgot_password(**named, ConfirmationCode="654321", Password="another-long-password")

    assert people.groups_of(someone.username) == []


def test_a_trigger_that_is_repeated_does_not_give_a_removed_group_back(
    cloud: Cloud, pool: Any, outputs: dict[str, Any], people: People
) -> None:
    newcomer = sign_up(pool, outputs)
    people.remove_from(outputs["default_group"], newcomer["Username"])
    sub = people.cognito.admin_get_user(UserPoolId=outputs["user_pool_id"], Username=newcomer["Username"])["Username"]
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

    answered = cloud.place.client("lambda").invoke(FunctionName=FUNCTION, Payload=json.dumps(event).encode())

    assert "FunctionError" not in answered
    assert people.groups_of(newcomer["Username"]) == []


@pytest.fixture
def trigger_out_of_order(cloud: Cloud) -> Iterator[None]:
    """The trigger looks for a table that does not exist."""
    functions = cloud.place.client("lambda")
    settings = functions.get_function_configuration(FunctionName=FUNCTION)["Environment"]
    broken = {**settings["Variables"], "ONBOARDED_TABLE": "a-table-that-does-not-exist"}
    functions.update_function_configuration(FunctionName=FUNCTION, Environment={"Variables": broken})
    yield
    functions.update_function_configuration(FunctionName=FUNCTION, Environment=settings)


@pytest.mark.usefixtures("trigger_out_of_order")
def test_who_signs_up_while_the_trigger_fails_is_confirmed_without_a_group_and_it_is_told(
    cloud: Cloud, pool: Any, outputs: dict[str, Any], people: People, api: Api
) -> None:
    before = len(failures(cloud))

    newcomer = sign_up(pool, outputs)

    token = sign_in(outputs, newcomer["Username"], PASSWORD)
    assert "cognito:groups" not in jwt.decode(token, options={"verify_signature": False})
    assert api.ask("GET", "/whoami", token).body["code"] == "no_policy"
    line, metric = wait_for(lambda: failures(cloud)[before:], "the failure is in the log")
    assert (line["level"], line["failure"]) == ("ERROR", "marks_unreachable")
    assert metric["OnboardingFailed"] == [1.0]


def failures(cloud: Cloud) -> list[dict[str, Any]]:
    written = logs.lines(cloud.place, "post_confirmation")
    return [line for line in written if {"failure", "OnboardingFailed"} & line.keys()]
