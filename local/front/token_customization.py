"""Applies the response of a pre-token trigger as Cognito does.

In ministack, a trigger of version 1 changes the groups of neither token, groups of versions 2 and 3 are ignored, a
trigger can replace every claim, and no version needs a tier. The trigger cannot recognize a user of a provider.

Source:  docs.aws.amazon.com/cognito → "Pre token generation Lambda trigger": version 1 changes claims of the ID token
         and groups of both tokens; versions 2 and 3 need ESSENTIALS or PLUS; some claims cannot be changed
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json

from local.front import directory
from local.front.directory import Record
from local.front.patches import registry

# AWS does not publish one complete list for both tokens. A missing claim would let a trigger forge it, and an
# unnecessary claim only restricts a trigger. Groups and scopes have their own fields in the response.
PROTECTED = frozenset(
    [
        *("acr", "amr", "at_hash", "aud", "auth_time", "azp", "client_id", "device_key", "event_id", "exp", "iat"),
        *("identities", "iss", "jti", "nbf", "nonce", "origin_jti", "scope", "sub", "token_use", "username", "version"),
    ]
)
_RESERVED = ("cognito:", "custom:", "dev:", "aws:")


@registry.patches("ministack.services.cognito", "_extract_trigger_response")
def _extract_trigger_response(original: Callable[[Any], Any], payload: Any) -> Any:
    """Applies the response of a pre-token trigger by the version of its event."""
    response = original(payload)
    if not isinstance(response, dict) or not isinstance(payload, dict):
        return response
    if not str(payload.get("triggerSource")).startswith("TokenGeneration_"):
        return response
    changes = _of_version_1(response) if payload.get("version") == "1" else _of_later_version(response)
    return {"claimsAndScopeOverrideDetails": {name: _permitted(section) for name, section in changes.items()}}


@registry.patches("ministack.services.cognito", "_build_pretoken_event")
def _build_pretoken_event(original: Callable[..., Any], **event: Any) -> Any:
    """Adds the status of the user to the attributes: EXTERNAL_PROVIDER for a user of a provider."""
    pool = directory.pool(event["pool_id"])
    user = directory.user(pool, event["username"]) if pool else None
    status = {"cognito:user_status": user["UserStatus"]} if user else {}
    return original(**{**event, "user_attrs": {**event["user_attrs"], **status}})


@registry.patches("ministack.services.cognito", "_create_user_pool")
@registry.patches("ministack.services.cognito", "_update_user_pool")
def _check_tier(original: Callable[[Record], Any], fields: Record) -> Any:
    """Refuses versions 2 and 3 of the pre-token trigger on the tier LITE."""
    stored = directory.pool(fields.get("UserPoolId")) or {}
    tier = fields.get("UserPoolTier", stored.get("UserPoolTier"))
    trigger = (fields.get("LambdaConfig") or {}).get("PreTokenGenerationConfig") or {}
    if tier == "LITE" and trigger.get("LambdaVersion", "V1_0") != "V1_0":
        return error_response_json(
            "FeatureUnavailableInTierException",
            f"PreTokenGeneration {trigger['LambdaVersion']} is not available in the tier LITE.",
            400,
        )
    return original(fields)


def _of_version_1(response: Record) -> dict[str, Record]:
    first = response.get("claimsOverrideDetails") or {}
    groups = {"groupOverrideDetails": first.get("groupOverrideDetails") or {}}
    return {"idTokenGeneration": first, "accessTokenGeneration": groups}


def _of_later_version(response: Record) -> dict[str, Record]:
    details = response.get("claimsAndScopeOverrideDetails") or {}
    groups = {"groupOverrideDetails": details.get("groupOverrideDetails") or {}}
    return {name: {**(details.get(name) or {}), **groups} for name in ("idTokenGeneration", "accessTokenGeneration")}


def _permitted(section: Record) -> Record:
    """Returns the section without changes of claims that a trigger cannot change."""
    added = {name: value for name, value in (section.get("claimsToAddOrOverride") or {}).items() if _is_free(name)}
    removed = [name for name in section.get("claimsToSuppress") or [] if _is_free(name)]
    return {**section, "claimsToAddOrOverride": added, "claimsToSuppress": removed}


def _is_free(name: str) -> bool:
    return name not in PROTECTED and not name.startswith(_RESERVED)
