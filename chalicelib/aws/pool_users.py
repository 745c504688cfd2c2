"""The users of a user pool. No error contains anything of Cognito's message, which can contain an e-mail address."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.pool_groups import PoolGroups
from chalicelib.core.errors import Conflict, InternalError, InvalidInput, NotFound
from chalicelib.ports import User, UserPage

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LARGEST_PAGE = 60  # of ListUsersInGroup


@dataclass(frozen=True, slots=True)
class PoolUsers(PoolGroups):
    """Implements UserAccounts on one user pool."""

    def list(self, limit: int, token: str | None) -> UserPage:
        more: Any = {"PaginationToken": token} if token else {}
        with _failures_named({"InvalidParameterException": InvalidInput("token", "no page of users gave this token")}):
            answer = self.client.list_users(UserPoolId=self.pool_id, Limit=limit, **more)
        users = tuple(_user(user, user["Attributes"]) for user in answer["Users"])
        return UserPage(users, answer.get("PaginationToken"))

    def find(self, name: str) -> User:
        try:
            with _failures_named({"InvalidParameterException": NotFound("the user")}):
                answer = self.client.admin_get_user(UserPoolId=self.pool_id, Username=name)
        except NotFound:
            # Cognito finds a company's user by the username only. The decision log shows the `sub`.
            if not _UUID.fullmatch(name):
                raise
            return self._by_sub(name)
        return _user(answer, answer["UserAttributes"])

    def _by_sub(self, sub: str) -> User:
        with _failures_named():
            answer = self.client.list_users(UserPoolId=self.pool_id, Filter=f'sub = "{sub}"', Limit=1)
        if not answer["Users"]:
            raise NotFound("the user")
        return _user(answer["Users"][0], answer["Users"][0]["Attributes"])

    def members(self, group: str) -> Iterator[User]:
        with _failures_named():
            pages = self.client.get_paginator("list_users_in_group").paginate(
                UserPoolId=self.pool_id, GroupName=group, PaginationConfig={"PageSize": _LARGEST_PAGE}
            )
            for page in pages:
                yield from (_user(user, user["Attributes"]) for user in page["Users"])

    def is_automatic(self, group: str) -> bool:
        return group.startswith(f"{self.pool_id}_")

    def create(self, address: str) -> User:
        attributes: Any = [{"Name": "email", "Value": address}, {"Name": "email_verified", "Value": "true"}]
        answers = {
            "UsernameExistsException": Conflict("user_exists", "a user with this address exists"),
            "InvalidParameterException": InvalidInput("username", "Cognito does not accept this address"),
        }
        with _failures_named(answers):
            answer = self.client.admin_create_user(
                UserPoolId=self.pool_id, Username=address, UserAttributes=attributes, MessageAction="SUPPRESS"
            )
        return _user(answer["User"], answer["User"]["Attributes"])

    def send_invitation(self, address: str) -> None:
        taken = Conflict("user_exists", "a user with this address exists and has a password")
        with _failures_named({"UnsupportedUserStateException": taken}):
            self.client.admin_create_user(
                UserPoolId=self.pool_id, Username=address, MessageAction="RESEND", DesiredDeliveryMediums=["EMAIL"]
            )

    def add_to_group(self, username: str, group: str) -> None:
        with _failures_named():
            self.client.admin_add_user_to_group(UserPoolId=self.pool_id, Username=username, GroupName=group)

    def remove_from_group(self, username: str, group: str) -> None:
        with _failures_named():
            self.client.admin_remove_user_from_group(UserPoolId=self.pool_id, Username=username, GroupName=group)

    def disable(self, username: str) -> None:
        with _failures_named():
            self.client.admin_disable_user(UserPoolId=self.pool_id, Username=username)

    def enable(self, username: str) -> None:
        with _failures_named():
            self.client.admin_enable_user(UserPoolId=self.pool_id, Username=username)

    def sign_out(self, username: str) -> None:
        with _failures_named():
            self.client.admin_user_global_sign_out(UserPoolId=self.pool_id, Username=username)


@contextmanager
def _failures_named(answers: Mapping[str, Exception] | None = None) -> Iterator[None]:
    """Raise a failure of Cognito as one of ours. `answers` are the errors that answer a caller, by Cognito's code."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        known = {"UserNotFoundException": NotFound("the user"), **(answers or {})}
        raise known.get(code) or InternalError("users_unreachable", f"Cognito: {code}") from None


def _user(described: Any, attributes: Sequence[Any]) -> User:
    """Returns a user from a description, whose attributes have another name in each of Cognito's answers."""
    values = {attribute["Name"]: attribute["Value"] for attribute in attributes}
    created: datetime = described["UserCreateDate"]
    return User(
        username=described["Username"],
        sub=values["sub"],
        email=values.get("email"),
        status=described["UserStatus"],
        enabled=described["Enabled"],
        created_at=created.astimezone(UTC).isoformat(timespec="seconds"),
    )
