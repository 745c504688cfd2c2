"""Finds the handler of a request: checks the form's token, and reads the authorization request or the open flow."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace

from local.front.access import PAGES, TARGET
from local.front.attempts import Attempts
from local.front.directory import Record
from local.front.http import Request, Response
from local.front.pages import accounts, authorization, log_in, mailbox, second_factor
from local.front.pages.authorization import COGNITO, Authorization, Forward
from local.front.pages.browser import COOKIE, recognise, set_cookie
from local.front.pages.flows import Flow, Flows, Step
from local.front.pages.rendering import STYLE, style
from local.front.pages.sessions import Sessions
from local.front.pages.site import Site, Visit

_OLD_FORM = "This form is no longer valid, or your browser refuses cookies. Begin again."
_OVER = "This sign-in took too long, or it was completed in another window. Begin again."
_STARTS: dict[str, Callable[[Site, Visit, Authorization], Awaitable[Response]]] = {
    "/oauth2/authorize": log_in.authorize,
    "/login": log_in.log_in,
    "/signup": accounts.sign_up,
    "/forgotPassword": accounts.forgot,
}
_FEDERATION = {"/oauth2/authorize", "/oauth2/idpresponse", "/saml2/idpresponse"}
_STEPS: dict[str, tuple[Step, Callable[[Site, Visit, Flow], Awaitable[Response]]]] = {
    "/confirm": (Step.CONFIRM, accounts.confirm),
    "/resendcode": (Step.CONFIRM, accounts.resend),
    "/confirmforgotPassword": (Step.RESET, accounts.reset),
    "/newpassword": (Step.NEW_PASSWORD, second_factor.new_password),
    "/mfa/setup": (Step.MFA_SETUP, second_factor.set_up),
    "/mfa": (Step.MFA, second_factor.challenge),
}


class Pages:
    """Serves the pages."""

    def __init__(
        self,
        now: Callable[[], float],
        attempts: Attempts,
        operate: Callable[[Request, Forward], Awaitable[Response]],
        outbox: Callable[[], list[Record]],
    ) -> None:
        self._site = Site(now, attempts, Flows(now), Sessions(now), _operation(operate))
        self._browser_of = recognise(secrets.token_bytes(32))
        self._outbox = outbox

    def serves(self, request: Request) -> bool:
        ours = {*_STARTS, *_STEPS, *mailbox.PATHS, STYLE, "/logout"}
        external = request.parameter("identity_provider") not in ("", COGNITO)
        to_provider = request.path == "/oauth2/authorize" and external
        return request.path in ours and request.method in PAGES[request.path] and not to_provider

    async def answer(self, request: Request, forward: Forward) -> Response:
        """Responds with a page, or with a redirect to a page or to the client."""
        if request.path == STYLE:
            return style()
        if request.path in mailbox.PATHS:
            return mailbox.answer(request, self._outbox())
        browser = self._browser_of(request)
        response = await self._visit(Visit(request, forward, browser, form=request.form))
        if not browser.is_new:
            return response
        return Response(response.status, response.body, (*response.headers, set_cookie(COOKIE, browser.id)))

    def present(self, request: Request, response: Response, forward: Forward) -> Response:
        """Returns the response of a sign-in through an identity provider, with an error as a page."""
        if response.status < 400 or request.path not in _FEDERATION:
            return response
        return Visit(request, forward, self._browser_of(request)).error(_reason(response), response.status)

    async def _visit(self, visit: Visit) -> Response:
        path = visit.request.path
        if path == "/logout":
            return await log_in.log_out(self._site, visit)
        if path in _STEPS:
            return await self._step(visit, *_STEPS[path])
        asked = await authorization.read(visit.request, visit.forward)
        if isinstance(asked, Response):
            return asked if asked.status == 302 else visit.error(_reason(asked))
        visit = replace(visit, authorization=asked)
        if visit.is_form and not visit.browser.has_sent(visit.form):
            return visit.error(_OLD_FORM, 403)
        return await _STARTS[path](self._site, visit, asked)

    async def _step(
        self, visit: Visit, step: Step, handler: Callable[[Site, Visit, Flow], Awaitable[Response]]
    ) -> Response:
        identifier = visit.form.get("flow", "") if visit.is_form else visit.request.parameter("flow")
        flow = self._site.flows.find(identifier, visit.browser.id)
        if flow:
            visit = replace(visit, authorization=flow.authorization, flow_id=identifier)
        if visit.is_form and not visit.browser.has_sent(visit.form):
            return visit.error(_OLD_FORM, 403)
        if flow is None or flow.step is not step or not self._site.flows.is_open(flow):
            return visit.error(_OVER)
        return await handler(self._site, visit, flow)


def _operation(operate: Callable[[Request, Forward], Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
    async def run(name: str, fields: Record, request: Request, forward: Forward) -> Response:
        headers = [
            (b"host", request.header("host").encode()),
            (b"content-type", b"application/x-amz-json-1.1"),
            (b"x-amz-target", (TARGET + name).encode()),
        ]
        scope = {**request.scope, "method": "POST", "path": "/", "raw_path": b"/", "query_string": b""}
        return await operate(Request({**scope, "headers": headers}, json.dumps(fields).encode()), forward)

    return run


def _reason(refused: Response) -> str:
    content = refused.content
    return str(content.get("error_description") or content.get("error") or "The sign-in request is not valid.")
