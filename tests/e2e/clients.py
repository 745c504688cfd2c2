"""An HTTP client of the API, and users and groups for a single test."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import requests

from local.sign_in import sign_in_by_page
from tests.e2e.cloud import Cloud

TIMEOUT = 30


class Answer(NamedTuple):
    """An HTTP response. The body is None if it is empty."""

    status: int
    body: Any = None


class Api:
    """A client of the API. Each thread needs its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = requests.Session()

    def ask(self, method: str, path: str, token: str | None = None, body: Any = None) -> Answer:
        """Sends one request. A body that is not bytes is sent as JSON."""
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        answer = self._http.request(method, self.url + path, headers=headers, data=content, timeout=TIMEOUT)
        return Answer(answer.status_code, answer.json() if answer.content else None)


@dataclass(frozen=True)
class Person:
    """A user with a password."""

    username: str
    password: str
    sub: str


class Users:
    """Creates users and groups with the credentials of the account's owner. Each has a unique name."""

    def __init__(self, cloud: Cloud) -> None:
        self._outputs = cloud.outputs
        self._pool = {"UserPoolId": cloud.outputs["user_pool_id"]}
        self.cognito = cloud.local_cloud.client("cognito-idp")
        self._dynamodb = cloud.local_cloud.client("dynamodb")

    def new(self, *groups: str) -> Person:
        """Creates a user in these groups who gets no default group."""
        person = self.newcomer(*groups)
        mark = {"sub": {"S": person.sub}}
        self._dynamodb.put_item(TableName=self._outputs["environment"]["ONBOARDING_TABLE"], Item=mark)
        return person

    def newcomer(self, *groups: str) -> Person:
        """Creates a user with an administrator's operation. The user has not signed in yet."""
        person = {**self._pool, "Username": f"{unique('clerk')}@gatehouse.example"}
        password = "correct-horse-battery-staple"
        created = self.cognito.admin_create_user(
            **person,
            TemporaryPassword=password,
            MessageAction="SUPPRESS",
            UserAttributes=[
                {"Name": "email", "Value": person["Username"]},
                {"Name": "email_verified", "Value": "true"},
            ],
        )
        self.cognito.admin_set_user_password(**person, Password=password, Permanent=True)
        for group in groups:
            self.cognito.admin_add_user_to_group(**person, GroupName=group)
        return Person(person["Username"], password, created["User"]["Username"])

    def named(self, address: str, *groups: str) -> str:
        """Creates a user with this address, who has no password and never signed in. Returns the address."""
        person = {**self._pool, "Username": address}
        attributes = [{"Name": "email", "Value": address}, {"Name": "email_verified", "Value": "true"}]
        self.cognito.admin_create_user(**person, MessageAction="SUPPRESS", UserAttributes=attributes)
        for group in groups:
            self.cognito.admin_add_user_to_group(**person, GroupName=group)
        return address

    def new_group(self) -> str:
        """Creates a group without a policy."""
        name = unique("group")
        self.cognito.create_group(**self._pool, GroupName=name)
        return name

    def groups_of(self, username: str) -> list[str]:
        listed = self.cognito.admin_list_groups_for_user(**self._pool, Username=username)
        return [group["GroupName"] for group in listed["Groups"]]

    def remove_from(self, group: str, username: str) -> None:
        self.cognito.admin_remove_user_from_group(**self._pool, Username=username, GroupName=group)

    def sign_in(self, person: Person, scope: str = "openid") -> dict[str, Any]:
        """Signs in on the page and returns all tokens."""
        return sign_in_by_page(self._outputs, person.username, person.password, scope)

    def token_of(self, person: Person) -> str:
        token: str = self.sign_in(person)["access_token"]
        return token


@dataclass(frozen=True)
class UserGroup:
    """A group of the user pool for one test, with one signed-in member."""

    name: str
    member: Person
    token: str
    api: Api
    admin: str

    @property
    def subject(self) -> str:
        return f"group:{self.name}"

    @property
    def policy_path(self) -> str:
        return f"/admin/policies/group/{self.name}"

    def write(self, statements: Iterable[Mapping[str, Any]], **more: Any) -> Answer:
        """Writes the policy of the group as the administrator."""
        return self.api.ask("PUT", self.policy_path, self.admin, {"statements": list(statements), **more})

    def read(self) -> Answer:
        return self.api.ask("GET", self.policy_path, self.admin)

    def delete_policy(self) -> None:
        """Deletes the policy if it exists."""
        self.api.ask("DELETE", self.policy_path, self.admin)


def unique(word: str) -> str:
    return f"{word}-{secrets.token_hex(4)}"
