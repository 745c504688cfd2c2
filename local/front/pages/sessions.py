"""The sign-in cookie: a browser that has signed in gets the next authorization code without a password.

Source:  docs.aws.amazon.com/cognito → "Managed login": the cookie lives one hour and is renewed at each use
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

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

    sub  of the user: another user can have the name after the deletion of the first one
    """

    pool_id: str
    username: str
    sub: str
    second_factor: bool
    expires_at: float


class Sessions:
    """The sessions by their cookies, in memory. A restart ends them."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._open: dict[str, Session] = {}

    def begin(self, app: AppClient, user: Record, *, second_factor: bool) -> tuple[bytes, bytes]:
        """Opens a session under a new cookie, and returns the header that sets it."""
        now, value = self._now(), secrets.token_urlsafe(32)
        session = Session(app.pool["Id"], user["Username"], directory.sub(user), second_factor, now + SECONDS)
        self._open = {v: s for v, s in self._open.items() if s.expires_at > now} | {value: session}
        return set_cookie(COOKIE, value, SECONDS)

    def resume(self, request: Request, app: AppClient) -> tuple[Record, tuple[bytes, bytes]] | None:
        """Returns the user of a session that is enough for this client, and the header that renews the cookie."""
        value = request.cookies.get(COOKIE, "")
        session = self._open.get(value)
        if session is None or session.expires_at <= self._now() or session.pool_id != app.pool["Id"]:
            return None
        if not accepts_passwords(app):
            return None  # a client for company sign-in only: its users do not come with a password
        user = directory.user(app.pool, session.username)
        if user is None or directory.sub(user) != session.sub or not directory.may_sign_in(user):
            return None
        if directory.mfa_challenge(app.pool, user) and not session.second_factor:
            return None
        self._open[value] = replace(session, expires_at=self._now() + SECONDS)
        return user, set_cookie(COOKIE, value, SECONDS)

    def end(self, request: Request) -> tuple[bytes, bytes]:
        """Ends the session of a browser, and returns the header that deletes the cookie."""
        self._open.pop(request.cookies.get(COOKIE, ""), None)
        return set_cookie(COOKIE, "", 0)
