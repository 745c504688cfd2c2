"""Lets a pre-token trigger of version 1 change the groups of both tokens, and tells it the status of the user.

In ministack, such a trigger changes the groups of neither token, and cannot recognize a user of a provider.

Source:  docs.aws.amazon.com/cognito → "Pre token generation Lambda trigger", version 1: claims go into the ID token,
         groups into both tokens
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.front import directory
from local.front.patches import registry


@registry.patches("ministack.services.cognito", "_extract_trigger_response")
def _extract_trigger_response(original: Callable[[Any], Any], payload: Any) -> Any:
    """Applies the groups of a pre-token trigger of version 1 to both tokens."""
    response = original(payload)
    first = response.get("claimsOverrideDetails") if isinstance(response, dict) else None
    return {**response, "claimsAndScopeOverrideDetails": _as_version_2(first)} if first else response


@registry.patches("ministack.services.cognito", "_build_pretoken_event")
def _build_pretoken_event(original: Callable[..., Any], **event: Any) -> Any:
    """Adds the status of the user to the attributes: EXTERNAL_PROVIDER for a user of a provider."""
    pool = directory.pool(event["pool_id"])
    user = directory.user(pool, event["username"]) if pool else None
    status = {"cognito:user_status": user["UserStatus"]} if user else {}
    return original(**{**event, "user_attrs": {**event["user_attrs"], **status}})


def _as_version_2(first: dict[str, Any]) -> dict[str, Any]:
    groups = {"groupOverrideDetails": first.get("groupOverrideDetails") or {}}
    return {"idTokenGeneration": first, "accessTokenGeneration": groups}
