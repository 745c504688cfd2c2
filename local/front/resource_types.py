"""Adds the CloudFormation resource types that ministack does not have.

A type that a later ministack has is left to ministack.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from ministack.services import cognito, waf

from local.front.directory import Record
from local.front.patches import registry

Handlers = Mapping[str, Callable[..., Any]]

_PROVISIONERS = "ministack.services.cloudformation.provisioners"


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
