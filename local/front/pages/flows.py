"""The open steps of sign-ins and of self-service. Each is bound to its browser, app client, user and step."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from local.front.pages.authorization import Authorization

_REMEMBERED_SECONDS = 3600  # after its end, so that a late form can lead back to the first page


class Step(Enum):
    """A step that the user has to complete. The value is the path of its page."""

    CONFIRM = "/confirm"
    RESET = "/confirmforgotPassword"
    NEW_PASSWORD = "/newpassword"
    MFA_SETUP = "/mfa/setup"
    MFA = "/mfa"


@dataclass(frozen=True)
class Flow:
    """One open step.

    username       as the user typed it, or of the pool
    sub            of the user, after the password
    authenticator  the new secret, during the set-up
    sent_to        where the user expects the mailed code
    """

    browser: str
    authorization: Authorization
    step: Step
    username: str
    expires_at: float
    sub: str = ""
    authenticator: str = ""
    sent_to: str = ""


class Flows:
    """The open flows by their identifiers, in memory. A restart interrupts them."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._open: dict[str, Flow] = {}

    def open(self, flow: Flow) -> str:
        """Returns the address of the step's page."""
        since = self._now() - _REMEMBERED_SECONDS
        identifier = secrets.token_urlsafe(32)
        self._open = {i: f for i, f in self._open.items() if f.expires_at > since} | {identifier: flow}
        return f"{flow.step.value}?flow={identifier}"

    def find(self, identifier: str, browser: str) -> Flow | None:
        """Returns a flow of this browser, also if it has expired."""
        flow = self._open.get(identifier)
        return flow if flow and secrets.compare_digest(flow.browser.encode(), browser.encode()) else None

    def is_open(self, flow: Flow) -> bool:
        return self._now() < flow.expires_at

    def close(self, identifier: str) -> None:
        self._open.pop(identifier, None)
