"""The addresses of a pool's sign-in domain. The local cloud serves the domain of every pool itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import cognito

from local.front.directory import Record
from local.front.patches import registry


@registry.patches("ministack.services.cognito", "_pool_domain_base_url")
def _on_this_machine(_original: Callable[..., Any], _pool: Record) -> str:
    """Serves the sign-in domain of a pool on this machine, so that a provider returns here."""
    return ""


def entity_id(pool: Record) -> str:
    """Returns the name of the pool as a SAML service provider: the audience of an assertion."""
    return f"urn:amazon:cognito:sp:{pool['Id']}"


def saml_callback(pool: Record) -> str:
    """Returns the address to which a SAML provider posts its response."""
    return str(cognito._acs_url(pool))


def oidc_callback(pool: Record) -> str:
    """Returns the address to which an OIDC provider redirects."""
    return str(cognito._oidc_callback_url(pool))
