"""Adds AdminDeleteSoftwareToken, which ministack lacks: an administrator removes the authenticator app of a user.

Source:  docs.aws.amazon.com/cognito → "AdminDeleteSoftwareToken": a user of a pool that requires MFA gets the challenge
         MFA_SETUP at the next sign-in
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ministack.services import cognito

from local.front import directory
from local.front.patches import registry


@registry.patches("ministack.services.cognito", "_dispatch_idp")
async def _dispatch_idp(original: Callable[..., Awaitable[Any]], action: str, data: dict[str, Any]) -> Any:
    """Adds the operation AdminDeleteSoftwareToken."""
    if action != "AdminDeleteSoftwareToken":
        return await original(action, data)
    found = await original("AdminGetUser", data)  # it answers for an unknown pool and an unknown user
    if found[0] != 200:
        return found
    pool = directory.pool(data["UserPoolId"])
    user = directory.user(pool, data["Username"]) if pool else None
    if user is None or not directory.authenticator_of(user):
        return cognito.error_response_json("InvalidParameterException", "The user has no software token.", 400)
    directory.remove_authenticator(user)
    return cognito.json_response({})
