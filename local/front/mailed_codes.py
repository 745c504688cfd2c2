"""Mails a new random code with each message. In ministack, every user has the same two codes, without an expiry.

Source:  docs.aws.amazon.com/cognito → "Quotas", validity of codes: 24 hours to confirm a sign-up, 1 hour for a password
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from local.front import directory
from local.front.directory import Record
from local.front.http import Response, aws_error
from local.front.patches import registry

CONFIRMATION, RESET = "_confirmation_code", "_reset_code"
SECONDS = {CONFIRMATION: 24 * 3600, RESET: 3600}
_KINDS = {"ConfirmSignUp": CONFIRMATION, "ConfirmForgotPassword": RESET}


@registry.patches("ministack.services.cognito", "_send_verification_email")
def _send_verification_email(
    original: Callable[..., Any],
    pool: Record,
    username: str,
    attributes: dict[str, str],
    _code: str,
    attribute_name: str = "email",
) -> Any:
    """Mails a new random code with each message, instead of the same code to everyone."""
    user = directory.user(pool, username)
    code = f"{secrets.randbelow(10**6):06d}"
    if user is not None:
        kind = RESET if attribute_name == "password" else CONFIRMATION
        user[kind], user[f"{kind}_issued_at"] = code, time.time()
    return original(pool, username, attributes, code, attribute_name=attribute_name)


def expired(operation: str, fields: Record, now: float) -> Response | None:
    """Refuses a code that is too old, or returns None.

    A code without a time was never mailed: ministack gives a user without an address one of its two constant codes.
    """
    kind, app = _KINDS.get(operation), directory.client(fields.get("ClientId"))
    user = directory.user(app.pool, fields.get("Username")) if kind and app else None
    if user is None or kind is None or not user.get(kind) or now - user.get(f"{kind}_issued_at", 0) < SECONDS[kind]:
        return None
    return aws_error("ExpiredCodeException", "Invalid code provided, please request a code again.")
