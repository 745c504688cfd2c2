"""The administration API: routes that list the groups of the user pool, and add one user to one group or remove them.

A policy can allow the changes of one group only: `PUT /admin/users/*/groups/readers`.
"""

from dataclasses import asdict
from typing import Any

from chalice.app import Blueprint

from authorizers.policy import policy_authorizer
from chalicelib import wiring
from chalicelib.describe import describe
from chalicelib.request_body import caller_id, fields_of, flag, query_of, read_optional_json
from chalicelib.user_forms import ChangedUser, ForceBody, Groups, Page
from chalicelib.user_routes import MOST_BYTES, limit_of, token_of

groups_blueprint = Blueprint(__name__)
_MEMBERSHIP = "/admin/users/{username}/groups/{group}"


@groups_blueprint.route("/admin/groups", authorizer=policy_authorizer)
@describe(query=Page, answer=Groups)
def list_groups() -> Any:
    read = query_of(groups_blueprint.current_request.query_params, Page)
    groups, next_token = wiring.list_groups()(limit_of(read), token_of(read))
    return {"groups": [asdict(group) for group in groups], "next_token": next_token}


@groups_blueprint.route(_MEMBERSHIP, methods=["PUT"], authorizer=policy_authorizer)
@describe(body=ForceBody, optional=True, answer=ChangedUser, errors=(409,))
def add_to_group(username: str, group: str) -> Any:
    force = flag(fields_of(_body(), ForceBody), "force")
    return wiring.users().add_to_group(username, group, _caller_id(), force).as_dict()


@groups_blueprint.route(_MEMBERSHIP, methods=["DELETE"], authorizer=policy_authorizer)
@describe(body=ForceBody, optional=True, answer=ChangedUser, errors=(409,))
def remove_from_group(username: str, group: str) -> Any:
    force = flag(fields_of(_body(), ForceBody), "force")
    return wiring.users().remove_from_group(username, group, _caller_id(), force).as_dict()


def _body() -> Any:
    return read_optional_json(groups_blueprint.current_request, MOST_BYTES)


def _caller_id() -> str:
    return caller_id(groups_blueprint.current_request)
