"""Rotation of refresh tokens: a refresh gives a new token, and the old one is good for a moment longer.

ministack keeps the setting only because `left_out.py` makes it. Which tokens have been replaced is kept with their
user, so that a restart does not make them good again.

Source:  docs.aws.amazon.com/cognito → "Refresh tokens": the new token lives as long as the old one would have; the
         flow REFRESH_TOKEN_AUTH cannot be used while rotation is on
"""

from __future__ import annotations

from local.front import directory
from local.front.directory import AppClient
from local.front.http import Response, aws_error

_REFRESH = {"REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"}
_REPLACED = "_replaced_refresh_tokens"  # of a user: until when they are good, and when they would expire, by jti


def is_on(app: AppClient) -> bool:
    return bool((app.settings.get("RefreshTokenRotation") or {}).get("Feature") == "ENABLED")


def refused_flow(app: AppClient, flow: object) -> Response | None:
    """Refuse the flow that refreshes tokens without a new refresh token, unless the client allows it."""
    flows = app.settings.get("ExplicitAuthFlows") or []
    left_out = any(f.startswith("ALLOW_") for f in flows) and "ALLOW_REFRESH_TOKEN_AUTH" not in flows
    if flow in _REFRESH and (is_on(app) or left_out):
        # The documentation names no error for it; this is the one for other flows that a client does not allow.
        return aws_error("InvalidParameterException", "Auth flow not enabled for this client")
    return None


def is_replaced(app: AppClient, token: str, now: float) -> bool:
    """Whether a token was replaced, and its grace period is over."""
    user = directory.owner(app, token)
    until, _expires_at = (user or {}).get(_REPLACED, {}).get(directory.claims(token).get("jti"), (now, now))
    return bool(until < now)


def replace(app: AppClient, token: str, now: float) -> str:
    """Give a new token for a good one, whose grace period begins with its first replacement."""
    user, content = directory.owner(app, token), directory.claims(token)
    if user is not None:
        grace = app.settings["RefreshTokenRotation"].get("RetryGracePeriodSeconds") or 0
        replaced = {jti: times for jti, times in user.get(_REPLACED, {}).items() if times[1] > now}
        user[_REPLACED] = {content["jti"]: (now + grace, content["exp"]), **replaced}
    return directory.renewed(app, token, now)
