"""The sign-in cookie: a browser that has signed in gets the next authorization code without a password.

Source:  docs.aws.amazon.com/cognito → "Managed login": the cookie lives one hour and is renewed at each use;
         "Managing user sessions": if the pool tracks sessions, the app client sets how long after the sign-in it
         accepts the cookie
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from local.front import directory
from local.front.directory import AppClient, Record
from local.front.http import Request
from local.front.pages.authorization import accepts_passwords
from local.front.pages.browser import set_cookie

COOKIE = "sign-in-session"
SECONDS = 3600


@dataclass(frozen=True)
class Session:
    """A browser that has signed in with a password.

    sub           of the user: another user can have the name after the deletion of the first one
    signed_in_at  seconds since 1970
    """

    pool_id: str
    username: str
    sub: str
    second_factor: bool
    signed_in_at: int
    expires_at: float

    def is_reusable(self, app: AppClient, now: float) -> bool:
        """Returns whether this client accepts the session in place of a password."""
        minutes = app.cookie_minutes
        return now < (self.expires_at if minutes is None else self.signed_in_at + minutes * 60)


class Opened(NamedTuple):
    """The user of a session, when the user signed in (seconds since 1970), and the header that sets the cookie."""

    user: Record
    signed_in_at: int
    cookie: tuple[bytes, bytes]


class Sessions:
    """The sessions by their cookies, in memory. A restart ends them."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._open: dict[str, Session] = {}

    def begin(self, app: AppClient, user: Record, *, second_factor: bool) -> Opened:
        """Opens a session under a new cookie."""
        now, value = self._now(), secrets.token_urlsafe(32)
        expires_at = now + max(SECONDS, (app.cookie_minutes or 0) * 60)
        sub = directory.sub(user)
        session = Session(app.pool["Id"], user["Username"], sub, second_factor, int(now), expires_at)
        self._open = {v: s for v, s in self._open.items() if s.expires_at > now} | {value: session}
        return Opened(user, session.signed_in_at, set_cookie(COOKIE, value, int(expires_at - now)))

    def resume(self, request: Request, app: AppClient) -> Opened | None:
        """Returns the user of a session that is enough for this client."""
        value = request.cookies.get(COOKIE, "")
        session = self._open.get(value)
        if session is None or session.pool_id != app.pool["Id"] or not session.is_reusable(app, self._now()):
            return None
        if not accepts_passwords(app):
            return None  # a client for company sign-in only: its users do not come with a password
        user = directory.user(app.pool, session.username)
        if user is None or directory.sub(user) != session.sub or not directory.may_sign_in(user):
            return None
        if directory.mfa_challenge(app.pool, user) and not session.second_factor:
            return None
        renewed = replace(session, expires_at=max(session.expires_at, self._now() + SECONDS))
        self._open[value] = renewed
        return Opened(user, session.signed_in_at, set_cookie(COOKIE, value, int(renewed.expires_at - self._now())))

    def end(self, request: Request) -> tuple[bytes, bytes]:
        """Ends the session of a browser, and returns the header that deletes the cookie."""
        self._open.pop(request.cookies.get(COOKIE, ""), None)
        return set_cookie(COOKIE, "", 0)
