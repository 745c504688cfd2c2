"""Lets a pre-token trigger of version 1 change the groups of both tokens, as on AWS; in ministack it changes neither.

Source:  docs.aws.amazon.com/cognito → "Pre token generation Lambda trigger", version 1: claims go into the ID token,
         groups into both
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import cognito


def install() -> None:
    """Wrap the reader of a trigger's answer; once is enough, so a second call changes nothing."""
    original = cognito._extract_trigger_response
    if not hasattr(original, "__wrapped__"):
        cognito._extract_trigger_response = _reader(original)


def _reader(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(payload: Any) -> Any:
        response = original(payload)
        first = response.get("claimsOverrideDetails") if isinstance(response, dict) else None
        return {**response, "claimsAndScopeOverrideDetails": _as_version_2(first)} if first else response

    read.__wrapped__ = original  # type: ignore[attr-defined]
    return read


def _as_version_2(first: dict[str, Any]) -> dict[str, Any]:
    groups = {"groupOverrideDetails": first.get("groupOverrideDetails") or {}}
    return {"idTokenGeneration": first, "accessTokenGeneration": groups}
