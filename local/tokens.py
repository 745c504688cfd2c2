"""`make token`: an access token of a sample user or of the machine, with the scopes that are asked for."""

import re
from collections.abc import Sequence
from typing import Any

from local.sign_in import SignInFailed, machine_token, sign_in, sign_in_by_page

MACHINE = "machine"


class TokenRefused(Exception):
    """No token was given; the message is one sentence and says what to do."""


def token_for(outputs: dict[str, Any], user: str, client: str, scopes: Sequence[str]) -> str:
    """Return an access token. Raises TokenRefused.

    user, client  one of them is a name, the other is empty
    scopes        `read`, `write` or full names; without any, a person's token has no custom scope and a machine's has
                  every scope that the machine may have
    """
    users = outputs["users"]
    if bool(user) == bool(client) or (user and user not in users) or client not in ("", MACHINE):
        raise TokenRefused(f"Name who signs in: USER={' or USER='.join(users)} or CLIENT={MACHINE}.")
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
    """Split what stands after SCOPE=, separated by spaces or commas."""
    return [word for word in re.split(r"[\s,]+", text) if word]


def _full_name(known: dict[str, str], scope: str) -> str:
    if scope in known:
        return known[scope]
    if scope in known.values():
        return scope
    raise TokenRefused(f"There is no scope {scope}: SCOPE takes {', '.join([*known, *known.values()])}.")
