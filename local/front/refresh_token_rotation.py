"""Rotates refresh tokens: a refresh returns a new token, and the old one stays valid for a grace period.

`persisted_settings.py` persists the setting. The replaced tokens are stored with their user, so that they stay
invalid after a restart.

Source:  docs.aws.amazon.com/cognito → "Refresh tokens": the new token expires when the old one would have expired;
         a client cannot use the flow REFRESH_TOKEN_AUTH while rotation is enabled
"""

from __future__ import annotations

from local.front import directory
from local.front.directory import AppClient
from local.front.http import Response, aws_error

_REFRESH = {"REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"}
_REPLACED = "_replaced_refresh_tokens"  # of a user, by jti: the end of the grace period, and the expiry


def is_enabled(app: AppClient) -> bool:
    return bool((app.settings.get("RefreshTokenRotation") or {}).get("Feature") == "ENABLED")


def refused_flow(app: AppClient, flow: object) -> Response | None:
    """Refuses the flow that returns no new refresh token, if the client rotates tokens or does not allow the flow."""
    flows = app.settings.get("ExplicitAuthFlows") or []
    not_allowed = any(f.startswith("ALLOW_") for f in flows) and "ALLOW_REFRESH_TOKEN_AUTH" not in flows
    if flow in _REFRESH and (is_enabled(app) or not_allowed):
        # The documentation names no error for this case. Cognito returns this error for other disallowed flows.
        return aws_error("InvalidParameterException", "Auth flow not enabled for this client")
    return None


def is_replaced(app: AppClient, token: str, now: float) -> bool:
    """Returns whether a token was replaced and its grace period is over."""
    user = directory.owner(app, token)
    until, _expires_at = (user or {}).get(_REPLACED, {}).get(directory.claims(token).get("jti"), (now, now))
    return bool(until < now)


def replace(app: AppClient, token: str, now: float) -> str:
    """Returns a new token for a valid one. The grace period of the old token starts with its first replacement."""
    user, content = directory.owner(app, token), directory.claims(token)
    if user is not None:
        grace = app.settings["RefreshTokenRotation"].get("RetryGracePeriodSeconds") or 0
        replaced = {jti: times for jti, times in user.get(_REPLACED, {}).items() if times[1] > now}
        user[_REPLACED] = {content["jti"]: (now + grace, content["exp"]), **replaced}
    return directory.renewed(app, token, now)
