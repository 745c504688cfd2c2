"""Groups are added in Cognito. The ledger records the users who received the default groups."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from chalicelib.aws.directory import OnboardingTable, UserPool
from chalicelib.aws.items import ItemReader
from chalicelib.aws.sdk_reader import SdkReader
from chalicelib.core.errors import InternalError
from tests.aws.readers import reader_of
from tests.aws.stubs import stubbed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

POOL = "mars-west-1_Olympus"


def test_a_group_is_added_with_one_call_to_cognito() -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_response(
        "admin_add_user_to_group", {}, {"UserPoolId": POOL, "Username": "clerk", "GroupName": "readers"}
    )
    UserPool(lambda: client).add_to_group(POOL, "clerk", "readers")
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("error", ["UserNotFoundException", "ResourceNotFoundException", "TooManyRequestsException"])
def test_an_error_of_cognito_is_an_internal_error_without_the_username(error: str) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_client_error("admin_add_user_to_group", error, "clerk@example.com is unknown")
    with pytest.raises(InternalError, match="readers") as failed:
        UserPool(lambda: client).add_to_group(POOL, "clerk", "readers")
    assert failed.value.code == "group_not_added"
    assert "clerk" not in failed.value.message, "a username can be an e-mail address"


@pytest.fixture(params=["the SDK", "the small reader"])
def reader(request: pytest.FixtureRequest, dynamodb: "DynamoDBClient", dynamodb_url: str) -> ItemReader:
    return SdkReader(dynamodb) if request.param == "the SDK" else reader_of(dynamodb_url)


def test_the_ledger_has_an_entry_only_for_an_added_user(dynamodb: "DynamoDBClient", reader: ItemReader) -> None:
    ledger = OnboardingTable(reader, lambda: dynamodb, "OnboardingTable")
    assert not ledger.has_entry("clerk")
    ledger.add("clerk")
    ledger.add("clerk")
    assert ledger.has_entry("clerk")
    assert not ledger.has_entry("another")


@pytest.mark.parametrize(
    "operation", [lambda m: m.has_entry("clerk"), lambda m: m.add("clerk")], ids=["has_entry", "add"]
)
def test_an_unreachable_ledger_is_an_internal_error_and_not_a_missing_entry(
    dynamodb: "DynamoDBClient", reader: ItemReader, operation: Callable[[OnboardingTable], object]
) -> None:
    with pytest.raises(InternalError) as failed:
        operation(OnboardingTable(reader, lambda: dynamodb, "a-table-that-is-not-there"))
    assert failed.value.code == "ledger_unreachable"


def test_a_user_with_an_entry_needs_no_client_of_the_sdk(dynamodb: "DynamoDBClient", reader: ItemReader) -> None:
    OnboardingTable(reader, lambda: dynamodb, "OnboardingTable").add("clerk")

    def no_client() -> "DynamoDBClient":
        raise AssertionError("the SDK was asked for")

    assert OnboardingTable(reader, no_client, "OnboardingTable").has_entry("clerk")
