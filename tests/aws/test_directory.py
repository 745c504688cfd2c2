"""Groups are added in Cognito. The ledger records the users who received the default groups."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.aws.directory import OnboardingTable, PoolGroups, UserPool
from chalicelib.core.errors import InternalError, NotFound
from tests.aws.stubs import stubbed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

POOL = "mars-west-1_Olympus"


def test_a_group_is_added_with_one_call_to_cognito() -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_response(
        "admin_add_user_to_group", {}, {"UserPoolId": POOL, "Username": "clerk", "GroupName": "readers"}
    )
    UserPool(client).add_to_group(POOL, "clerk", "readers")
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("error", ["UserNotFoundException", "ResourceNotFoundException", "TooManyRequestsException"])
def test_an_error_of_cognito_is_an_internal_error_without_the_username(error: str) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_client_error("admin_add_user_to_group", error, "clerk@example.com is unknown")
    with pytest.raises(InternalError, match="readers") as failed:
        UserPool(client).add_to_group(POOL, "clerk", "readers")
    assert failed.value.code == "group_not_added"
    assert "clerk" not in failed.value.message, "a username can be an e-mail address"


def test_the_ledger_has_an_entry_only_for_an_added_user(dynamodb: "DynamoDBClient") -> None:
    ledger = OnboardingTable(dynamodb, "OnboardingTable")
    assert not ledger.has_entry("clerk")
    ledger.add("clerk")
    ledger.add("clerk")
    assert ledger.has_entry("clerk")
    assert not ledger.has_entry("another")


@pytest.mark.parametrize(
    "operation", [lambda m: m.has_entry("clerk"), lambda m: m.add("clerk")], ids=["has_entry", "add"]
)
def test_an_unreachable_ledger_is_an_internal_error_and_not_a_missing_entry(
    dynamodb: "DynamoDBClient", operation: Callable[[OnboardingTable], object]
) -> None:
    with pytest.raises(InternalError) as failed:
        operation(OnboardingTable(dynamodb, "a-table-that-is-not-there"))
    assert failed.value.code == "ledger_unreachable"


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
    stubber.add_client_error(operation, "TooManyRequestsException")
    with pytest.raises(InternalError) as failed:
        ask(PoolGroups(client, POOL))
    assert failed.value.code == "groups_unreachable"
