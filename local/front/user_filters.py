"""Reads the filter of ListUsers as AWS describes it. ministack ignores a filter that it cannot read.

Source:  docs.aws.amazon.com/cognito-user-identity-pools → ListUsers, Filter
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ministack.services import cognito

from local.front.patches import registry

_FILTER = re.compile(r'\s*"?([\w:]+)"?\s*(\^?=)\s*"((?:[^"\\]|\\.)*)"\s*', re.DOTALL)
_STANDARD = {"email", "phone_number", "name", "given_name", "family_name", "preferred_username", "sub"}
_OWN: dict[str, Callable[[dict[str, Any]], str]] = {
    "username": lambda user: str(user["Username"]),
    "status": lambda user: "Enabled" if user.get("Enabled", True) else "Disabled",
    "cognito:user_status": lambda user: str(user["UserStatus"]),
}
_WITH_CASE = {"username", "status"}
_LONGEST = 256


@registry.patches("ministack.services.cognito", "_list_users")
def _list_users(original: Callable[[dict[str, Any]], Any], data: dict[str, Any]) -> Any:
    """Refuses a filter of another form, and a filter for another attribute."""
    text = data.get("Filter") or ""
    read = _FILTER.fullmatch(text)
    if text and not read:
        return cognito.error_response_json("InvalidParameterException", "Error while parsing filter.", 400)
    if len(text) > _LONGEST or (read and read[1] not in _STANDARD | _OWN.keys()):
        return cognito.error_response_json("InvalidParameterException", "Invalid filter.", 400)
    return original(data)


@registry.replaces("ministack.services.cognito", "_apply_user_filter")
def _apply_user_filter(_present: Any) -> Callable[[list[dict[str, Any]], str], list[dict[str, Any]]]:
    """Compares the values of a filter, also those that contain quotation marks."""
    return apply_filter


def apply_filter(users: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """Returns the users that a valid filter selects."""
    name, operator, escaped = _FILTER.fullmatch(text).groups()  # type: ignore[union-attr]
    fold = str if name in _WITH_CASE else str.casefold
    wanted = fold(re.sub(r"\\(.)", r"\1", escaped, flags=re.DOTALL))
    values = ((user, fold(_value(user, name))) for user in users)
    return [user for user, value in values if value == wanted or (operator == "^=" and value.startswith(wanted))]


def _value(user: dict[str, Any], name: str) -> str:
    if name in _OWN:
        return _OWN[name](user)
    return next((str(one["Value"]) for one in user.get("Attributes", []) if one["Name"] == name), "")
