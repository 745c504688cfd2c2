"""Accepts each code of an authenticator once. ministack accepts a code as long as the authenticator shows it.

Source:  RFC 6238, section 5.2; Cognito answers ExpiredCodeException, "Your software token has already been used once."
"""

from __future__ import annotations

from local.front.directory import Record

_USED = "_used_authenticator_codes"  # of a user: the end of the time in which the code could be accepted, by code
_SECONDS = 120  # a step of 30 s, one step earlier or later, and a margin for clocks

MESSAGE = "Your software token has already been used once."


def is_used(user: Record, code: str, now: float) -> bool:
    return bool(user.get(_USED, {}).get(code, 0) > now)


def use(user: Record, code: str, now: float) -> None:
    """Marks a code as used."""
    remembered = {used: until for used, until in user.get(_USED, {}).items() if until > now}
    user[_USED] = {**remembered, code: now + _SECONDS}
