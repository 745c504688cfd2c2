"""The forms of users in requests and answers of the administration API."""

from dataclasses import dataclass
from typing import Annotated, Literal, NotRequired, TypedDict

from chalicelib.core.group_name import MAX_CHARACTERS
from chalicelib.core.user_search import LONGEST_TEXT, Attribute, Status
from chalicelib.ports import User

LARGEST_PAGE = 60  # of ListUsers, ListUsersInGroup and ListGroups
LONGEST_TOKEN = 4096
MOST_GROUPS = 100  # of one user in Cognito

_Groups = Annotated[list[str], {"maxItems": MOST_GROUPS, "uniqueItems": True}]


class Page(TypedDict):
    limit: NotRequired[Annotated[int, {"minimum": 1, "maximum": LARGEST_PAGE}]]
    token: NotRequired[Annotated[str, {"minLength": 1, "maxLength": LONGEST_TOKEN}]]


class UserQuery(Page):
    begins_with: NotRequired[Annotated[str, {"minLength": 1, "maxLength": LONGEST_TEXT}]]
    attribute: NotRequired[Attribute]
    group: NotRequired[Annotated[str, {"minLength": 1, "maxLength": MAX_CHARACTERS}]]
    status: NotRequired[Status]
    enabled: NotRequired[bool]


class Users(TypedDict):
    users: list[User]
    next_token: str | None


class ListedGroup(TypedDict):
    name: str
    description: str | None
    automatic: bool
    policy: Literal["valid", "none", "corrupt"]
    policy_version: int | None
    statements: int | None


class Groups(TypedDict):
    groups: list[ListedGroup]
    next_token: str | None


class Invitation(TypedDict):
    username: str
    groups: NotRequired[_Groups]


class GroupsBody(TypedDict):
    groups: _Groups
    force: NotRequired[bool]


class ForceBody(TypedDict):
    force: NotRequired[bool]


class Nothing(TypedDict):
    pass


@dataclass(frozen=True, slots=True)
class UserWithGroups(User):
    groups: tuple[str, ...]


class ChangedUser(TypedDict):
    user: UserWithGroups
    added: list[str]
    removed: list[str]
    revoked_at: int | None
    notices: list[str]
