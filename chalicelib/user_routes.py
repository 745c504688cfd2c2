"""The administration API: routes that invite users, set their groups and end their access.

A caller who may set groups can become an administrator. An answer contains no secret.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from chalice.app import Blueprint, Response

from authorizers.policy import policy_authorizer
from chalicelib import wiring
from chalicelib.core.errors import InvalidInput
from chalicelib.core.user_name import EXPECTED_ADDRESS
from chalicelib.core.user_search import UserSearch
from chalicelib.describe import describe
from chalicelib.request_body import caller_id, fields_of, flag, page_size, query_of, read_json, read_optional_json
from chalicelib.user_forms import (
    LARGEST_PAGE,
    LONGEST_TOKEN,
    MOST_GROUPS,
    ChangedUser,
    ForceBody,
    GroupsBody,
    Invitation,
    Nothing,
    UserQuery,
    Users,
    UserWithGroups,
)

users_blueprint = Blueprint(__name__)

MOST_BYTES = 32_768


@users_blueprint.route("/admin/users", authorizer=policy_authorizer)
@describe(query=UserQuery, answer=Users)
def list_users() -> Any:
    page = wiring.users().list(*parse_user_query(users_blueprint.current_request.query_params))
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


def parse_user_query(query: Any) -> tuple[int, str | None, UserSearch]:
    """Returns the size of a page, the token of the page before, and the search. Raises InvalidInput.

    Shape:  the query string: limit, token, begins_with, attribute, group, status, enabled; each at most once
    """
    read = query_of(query, UserQuery)
    criteria: dict[str, Any] = {name: value for name, value in read.items() if name not in ("limit", "token")}
    if "enabled" in criteria:
        criteria["enabled"] = _truth(criteria["enabled"])
    return limit_of(read), token_of(read), UserSearch(**criteria)


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise InvalidInput("enabled", "expected true or false")
    return text == "true"


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


def limit_of(read: Mapping[str, str]) -> int:
    """Returns the size of a page. Raises InvalidInput."""
    return page_size(read, LARGEST_PAGE, LARGEST_PAGE)


def token_of(read: Mapping[str, str]) -> str | None:
    """Returns the token of the page before. Raises InvalidInput."""
    token = read.get("token")
    if token is not None and not (0 < len(token) <= LONGEST_TOKEN and token.isascii() and token.isprintable()):
        raise InvalidInput("token", "expected the next_token of a page")
    return token


def _groups(read: Mapping[str, Any]) -> list[str]:
    groups = read.get("groups", [])
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise InvalidInput("groups", "expected a list of names")
    if len(groups) > MOST_GROUPS or len(set(groups)) != len(groups):
        raise InvalidInput("groups", f"expected at most {MOST_GROUPS} names, each once")
    return groups


def _body() -> Any:
    return read_json(users_blueprint.current_request, MOST_BYTES)


def _optional_body() -> Any:
    return read_optional_json(users_blueprint.current_request, MOST_BYTES)


def _caller_id() -> str:
    return caller_id(users_blueprint.current_request)
