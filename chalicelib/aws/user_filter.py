"""The filter of ListUsers, and the criteria that it leaves to Gatehouse. Pure.

Source:  docs.aws.amazon.com/cognito-user-identity-pools → ListUsers, Filter: one attribute; `=` or `^=` ("begins with")
"""

from chalicelib.core.user_search import UserSearch
from chalicelib.ports import User


def filter_of(search: UserSearch) -> str | None:
    """Returns the filter for one criterion of a search in all users. None if the search has no such criterion."""
    if search.begins_with is not None:
        return f'{search.attribute} ^= "{_escaped(search.begins_with)}"'
    if search.enabled is not None:
        return f'status = "{"Enabled" if search.enabled else "Disabled"}"'
    return f'cognito:user_status = "{search.status}"' if search.status else None


def matches(search: UserSearch, user: User) -> bool:
    """Returns whether a user of a page meets the criteria that the request to Cognito could not contain.

    Cognito compares `begins_with` itself, except for the members of a group.
    """
    return (
        (search.enabled is None or user.enabled is search.enabled)
        and (search.status is None or user.status == search.status)
        and (search.group is None or search.begins_with is None or _begins(search, search.begins_with, user))
    )


def _begins(search: UserSearch, text: str, user: User) -> bool:
    if search.attribute == "username":  # Cognito compares only this attribute with regard to case
        return user.username.startswith(text)
    value = user.email if search.attribute == "email" else user.name
    return (value or "").casefold().startswith(text.casefold())


def _escaped(text: str) -> str:
    """Returns a text in the form that cannot end the value of a filter."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
