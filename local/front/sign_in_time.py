"""Writes the time of the sign-in into the claim auth_time of tokens. ministack writes the time of issue instead.

Source:  OpenID Connect Core 1.0, sections 2 and 12.2: a refreshed token, and a code for a signed-in browser, keep it
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from local.front import directory
from local.front.directory import Record
from local.front.patches import registry

_CLAIM = "auth_time"
_TOKENS = ("access", "id", "refresh")
_signed_in_at: ContextVar[int | None] = ContextVar("signed_in_at", default=None)


@contextmanager
def tokens_of_a_sign_in_at(seconds: object) -> Iterator[None]:
    """Gives this time to the tokens that are issued within the context. None: they belong to a new sign-in."""
    token = _signed_in_at.set(seconds if isinstance(seconds, int) else None)
    try:
        yield
    finally:
        _signed_in_at.reset(token)


@registry.patches("ministack.services.cognito", "_signed_jwt")
def _signed_jwt(original: Callable[..., Any], claims: Record, *more: Any) -> Any:
    """Writes the time of the sign-in into access, ID and refresh tokens."""
    if claims.get("token_use") in _TOKENS:
        known = _signed_in_at.get()
        claims = {**claims, _CLAIM: claims.get(_CLAIM, claims["iat"]) if known is None else known}
    return original(claims, *more)


@registry.patches("ministack.services.cognito", "_refresh_auth_result")
def _refresh_auth_result(original: Callable[..., Any], pool: Record, pool_id: str, client_id: str, token: str) -> Any:
    """Keeps the time of the sign-in in refreshed tokens."""
    with tokens_of_a_sign_in_at(directory.claims(token).get(_CLAIM)):
        return original(pool, pool_id, client_id, token)
