"""The local user pool reads the filter of ListUsers as Cognito does, and refuses one that it cannot read."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import Cloud

Find = Callable[[str], set[str]]
CLIO, QUOTED = "clio@olympus.example", 'cl"\\io@olympus.example'


@pytest.fixture(scope="module")
def find(cloud: Cloud) -> Find:
    """Searches a pool with two users by their names. clio is disabled."""
    idp = cloud.client("cognito-idp")
    pool = {"UserPoolId": idp.create_user_pool(PoolName=secrets.token_hex(4))["UserPool"]["Id"]}
    for name, shown in (("clio", CLIO), ("quoted", QUOTED)):
        idp.admin_create_user(**pool, Username=name, UserAttributes=[{"Name": "name", "Value": shown}])
    idp.admin_disable_user(**pool, Username="clio")
    return lambda text: {user["Username"] for user in idp.list_users(**pool, Filter=text)["Users"]}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (f'name = "{CLIO}"', {"clio"}),
        ('name ^= "CL"', {"clio", "quoted"}),
        ('username ^= "CL"', set()),
        ('"username" ^= "cl"', {"clio"}),
        ('name ^= "cl\\""', {"quoted"}),
        ('name ^= "cl\\"\\\\io"', {"quoted"}),
        ('name ^= "cl\\" or name ^= \\""', set()),
        ('status = "Disabled"', {"clio"}),
        ('cognito:user_status = "force_change_password"', {"clio", "quoted"}),
        ('cognito:user_status = "CONFIRMED"', set()),
    ],
)
def test_a_filter_selects_the_users_that_it_describes(find: Find, text: str, names: set[str]) -> None:
    assert find(text) == names


@pytest.mark.parametrize(
    "text",
    ['name ^= "a" or name ^= "b"', 'name ^= "a', 'name ^= "a\\"', "name", 'custom:x = "a"', f'name = "{"a" * 256}"'],
)
def test_a_filter_of_another_form_is_refused(find: Find, text: str) -> None:
    with pytest.raises(ClientError, match="InvalidParameterException"):
        find(text)


@pytest.fixture(scope="module")
def pool(cloud: Cloud) -> dict[str, str]:
    """A pool with three users, who are members of three groups."""
    idp = cloud.client("cognito-idp")
    pool = {"UserPoolId": idp.create_user_pool(PoolName=secrets.token_hex(4))["UserPool"]["Id"]}
    for group in ("muses", "nymphs", "satyrs"):
        idp.create_group(**pool, GroupName=group)
    for name in ("clio", "erato", "thalia"):
        idp.admin_create_user(**pool, Username=name)
        for group in ("muses", "nymphs"):
            idp.admin_add_user_to_group(**pool, Username=name, GroupName=group)
    return pool


LISTS = {
    "list_users": ("PaginationToken", {}, {"Filter": 'status = "Enabled"'}),
    "list_users_in_group": ("NextToken", {"GroupName": "muses"}, {"GroupName": "nymphs"}),
    "list_groups": ("NextToken", {}, {}),
}


@pytest.mark.parametrize("operation", LISTS)
def test_a_page_token_is_accepted_with_its_own_search_only(cloud: Cloud, pool: dict[str, str], operation: str) -> None:
    name, search, other = LISTS[operation]
    call, read = getattr(cloud.client("cognito-idp"), operation), 0
    first = call(**pool, **search, Limit=1)
    page = first
    while name in page:
        page, read = call(**pool, **search, Limit=1, **{name: page[name]}), read + 1
    assert read == 2
    forged = ["1", "-1", "nonsense", f"{first[name]}0", first[name].replace("1", "2", 1)]
    for token, asked in [*((token, search) for token in forged), *([(first[name], other)] if other else [])]:
        with pytest.raises(ClientError, match="InvalidParameterException"):
            call(**pool, **asked, Limit=1, **{name: token})
