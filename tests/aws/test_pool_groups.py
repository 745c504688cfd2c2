"""Reads the groups of a user pool against botocore's models: no network, no AWS."""

import traceback
from typing import Any

import pytest

from chalicelib.aws.pool_groups import PoolGroups
from chalicelib.core.errors import InternalError, NotFound
from tests.aws.stubs import stubbed

POOL = "mars-west-1_Olympus"


def test_the_groups_of_a_user_are_read_from_every_page() -> None:
    client, stubber = stubbed("cognito-idp")
    asked = {"UserPoolId": POOL, "Username": "clerk"}
    stubber.add_response(
        "admin_list_groups_for_user", {"Groups": [{"GroupName": "clerks"}], "NextToken": "more"}, asked
    )
    stubber.add_response(
        "admin_list_groups_for_user", {"Groups": [{"GroupName": "auditors"}]}, {**asked, "NextToken": "more"}
    )
    assert PoolGroups(client, POOL).groups_of("clerk") == ("clerks", "auditors")


@pytest.mark.parametrize("error", ["UserNotFoundException", "InvalidParameterException"])
def test_an_unknown_user_does_not_exist(error: str) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_client_error("admin_list_groups_for_user", error, "clerk@example.com is unknown")
    with pytest.raises(NotFound) as missing:
        PoolGroups(client, POOL).groups_of("clerk@example.com")
    assert "clerk" not in missing.value.message, "a username can be an e-mail address"


def test_a_group_exists_only_if_the_pool_has_it() -> None:
    client, stubber = stubbed("cognito-idp")
    group = {"GroupName": "clerks", "UserPoolId": POOL}
    stubber.add_response("get_group", {"Group": group}, group)
    stubber.add_client_error("get_group", "ResourceNotFoundException")
    assert [PoolGroups(client, POOL).group_exists("clerks") for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    ("operation", "ask"),
    [
        ("get_group", lambda groups: groups.group_exists("clerks")),
        ("admin_list_groups_for_user", lambda groups: groups.groups_of("clerk")),
    ],
)
def test_an_unreachable_pool_is_our_failure_and_not_a_missing_group(operation: str, ask: Any) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_client_error(operation, "TooManyRequestsException", "too many for clerk@example.com")
    with pytest.raises(InternalError) as failed:
        ask(PoolGroups(client, POOL))
    assert failed.value.code == "groups_unreachable"
    logged = "".join(traceback.format_exception(failed.value))  # the API logs an error with its causes
    assert "TooManyRequestsException" in logged
    assert "clerk@" not in logged, "Cognito's message can contain an e-mail address"
