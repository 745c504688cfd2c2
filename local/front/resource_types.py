"""Adds the CloudFormation resource types that ministack does not have.

If a later ministack has a type, its own implementation is used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from uuid import uuid4

from ministack.services import cognito, waf

from local.front.directory import Record
from local.front.patches import registry

Handlers = Mapping[str, Callable[..., Any]]

_PROVISIONERS = "ministack.services.cloudformation.provisioners"
_SESSIONS = "AWS::Cognito::UserPool"
_DEFAULT_SESSIONS = (
    {"UserSessionTracking": "DISABLED", "TokenSession": {"MaxPerUser": 20}},
    {"SSOSession": {"MaxValidityMinutes": 60}},
)


@registry.replaces(_PROVISIONERS, "_RESOURCE_HANDLERS", "AWS::Cognito::UserPoolIdentityProvider", adds=True)
def _identity_provider(present: Handlers | None) -> Handlers:
    """Adds the resource type, with the operations of the user pool."""
    return present or {"create": _create_provider, "update": _update_provider, "delete": _delete_provider}


@registry.replaces(_PROVISIONERS, "_RESOURCE_HANDLERS", "AWS::WAFv2::WebACLAssociation", adds=True)
def _web_acl_association(present: Handlers | None) -> Handlers:
    """Adds the resource type, with the operations of AWS WAF."""
    return present or {"create": _associate, "update": _replace_association, "delete": _disassociate}


@registry.replaces(_PROVISIONERS, "_RESOURCE_HANDLERS", "AWS::Cognito::ManagedLoginBranding", adds=True)
def _managed_login_branding(present: Handlers | None) -> Handlers:
    """Adds the resource type. It has no effect on the emulated pages."""
    return present or {
        "create": _create_branding,
        "update": lambda branding, _old, _new, _stack: (branding, {}),
        "delete": lambda _branding, _properties: None,
    }


@registry.replaces(_PROVISIONERS, "_RESOURCE_HANDLERS", f"{_SESSIONS}SessionConfigurationAttachment", adds=True)
def _pool_sessions(present: Handlers | None) -> Handlers:
    """Adds the resource type: whether a user pool tracks sessions."""
    return present or {"create": _set_sessions, "update": _replace_sessions, "delete": _default_sessions}


@registry.replaces(_PROVISIONERS, "_RESOURCE_HANDLERS", f"{_SESSIONS}ClientSessionConfigurationAttachment", adds=True)
def _client_sessions(present: Handlers | None) -> Handlers:
    """Adds the resource type: for how long an app client reuses the cookie of the sign-in pages."""
    return present or {"create": _set_sessions, "update": _replace_sessions, "delete": _default_sessions}


def _session_owner(properties: Record) -> Record:
    """Returns the app client or the user pool that the properties name. Raises ValueError."""
    pool = cognito._user_pools.get(properties["UserPoolId"]) or {}
    owner: Record | None = pool.get("_clients", {}).get(properties["ClientId"]) if "ClientId" in properties else pool
    if not owner:
        raise ValueError("The user pool or the app client does not exist.")
    return owner


def _set_sessions(_logical_id: str, properties: Record, _stack: str) -> tuple[str, Record]:
    owner, settings = _session_owner(properties), _typed_sessions(properties)
    if cognito._user_pools[properties["UserPoolId"]].get("UserPoolTier") == "LITE":
        raise ValueError("FeatureUnavailableInTierException: session management needs ESSENTIALS or PLUS.")
    if settings in _DEFAULT_SESSIONS:
        raise ValueError("The default of the service cannot be declared. Remove the resource.")
    owner["_session_configuration"] = settings
    return "|".join(properties[key] for key in ("UserPoolId", "ClientId") if key in properties), {}


def _replace_sessions(_id: str, _old: Record, new: Record, stack: str) -> tuple[str, Record]:
    return _set_sessions("", new, stack)


def _default_sessions(_id: str, properties: Record) -> None:
    with suppress(ValueError):  # the pool or the client is gone, and its configuration with it
        _session_owner(properties).pop("_session_configuration", None)


def _typed_sessions(properties: Record) -> Record:
    """Returns the settings without the owner. A template parameter is text, and AWS converts it to a number."""
    settings: Record = {}
    for name, value in properties.items():
        if isinstance(value, dict):
            settings[name] = {key: int(number) for key, number in value.items()}
        elif name not in ("UserPoolId", "ClientId"):
            settings[name] = value
    return settings


def _create_provider(_logical_id: str, properties: Record, _stack: str) -> tuple[str, Record]:
    _raise_for_error(cognito._create_identity_provider(properties))
    return properties["ProviderName"], {}


def _update_provider(name: str, _old: Record, new: Record, _stack: str) -> tuple[str, Record]:
    _raise_for_error(cognito._update_identity_provider(new))
    return name, {}


def _delete_provider(_name: str, properties: Record) -> None:
    cognito._delete_identity_provider(properties)  # no failure if the pool, and the provider with it, is gone


def _associate(_logical_id: str, properties: Record, _stack: str) -> tuple[str, Record]:
    _raise_for_error(waf._associate_web_acl(properties))
    return f"{properties['WebACLArn']}|{properties['ResourceArn']}", {}


def _replace_association(_id: str, old: Record, new: Record, stack: str) -> tuple[str, Record]:
    waf._disassociate_web_acl(old)
    return _associate("", new, stack)


def _disassociate(_id: str, properties: Record) -> None:
    waf._disassociate_web_acl(properties)


def _create_branding(_logical_id: str, properties: Record, _stack: str) -> tuple[str, Record]:
    branding = str(uuid4())
    return f"{properties['UserPoolId']}|{branding}", {"ManagedLoginBrandingId": branding}


def _raise_for_error(answer: tuple[int, Any, Any]) -> None:
    status, _headers, body = answer
    if status >= 400:
        raise ValueError(json.loads(body).get("message", "refused"))
