"""`make token`: returns an access token of a sample user or of the machine, with the requested scopes."""

import re
from collections.abc import Sequence
from typing import Any

from infra.errors import Refused
from local.sign_in import SignInFailed, machine_token, sign_in, sign_in_by_page

MACHINE = "machine"


class TokenRefused(Refused):
    """No token is available. The message says what to do."""


def token_for(outputs: dict[str, Any], user: str, client: str, scopes: Sequence[str]) -> str:
    """Returns an access token. Raises TokenRefused.

    user, client  one of them is a name, the other is empty
    scopes        `read`, `write` or full names; without scopes, the token of a user has no custom scope, and the token
                  of the machine has every scope of its client
    """
    users = outputs["users"]
    if bool(user) == bool(client) or (user and user not in users) or client not in ("", MACHINE):
        raise TokenRefused(
            f"Name a user or the machine: USER={' or USER='.join(users)} or CLIENT={MACHINE}."
            " After you add a group, start `make run` again: it creates a user for the group."
        )
    asked = " ".join(_full_name(outputs["scopes"], scope) for scope in scopes)
    try:
        if client:
            return machine_token(outputs, asked)
        if asked:
            return str(sign_in_by_page(outputs, **users[user], scope=f"openid {asked}")["access_token"])
        return sign_in(outputs, **users[user])
    except SignInFailed as failed:
        raise TokenRefused(f"No token for {user or client}: {failed}.") from failed


def split_scopes(text: str) -> list[str]:
    """Splits the value of SCOPE at spaces and commas."""
    return [word for word in re.split(r"[\s,]+", text) if word]


def _full_name(known: dict[str, str], scope: str) -> str:
    if scope in known:
        return known[scope]
    if scope in known.values():
        return scope
    raise TokenRefused(f"Unknown scope {scope}. SCOPE accepts {', '.join([*known, *known.values()])}.")
