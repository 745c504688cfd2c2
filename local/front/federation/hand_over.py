"""Hands verified identities to ministack, which makes the user, the automatic group and the code.

ministack parses the response of a provider without any check. Here it gets a ticket in place of the response.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json

from local.front.directory import Record
from local.front.patches import registry

_verified: dict[str, Record] = {}  # by ticket


def deposit(subject: str, attributes: dict[str, str]) -> str:
    """Stores a verified identity, and returns the ticket for it. A ticket is valid once."""
    ticket = secrets.token_urlsafe(32)
    _verified[ticket] = {"name_id": subject, "attributes": attributes}
    return ticket


def withdraw(ticket: str) -> None:
    """Removes an identity that was not taken."""
    _verified.pop(ticket, None)


@registry.patches("ministack.services.cognito", "_parse_saml_response")
def _take(_original: Callable[..., Any], ticket: str) -> Record:
    """Accepts only the ticket of an identity that the front has verified."""
    return _verified.pop(ticket)


@registry.patches("ministack.services.cognito", "_oauth2_idp_response")
def _no_return(_original: Callable[..., Any], *_request: Any) -> Any:
    """Refuses the return of an OIDC provider that the front has not verified."""
    return error_response_json("InvalidParameterException", "Only the front can accept the answer of a provider.", 400)
