"""What all handlers share: the parts of the site, one visit of a browser, and the rendering of a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from local.front.attempts import Attempts
from local.front.directory import Record
from local.front.http import Request, Response
from local.front.pages.authorization import Authorization, Forward
from local.front.pages.browser import Browser
from local.front.pages.flows import Flows
from local.front.pages.rendering import page
from local.front.pages.sessions import Sessions

Operate = Callable[[str, Record, Request, Forward], Awaitable[Response]]


@dataclass(frozen=True)
class Site:
    """The parts of the site.

    operate  runs an operation of the user pool as an app client does, without AWS credentials
    """

    now: Callable[[], float]
    attempts: Attempts
    flows: Flows
    sessions: Sessions
    operate: Operate


@dataclass(frozen=True)
class Visit:
    """One request of a browser, with its authorization request and its open flow if they are known."""

    request: Request
    forward: Forward
    browser: Browser
    authorization: Authorization | None = None
    flow_id: str = ""
    form: dict[str, str] = field(default_factory=dict)

    @property
    def is_form(self) -> bool:
        return self.request.method == "POST"

    @property
    def code(self) -> str:
        """Returns the code of the form without the spaces that people type."""
        return "".join(self.form.get("code", "").split())

    def show(self, template: str, *, status: int = 200, problem: str = "", **values: Any) -> Response:
        """Renders a page. A page with a problem has status 400, unless another status is given."""
        shared = {
            "form_token": self.browser.form_token,
            "flow": self.flow_id,
            "query": self.authorization.query if self.authorization else "",
            "problem": problem,
        }
        target = self.authorization.form_target if self.authorization else ""
        return page(template, 400 if problem and status == 200 else status, target, **{**shared, **values})

    def error(self, problem: str, status: int = 400) -> Response:
        """Renders the error page. It leads back to the sign-in page if the authorization request is known."""
        return self.show("error.html", status=status, problem=problem)
