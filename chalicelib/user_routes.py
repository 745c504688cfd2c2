"""The administration API: routes that invite users, set their groups and end their access.

A caller who may set groups can become an administrator. An answer contains no secret.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, NotRequired, TypedDict

from chalice.app import Blueprint, Response

from authorizers.policy import policy_authorizer
from chalicelib import wiring
from chalicelib.core.errors import InvalidInput
from chalicelib.core.user_name import EXPECTED_ADDRESS
from chalicelib.describe import describe
from chalicelib.ports import User
from chalicelib.request_body import caller_id, fields_of, flag, read_json, read_optional_json

users_blueprint = Blueprint(__name__)

_MOST_BYTES = 32_768
_LARGEST_PAGE = 60  # of ListUsers
_LONGEST_TOKEN = 4096
_MOST_GROUPS = 100  # of one user in Cognito

_Groups = Annotated[list[str], {"maxItems": _MOST_GROUPS, "uniqueItems": True}]


class Page(TypedDict):
    limit: NotRequired[Annotated[int, {"minimum": 1, "maximum": _LARGEST_PAGE}]]
    token: NotRequired[Annotated[str, {"minLength": 1, "maxLength": _LONGEST_TOKEN}]]


class Users(TypedDict):
    users: list[User]
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


class UserWithGroups(TypedDict):
    username: str
    sub: str
    email: str | None
    status: str
    enabled: bool
    created_at: str
    groups: list[str]


class ChangedUser(TypedDict):
    user: UserWithGroups
    added: list[str]
    removed: list[str]
    revoked_at: int | None
    notices: list[str]


@users_blueprint.route("/admin/users", authorizer=policy_authorizer)
@describe(query=Page, answer=Users)
def list_users() -> Any:
    page = wiring.users().list(*parse_page(users_blueprint.current_request.query_params))
    return {"users": [asdict(user) for user in page.users], "next_token": page.next_token}


@users_blueprint.route("/admin/users", methods=["POST"], authorizer=policy_authorizer)
@describe(body=Invitation, answer=ChangedUser, status=201, errors=(409,))
def invite_user() -> Any:
    return Response(wiring.users().invite(*parse_invitation(_body()), _caller_id()).as_dict(), status_code=201)


@users_blueprint.route("/admin/users/{username}", authorizer=policy_authorizer)
@describe(answer=UserWithGroups)
def get_user(username: str) -> Any:
    user, groups = wiring.users().show(username)
    return {**asdict(user), "groups": list(groups)}


@users_blueprint.route("/admin/users/{username}/groups", methods=["PUT"], authorizer=policy_authorizer)
@describe(body=GroupsBody, answer=ChangedUser, errors=(409,))
def put_groups(username: str) -> Any:
    groups, force = parse_groups(_body())
    return wiring.users().set_groups(username, groups, _caller_id(), force).as_dict()


@users_blueprint.route("/admin/users/{username}/disable", methods=["POST"], authorizer=policy_authorizer)
@describe(body=ForceBody, optional=True, answer=ChangedUser, errors=(409,))
def disable_user(username: str) -> Any:
    force = flag(fields_of(_optional_body(), ForceBody), "force")
    return wiring.users().disable(username, _caller_id(), force).as_dict()


@users_blueprint.route("/admin/users/{username}/enable", methods=["POST"], authorizer=policy_authorizer)
@describe(body=Nothing, optional=True, answer=ChangedUser)
def enable_user(username: str) -> Any:
    fields_of(_optional_body(), Nothing)
    return wiring.users().enable(username, _caller_id()).as_dict()


@users_blueprint.route("/admin/users/{username}/sign-out", methods=["POST"], authorizer=policy_authorizer)
@describe(body=Nothing, optional=True, answer=ChangedUser)
def sign_out_user(username: str) -> Any:
    fields_of(_optional_body(), Nothing)
    return wiring.users().sign_out(username, _caller_id()).as_dict()


@users_blueprint.route("/admin/users/{username}/reset-mfa", methods=["POST"], authorizer=policy_authorizer)
@describe(body=Nothing, optional=True, answer=ChangedUser, errors=(409,))
def reset_mfa_of_user(username: str) -> Any:
    fields_of(_optional_body(), Nothing)
    return wiring.users().reset_mfa(username, _caller_id()).as_dict()


def parse_page(query: Any) -> tuple[int, str | None]:
    """Returns the size of a page, and the token of the page before. Raises InvalidInput.

    Shape:  the query string: limit (optional), token (optional), each at most once
    """
    read = fields_of({name: query.getlist(name) for name in query or {}}, Page)
    for name in read:
        if len(read[name]) != 1:
            raise InvalidInput(name, "expected one value")
    (limit,), (token,) = read.get("limit", [str(_LARGEST_PAGE)]), read.get("token", [None])
    if not re.fullmatch("[0-9]{1,2}", limit) or not 1 <= int(limit) <= _LARGEST_PAGE:
        raise InvalidInput("limit", f"expected a number from 1 to {_LARGEST_PAGE}")
    if token is not None and not (0 < len(token) <= _LONGEST_TOKEN and token.isascii() and token.isprintable()):
        raise InvalidInput("token", "expected the next_token of a page")
    return int(limit), token


def parse_invitation(body: Any) -> tuple[str, list[str]]:
    """Returns the address and the groups of a new user. Raises InvalidInput.

    Shape:  {"username": an e-mail address, "groups": [names] (optional)}
    """
    read = fields_of(body, Invitation)
    if not isinstance(read["username"], str):
        raise InvalidInput("username", f"expected {EXPECTED_ADDRESS}")
    return read["username"], _groups(read)


def parse_groups(body: Any) -> tuple[list[str], bool]:
    """Returns the groups that a user will have, and `force`. Raises InvalidInput.

    Shape:  {"groups": [names], "force": bool (optional)}
    """
    read = fields_of(body, GroupsBody)
    return _groups(read), flag(read, "force")


def _groups(read: Mapping[str, Any]) -> list[str]:
    groups = read.get("groups", [])
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise InvalidInput("groups", "expected a list of names")
    if len(groups) > _MOST_GROUPS or len(set(groups)) != len(groups):
        raise InvalidInput("groups", f"expected at most {_MOST_GROUPS} names, each once")
    return groups


def _body() -> Any:
    return read_json(users_blueprint.current_request, _MOST_BYTES)


def _optional_body() -> Any:
    return read_optional_json(users_blueprint.current_request, _MOST_BYTES)


def _caller_id() -> str:
    return caller_id(users_blueprint.current_request)
