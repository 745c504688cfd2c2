"""Users are read and changed in Cognito, by moto and by prepared responses. No error contains an e-mail address."""

import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from chalicelib.aws.pool_users import PoolUsers
from chalicelib.aws.user_filter import filter_of
from chalicelib.core.errors import Conflict, InternalError, InvalidInput, NotFound
from chalicelib.core.user_search import LONGEST_TEXT, UserSearch
from chalicelib.ports import Group, UserPage
from tests.aws.mocked import mocked_aws
from tests.aws.stubs import stubbed

POOL = "mars-west-1_Olympus"
CLIO = "clio@olympus.example"
ALL, CLERKS = UserSearch(), UserSearch(group="clerks")
SUB = "c1e7c000-0000-4000-8000-00000000c1e7"


def described(
    username: str, enabled: bool = True, status: str = "EXTERNAL_PROVIDER", **attributes: str
) -> dict[str, Any]:
    return {
        "Username": username,
        "Attributes": [{"Name": name, "Value": value} for name, value in {"sub": SUB, **attributes}.items()],
        "UserCreateDate": datetime.fromtimestamp(1_800_000_000, UTC),
        "Enabled": enabled,
        "UserStatus": status,
    }


@pytest.fixture
def users() -> Iterator[PoolUsers]:
    """A pool in which users sign in with their e-mail addresses, with the group clerks."""
    with mocked_aws():
        client = boto3.client("cognito-idp", region_name="us-east-1")
        pool_id = client.create_user_pool(PoolName="olympus", UsernameAttributes=["email"])["UserPool"]["Id"]
        client.create_group(UserPoolId=pool_id, GroupName="clerks")
        yield PoolUsers(client, pool_id)


def test_a_created_user_is_found_by_the_address_and_by_the_sub(users: PoolUsers) -> None:
    created = users.create(CLIO)
    assert (created.email, created.status, created.enabled) == (CLIO, "FORCE_CHANGE_PASSWORD", True)
    assert created.username == created.sub
    assert users.find(CLIO) == users.find(created.sub) == created
    assert created.created_at.endswith("+00:00")


def test_a_group_is_given_and_taken(users: PoolUsers) -> None:
    clio = users.create(CLIO)
    users.add_to_group(clio.username, "clerks")
    assert [member.username for member in users.members("clerks")] == [clio.username]
    users.remove_from_group(clio.username, "clerks")
    assert (users.groups_of(clio.username), list(users.members("clerks"))) == ((), [])


def test_the_groups_of_the_pool_are_listed_in_pages(users: PoolUsers) -> None:
    users.client.create_group(UserPoolId=users.pool_id, GroupName="owners", Description="They own it")
    first = users.list_groups(1, None)
    second = users.list_groups(1, first.next_token)
    assert {*first.groups, *second.groups} == {Group("clerks", None), Group("owners", "They own it")}
    assert second.next_token is None


def test_a_user_is_disabled_and_enabled(users: PoolUsers) -> None:
    clio = users.create(CLIO)
    users.disable(clio.username)
    assert not users.find(CLIO).enabled
    users.enable(clio.username)
    assert users.find(CLIO) == clio


def test_the_token_of_a_page_gives_the_next_page(users: PoolUsers) -> None:
    addresses = {users.create(f"muse{number}@olympus.example").email for number in range(3)}
    first = users.list(2, None, ALL)
    second = users.list(2, first.next_token, ALL)
    assert {user.email for user in (*first.users, *second.users)} == addresses
    assert (len(first.users), second.next_token) == (2, None)


@pytest.mark.parametrize(
    ("search", "text"),
    [
        (UserSearch("cli"), 'email ^= "cli"'),
        (UserSearch("Corp_", "username"), 'username ^= "Corp_"'),
        (UserSearch("Clio M", "name"), 'name ^= "Clio M"'),
        (UserSearch(enabled=False), 'status = "Disabled"'),
        (UserSearch(status="CONFIRMED"), 'cognito:user_status = "CONFIRMED"'),
        (UserSearch('" or status = "Enabled'), 'email ^= "\\" or status = \\"Enabled"'),
        (UserSearch("clio\\"), 'email ^= "clio\\\\"'),
        (UserSearch('\\"'), 'email ^= "\\\\\\""'),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_search_becomes_one_filter_that_its_text_cannot_end(search: UserSearch, text: str) -> None:
    client, stubber = stubbed("cognito-idp")
    expected = {"UserPoolId": POOL, "Limit": 25, "PaginationToken": "page-2", "Filter": text}
    stubber.add_response("list_users", {"Users": [], "PaginationToken": "page-3"}, expected)
    assert PoolUsers(client, POOL).list(25, "page-2", search) == UserPage((), "page-3")


def test_the_longest_text_of_quotation_marks_fits_into_a_filter() -> None:
    assert len(filter_of(UserSearch('"' * LONGEST_TEXT, "username")) or "") <= 256


def test_the_members_of_a_group_are_compared_with_the_other_criteria() -> None:
    people = [
        described("clio", email="Clio@olympus.example"),
        described("calliope", email="calliope@olympus.example", status="FORCE_CHANGE_PASSWORD"),
        described("Clotho", name="clotho", enabled=False),
    ]
    found = {
        UserSearch(group="clerks"): ["clio", "calliope", "Clotho"],
        UserSearch("CLIO", group="clerks"): ["clio"],
        UserSearch("cl", "username", group="clerks"): ["clio"],
        UserSearch("CLO", "name", group="clerks"): ["Clotho"],
        UserSearch(group="clerks", enabled=False): ["Clotho"],
        UserSearch(group="clerks", status="FORCE_CHANGE_PASSWORD"): ["calliope"],
    }
    for search, names in found.items():
        client, stubber = stubbed("cognito-idp")
        asked = {"UserPoolId": POOL, "GroupName": "clerks", "Limit": 25, "NextToken": "page-2"}
        stubber.add_response("list_users_in_group", {"Users": people, "NextToken": "page-3"}, asked)
        page = PoolUsers(client, POOL).list(25, "page-2", search)
        assert ([user.username for user in page.users], page.next_token) == (names, "page-3"), search


def test_the_second_criterion_is_compared_after_the_filter_and_a_page_can_be_empty() -> None:
    client, stubber = stubbed("cognito-idp")
    asked = {"UserPoolId": POOL, "Limit": 25, "Filter": 'email ^= "cli"'}
    stubber.add_response("list_users", {"Users": [described("clio")], "PaginationToken": "page-2"}, asked)
    assert PoolUsers(client, POOL).list(25, None, UserSearch("cli", enabled=False)) == UserPage((), "page-2")


def test_a_user_is_created_without_a_message_and_invited_by_a_second_call() -> None:
    client, stubber = stubbed("cognito-idp")
    answer = {"User": described(SUB)}
    attributes = [{"Name": "email", "Value": CLIO}, {"Name": "email_verified", "Value": "true"}]
    name = {"UserPoolId": POOL, "Username": CLIO}
    stubber.add_response(
        "admin_create_user", answer, {**name, "UserAttributes": attributes, "MessageAction": "SUPPRESS"}
    )
    stubber.add_response(
        "admin_create_user", answer, {**name, "MessageAction": "RESEND", "DesiredDeliveryMediums": ["EMAIL"]}
    )
    users = PoolUsers(client, POOL)
    users.create(CLIO)
    users.send_invitation(CLIO)
    stubber.assert_no_pending_responses()


def test_only_the_groups_of_an_identity_provider_are_automatic() -> None:
    users = PoolUsers(stubbed("cognito-idp")[0], POOL)
    assert [users.is_automatic(name) for name in (f"{POOL}_Corp", POOL, "clerks")] == [True, False, False]


def test_a_user_of_a_company_is_found_by_the_sub() -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_client_error("admin_get_user", "UserNotFoundException")
    asked = {"UserPoolId": POOL, "Filter": f'sub = "{SUB}"', "Limit": 1}
    stubber.add_response("list_users", {"Users": [described("Corp_clio")]}, asked)
    found = PoolUsers(client, POOL).find(SUB)
    assert (found.username, found.sub, found.email) == ("Corp_clio", SUB, None)


@pytest.mark.parametrize("name", ["nobody", 'x" or username = "clio', f"{SUB}\n", f'{SUB}"'])
def test_only_a_uuid_becomes_part_of_a_filter(name: str) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_client_error("admin_get_user", "UserNotFoundException")
    with pytest.raises(NotFound):  # a further call would be an error of the stub
        PoolUsers(client, POOL).find(name)


def test_a_user_of_another_pool_does_not_exist(users: PoolUsers) -> None:
    other = users.client.create_user_pool(PoolName="hades", UsernameAttributes=["email"])["UserPool"]["Id"]
    persephone = PoolUsers(users.client, other).create("persephone@hades.example")
    for name in (persephone.sub, "persephone@hades.example"):
        with pytest.raises(NotFound):
            users.find(name)


def test_an_sdk_without_the_operation_is_reported_as_outdated() -> None:
    old_client: Any = object()
    with pytest.raises(InternalError) as failed:
        PoolUsers(old_client, POOL).remove_authenticator(CLIO)
    assert failed.value.code == "sdk_outdated"


Call = Callable[[PoolUsers], Any]
CALLS: dict[str, Call] = {
    "list_users": lambda users: users.list(10, None, ALL),
    "admin_get_user": lambda users: users.find(CLIO),
    "list_users_in_group": lambda users: list(users.members("clerks")),
    "list_groups": lambda users: users.list_groups(10, None),
    "list_users_in_group ": lambda users: users.list(10, None, CLERKS),
    "admin_add_user_to_group": lambda users: users.add_to_group(CLIO, "clerks"),
    "admin_remove_user_from_group": lambda users: users.remove_from_group(CLIO, "clerks"),
    "admin_disable_user": lambda users: users.disable(CLIO),
    "admin_enable_user": lambda users: users.enable(CLIO),
    "admin_user_global_sign_out": lambda users: users.sign_out(CLIO),
    "admin_delete_software_token": lambda users: users.remove_authenticator(CLIO),
    "admin_create_user": lambda users: users.create(CLIO),
}
SEND: Call = lambda users: users.send_invitation(CLIO)  # noqa: E731  # a row of the table below
REFUSALS: list[tuple[str, str, Call, type[Exception]]] = [
    ("admin_create_user", "UsernameExistsException", CALLS["admin_create_user"], Conflict),
    ("admin_create_user", "InvalidParameterException", CALLS["admin_create_user"], InvalidInput),
    ("admin_create_user", "UnsupportedUserStateException", SEND, Conflict),
    ("admin_create_user", "LimitExceededException", SEND, InternalError),
    ("list_users", "InvalidParameterException", CALLS["list_users"], InvalidInput),
    ("list_users_in_group", "InvalidParameterException", CALLS["list_users_in_group "], InvalidInput),
    ("list_users_in_group", "ResourceNotFoundException", CALLS["list_users_in_group "], InvalidInput),
    ("list_groups", "InvalidParameterException", CALLS["list_groups"], InvalidInput),
    ("list_users", "ResourceNotFoundException", CALLS["list_users"], InternalError),
    ("admin_get_user", "InvalidParameterException", CALLS["admin_get_user"], NotFound),
    ("admin_add_user_to_group", "ResourceNotFoundException", CALLS["admin_add_user_to_group"], InternalError),
    *(
        ("admin_delete_software_token", code, CALLS["admin_delete_software_token"], Conflict)
        for code in ("InvalidParameterException", "UserNotConfirmedException")
    ),
    *((name, "UserNotFoundException", call, NotFound) for name, call in CALLS.items()),
    *((name, "TooManyRequestsException", call, InternalError) for name, call in CALLS.items()),
]


@pytest.mark.parametrize(("operation", "code", "call", "error"), REFUSALS)
def test_an_error_of_cognito_has_our_class_and_contains_no_address(
    operation: str, code: str, call: Call, error: type[Exception]
) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_client_error(operation.strip(), code, f"{CLIO} is not valid")
    with pytest.raises(error) as raised:
        call(PoolUsers(client, POOL))
    # the log contains the message and the chained errors
    assert CLIO not in "".join(traceback.format_exception(raised.value))
