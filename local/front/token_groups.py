"""Lets a pre-token trigger of version 1 change the groups of both tokens, as on AWS.

In ministack, such a trigger changes the groups of neither token.

Source:  docs.aws.amazon.com/cognito → "Pre token generation Lambda trigger", version 1: claims go into the ID token,
         groups into both tokens
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.front.patches import registry


@registry.patches("ministack.services.cognito", "_extract_trigger_response")
def _extract_trigger_response(original: Callable[[Any], Any], payload: Any) -> Any:
    """Applies the groups of a pre-token trigger of version 1 to both tokens."""
    response = original(payload)
    first = response.get("claimsOverrideDetails") if isinstance(response, dict) else None
    return {**response, "claimsAndScopeOverrideDetails": _as_version_2(first)} if first else response


def _as_version_2(first: dict[str, Any]) -> dict[str, Any]:
    groups = {"groupOverrideDetails": first.get("groupOverrideDetails") or {}}
    return {"idTokenGeneration": first, "accessTokenGeneration": groups}
