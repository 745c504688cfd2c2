"""What CloudFormation makes of the resource types that ministack's does not know.

ministack's table of handlers is no documented seam; it is pinned, and the tests that deploy these types fail when an
upgrade moves it. Types that it has learned by then are left to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from ministack.services import cognito, waf
from ministack.services.cloudformation import provisioners

from local.front.directory import Record

Handler = Mapping[str, Callable[..., Any]]


def install() -> None:
    """Teach ministack the types; once is enough, so a second call changes nothing."""
    for resource_type, handler in _HANDLERS.items():
        provisioners._RESOURCE_HANDLERS.setdefault(resource_type, handler)


def _create_provider(_logical_id: str, properties: Record, _stack: str) -> tuple[str, Record]:
    _checked(cognito._create_identity_provider(properties))
    return properties["ProviderName"], {}


def _update_provider(name: str, _old: Record, new: Record, _stack: str) -> tuple[str, Record]:
    _checked(cognito._update_identity_provider(new))
    return name, {}


def _delete_provider(_name: str, properties: Record) -> None:
    cognito._delete_identity_provider(properties)  # what is gone already, with its pool, is no failure


def _associate(_logical_id: str, properties: Record, _stack: str) -> tuple[str, Record]:
    _checked(waf._associate_web_acl(properties))
    return f"{properties['WebACLArn']}|{properties['ResourceArn']}", {}


def _associate_anew(_id: str, old: Record, new: Record, stack: str) -> tuple[str, Record]:
    waf._disassociate_web_acl(old)
    return _associate("", new, stack)


def _dissociate(_id: str, properties: Record) -> None:
    waf._disassociate_web_acl(properties)


def _brand(_logical_id: str, properties: Record, _stack: str) -> tuple[str, Record]:
    # Cognito's own looks are all that the template asks for, and the emulated page has looks of its own.
    branding = str(uuid4())
    return f"{properties['UserPoolId']}|{branding}", {"ManagedLoginBrandingId": branding}


def _checked(answer: tuple[int, Any, Any]) -> None:
    status, _headers, body = answer
    if status >= 400:
        raise ValueError(json.loads(body).get("message", "refused"))


_HANDLERS: Mapping[str, Handler] = {
    "AWS::Cognito::UserPoolIdentityProvider": {
        "create": _create_provider,
        "update": _update_provider,
        "delete": _delete_provider,
    },
    "AWS::WAFv2::WebACLAssociation": {"create": _associate, "update": _associate_anew, "delete": _dissociate},
    "AWS::Cognito::ManagedLoginBranding": {
        "create": _brand,
        "update": lambda branding, _old, _new, _stack: (branding, {}),
        "delete": lambda _branding, _properties: None,
    },
}
