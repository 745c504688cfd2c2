"""Gives an invited user a temporary password that the password policy of the pool accepts, as Cognito does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.front import directory
from local.front.patches import registry


@registry.patches("ministack.services.cognito", "_admin_create_user")
def _admin_create_user(original: Callable[[Any], Any], data: dict[str, Any]) -> Any:
    """Adds a temporary password. ministack's own is too short for a minimum length above 12."""
    pool = directory.pool(data.get("UserPoolId"))
    if pool is None or data.get("TemporaryPassword") or data.get("MessageAction") == "RESEND":
        return original(data)
    return original({**data, "TemporaryPassword": directory.temporary_password(pool)})
