"""Keeps the time of the sign-in in refreshed tokens.

ministack writes the time of the refresh into `auth_time`. The claim is the time at which the user signed in, so a
client such as oidc-client-ts refuses a refreshed ID token with another value.

Source:  openid.net/specs/openid-connect-core-1_0.html, section 12.2; docs.aws.amazon.com/cognito → "Access token":
         auth_time is the time when the user completed authentication
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.front import directory
from local.front.patches import registry

_TIMES = "_sign_in_times"  # of a user: seconds since 1970, by the origin_jti of the sign-in
_SIGN_INS = "_origin_jtis"  # ministack's list of a user's sign-ins. A global sign-out empties it


@registry.patches("ministack.services.cognito", "_apply_pretoken_trigger")
def _apply_pretoken_trigger(original: Callable[..., Any], **token: Any) -> Any:
    """Writes the time of the sign-in, not the time of the refresh, into the tokens of a user."""
    pool, claims = directory.pool(token["pool_id"]), token["claims"]
    user = directory.user(pool, token["username"]) if pool else None
    if user is not None and "auth_time" in claims:
        claims = {**claims, "auth_time": time_of(user, claims["origin_jti"], claims["auth_time"])}
    return original(**{**token, "claims": claims})


def time_of(user: dict[str, Any], sign_in: str, now: int) -> int:
    """Returns the time of a sign-in. The first token of a sign-in sets it."""
    valid = {*user.get(_SIGN_INS, ()), sign_in}
    times = {each: time for each, time in user.get(_TIMES, {}).items() if each in valid}
    user[_TIMES] = {sign_in: now, **times}
    time: int = user[_TIMES][sign_in]
    return time
