"""Accepts a page token of a user pool only with the search that gave it. ministack gives and accepts plain positions.

Source:  docs.aws.amazon.com/cognito-user-identity-pools → ListUsers, ListUsersInGroup, ListGroups: InvalidParameter
         for a token that the pool did not give. AWS does not document a token of another search; it is refused here
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import cognito

from local.front.patches import registry

_SERVICE = "ministack.services.cognito"
_TOKEN = re.compile(r"([0-9]{1,9})-[0-9a-f]{64}")

Operation = Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]]


@registry.patches(_SERVICE, "_list_users")
def _list_users(original: Operation, data: dict[str, Any]) -> Any:
    """Accepts a page token only with the search that gave it."""
    return _page(original, data, "PaginationToken")


@registry.patches(_SERVICE, "_list_users_in_group")
def _list_users_in_group(original: Operation, data: dict[str, Any]) -> Any:
    """Accepts a page token only with the group that gave it."""
    return _page(original, data, "NextToken")


@registry.patches(_SERVICE, "_list_groups")
def _list_groups(original: Operation, data: dict[str, Any]) -> Any:
    """Accepts a page token only with the list that gave it."""
    return _page(original, data, "NextToken")


def _page(original: Operation, data: Mapping[str, Any], name: str) -> Any:
    search = {key: value for key, value in data.items() if key not in (name, "Limit")}
    search["of"] = original.__name__
    position, given = "", data.get(name)
    if given:
        read = _TOKEN.fullmatch(str(given))
        if not read or given != _token(search, read[1]):
            return cognito.error_response_json("InvalidParameterException", "Invalid pagination token given.", 400)
        position = read[1]
    status, headers, body = original({**data, name: position})
    content = json.loads(body)
    if name not in content:
        return status, headers, body
    content[name] = _token(search, content[name])
    return status, headers, json.dumps(content).encode()


def _token(search: Mapping[str, Any], position: str) -> str:
    """Returns a token. It protects no data: whoever may list can list every page."""
    return f"{position}-{hashlib.sha256(json.dumps([search, position], sort_keys=True).encode()).hexdigest()}"
