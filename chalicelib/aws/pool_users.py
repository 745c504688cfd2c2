"""The users of a user pool. No error contains anything of Cognito's message, which can contain an e-mail address."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.aws.pool_groups import PoolGroups, failures_named
from chalicelib.aws.user_filter import filter_of, matches
from chalicelib.core.cognito_id import is_cognito_id
from chalicelib.core.errors import Conflict, InternalError, InvalidInput, NotFound
from chalicelib.core.user_search import UserSearch
from chalicelib.ports import Group, GroupPage, User, UserPage

_LARGEST_PAGE = 60  # of ListUsersInGroup
_BAD_TOKEN = InvalidInput("token", "no page of this search gave this token")


@dataclass(frozen=True, slots=True)
class PoolUsers(PoolGroups):
    """Implements UserAccounts on one user pool."""

    def list(self, limit: int, token: str | None, search: UserSearch) -> UserPage:
        if search.group is None:
            found, next_token = self._page_of_all(limit, token, filter_of(search))
        else:
            found, next_token = self._page_of_group(limit, token, search.group)
        users = (_user(user, user["Attributes"]) for user in found)
        return UserPage(tuple(user for user in users if matches(search, user)), next_token)

    def _page_of_all(self, limit: int, token: str | None, text: str | None) -> tuple[Sequence[Any], str | None]:
        more: Any = {**({"PaginationToken": token} if token else {}), **({"Filter": text} if text else {})}
        unreadable = InvalidInput("begins_with", "Cognito does not accept this text")
        with _named({"InvalidParameterException": _BAD_TOKEN if token else unreadable}):
            answer = self.client.list_users(UserPoolId=self.pool_id, Limit=limit, **more)
        return answer["Users"], answer.get("PaginationToken")

    def _page_of_group(self, limit: int, token: str | None, group: str) -> tuple[Sequence[Any], str | None]:
        more: Any = {"NextToken": token} if token else {}
        unknown = InvalidInput("group", "the user pool has no such group")
        with _named({"InvalidParameterException": _BAD_TOKEN, "ResourceNotFoundException": unknown}):
            answer = self.client.list_users_in_group(UserPoolId=self.pool_id, GroupName=group, Limit=limit, **more)
        return answer["Users"], answer.get("NextToken")

    def find(self, name: str) -> User:
        try:
            with _named({"InvalidParameterException": NotFound("the user")}):
                answer = self.client.admin_get_user(UserPoolId=self.pool_id, Username=name)
        except NotFound:
            # Cognito finds a company's user by the username only. The decision log shows the `sub`.
            if not is_cognito_id(name):
                raise
            return self._by_sub(name)
        return _user(answer, answer["UserAttributes"])

    def _by_sub(self, sub: str) -> User:
        with _named():
            answer = self.client.list_users(UserPoolId=self.pool_id, Filter=f'sub = "{sub}"', Limit=1)
        if not answer["Users"]:
            raise NotFound("the user")
        return _user(answer["Users"][0], answer["Users"][0]["Attributes"])

    def members(self, group: str) -> Iterator[User]:
        with _named():
            pages = self.client.get_paginator("list_users_in_group").paginate(
                UserPoolId=self.pool_id, GroupName=group, PaginationConfig={"PageSize": _LARGEST_PAGE}
            )
            for page in pages:
                yield from (_user(user, user["Attributes"]) for user in page["Users"])

    def list_groups(self, limit: int, token: str | None) -> GroupPage:
        more: Any = {"NextToken": token} if token else {}
        with _named({"InvalidParameterException": InvalidInput("token", "no page of groups gave this token")}):
            answer = self.client.list_groups(UserPoolId=self.pool_id, Limit=limit, **more)
        groups = tuple(Group(group["GroupName"], group.get("Description") or None) for group in answer["Groups"])
        return GroupPage(groups, answer.get("NextToken"))

    def is_automatic(self, group: str) -> bool:
        return group.startswith(f"{self.pool_id}_")

    def create(self, address: str) -> User:
        attributes: Any = [{"Name": "email", "Value": address}, {"Name": "email_verified", "Value": "true"}]
        answers = {
            "UsernameExistsException": Conflict("user_exists", "a user with this address exists"),
            "InvalidParameterException": InvalidInput("username", "Cognito does not accept this address"),
        }
        with _named(answers):
            answer = self.client.admin_create_user(
                UserPoolId=self.pool_id, Username=address, UserAttributes=attributes, MessageAction="SUPPRESS"
            )
        return _user(answer["User"], answer["User"]["Attributes"])

    def send_invitation(self, address: str) -> None:
        taken = Conflict("user_exists", "a user with this address exists and has a password")
        with _named({"UnsupportedUserStateException": taken}):
            self.client.admin_create_user(
                UserPoolId=self.pool_id, Username=address, MessageAction="RESEND", DesiredDeliveryMediums=["EMAIL"]
            )

    def add_to_group(self, username: str, group: str) -> None:
        with _named():
            self.client.admin_add_user_to_group(UserPoolId=self.pool_id, Username=username, GroupName=group)

    def remove_from_group(self, username: str, group: str) -> None:
        with _named():
            self.client.admin_remove_user_from_group(UserPoolId=self.pool_id, Username=username, GroupName=group)

    def disable(self, username: str) -> None:
        with _named():
            self.client.admin_disable_user(UserPoolId=self.pool_id, Username=username)

    def enable(self, username: str) -> None:
        with _named():
            self.client.admin_enable_user(UserPoolId=self.pool_id, Username=username)

    def sign_out(self, username: str) -> None:
        with _named():
            self.client.admin_user_global_sign_out(UserPoolId=self.pool_id, Username=username)

    def remove_authenticator(self, username: str) -> None:
        if not hasattr(self.client, "admin_delete_software_token"):  # the SDK of a Lambda runtime can be older
            raise InternalError("sdk_outdated", "the installed boto3 lacks AdminDeleteSoftwareToken; update boto3")
        refused = Conflict("no_authenticator", "Cognito has no authenticator app that it can remove for this user")
        with _named({"InvalidParameterException": refused, "UserNotConfirmedException": refused}):
            self.client.admin_delete_software_token(UserPoolId=self.pool_id, Username=username)


def _named(answers: Mapping[str, Exception] | None = None) -> AbstractContextManager[None]:
    return failures_named("users_unreachable", answers)


def _user(described: Any, attributes: Sequence[Any]) -> User:
    """Returns a user. Cognito's operations return the attributes under different names, so they are an argument."""
    values = {attribute["Name"]: attribute["Value"] for attribute in attributes}
    created: datetime = described["UserCreateDate"]
    return User(
        username=described["Username"],
        sub=values["sub"],
        email=values.get("email"),
        name=values.get("name"),
        status=described["UserStatus"],
        enabled=described["Enabled"],
        created_at=created.astimezone(UTC).isoformat(timespec="seconds"),
    )
