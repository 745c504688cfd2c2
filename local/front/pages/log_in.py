"""The sign-in page, the authorize endpoint and the sign-out. A sign-in continues here after each step."""

from __future__ import annotations

from urllib.parse import urlencode

from local.front import directory
from local.front.attempts import LOCKED, subject
from local.front.directory import AppClient, Record
from local.front.http import Response, redirect, with_query
from local.front.pages import authorization as authorizations
from local.front.pages.authorization import Authorization
from local.front.pages.flows import Flow, Step
from local.front.pages.site import Site, Visit

WRONG_PASSWORD = "Incorrect username or password."
CLIENT_DELETED = "The application is no longer known."
MAIL_SECONDS = 3600  # for a mailed code to arrive


async def authorize(site: Site, visit: Visit, asked: Authorization) -> Response:
    """Issues a code to a signed-in browser. Every other browser goes to the sign-in page."""
    app, prompt = asked.app, visit.request.parameter("prompt")
    resumed = site.sessions.resume(visit.request, app) if app and prompt != "login" else None
    if app and resumed:
        address = directory.issue_code(app, resumed.user["Username"], asked.asked, resumed.signed_in_at)
        return redirect(address, resumed.cookie)
    if prompt == "none":
        state = {"state": asked.asked["state"]} if "state" in asked.asked else {}
        return redirect(with_query(asked.asked["redirect_uri"], {"error": "login_required", **state}))
    hint = visit.request.parameter("login_hint")
    return redirect(f"/login?{asked.query}{'&' + urlencode({'login_hint': hint}) if hint else ''}")


async def log_in(site: Site, visit: Visit, asked: Authorization) -> Response:
    """Shows the sign-in page, or checks the password."""
    app = asked.app
    if app is None:
        return visit.error(CLIENT_DELETED)
    if not visit.is_form:
        return show(visit, asked, app, username=visit.request.parameter("login_hint"))
    username = visit.form.get("username", "").strip()
    if not authorizations.accepts_passwords(app):
        return visit.error("This application accepts no passwords. Sign in with your company.")
    who, user = subject(app.pool, username), directory.user(app.pool, username)
    if site.attempts.is_locked(who):
        return show(
            visit, asked, app, status=429, problem=f"{LOCKED}. Wait a moment, then try again.", username=username
        )
    if user is None or not directory.has_password(user, visit.form.get("password", "")):
        site.attempts.failed(who)
        return show(visit, asked, app, problem=WRONG_PASSWORD, username=username)
    return proceed(site, visit, asked, user, typed=username)


def show(
    visit: Visit, asked: Authorization, app: AppClient, *, status: int = 200, problem: str = "", username: str = ""
) -> Response:
    """Renders the sign-in page."""
    return visit.show(
        "log_in.html",
        status=status,
        problem=problem,
        notice=_NOTICES.get(visit.request.parameter("notice"), ""),
        username=username,
        by_email="email" in (app.pool.get("UsernameAttributes") or []),
        passwords=authorizations.accepts_passwords(app),
        sign_up=authorizations.accepts_sign_ups(app),
        providers=[(name, asked.to_provider(name)) for name in authorizations.providers(app)],
    )


_NOTICES = {"reset": "Your password is changed. Sign in with the new password."}


def proceed(
    site: Site, visit: Visit, asked: Authorization, user: Record, *, typed: str = "", second_factor: bool = False
) -> Response:
    """Continues a sign-in after the password, or after a step: opens the next step, or ends the sign-in.

    typed          the address or username as the user typed it
    second_factor  whether the user has proved the second factor in this sign-in
    """
    app = asked.app
    if app is None:
        return visit.error(CLIENT_DELETED)
    if not user.get("Enabled", True):
        return visit.error("User is disabled.")
    name, sub = user["Username"], directory.sub(user)
    match user["UserStatus"]:
        case "FORCE_CHANGE_PASSWORD":
            return _open(site, visit, asked, app, Step.NEW_PASSWORD, name, sub=sub)
        case "UNCONFIRMED":
            return _open(site, visit, asked, app, Step.CONFIRM, name, sent_to=typed)
        case "RESET_REQUIRED":
            return _open(site, visit, asked, app, Step.RESET, name, sent_to=typed)
        case status if status != "CONFIRMED":
            return visit.error("This user cannot sign in with a password.")
    due = None if second_factor else directory.mfa_challenge(app.pool, user)
    if due and due["ChallengeName"] == "MFA_SETUP":
        return _open(
            site, visit, asked, app, Step.MFA_SETUP, name, sub=sub, authenticator=directory.new_authenticator()
        )
    if due:
        return _open(site, visit, asked, app, Step.MFA, name, sub=sub)
    site.attempts.succeeded(subject(app.pool, name))
    opened = site.sessions.begin(app, user, second_factor=second_factor)
    address = directory.issue_code(app, name, asked.asked, opened.signed_in_at)
    if not address:
        return visit.error("The application has changed its address. Begin again there.")
    return redirect(address, opened.cookie)


async def log_out(site: Site, visit: Visit) -> Response:
    """Ends the session, and redirects to a registered address, or to the sign-in page."""
    ended = site.sessions.end(visit.request)
    app = directory.client(visit.request.parameter("client_id"))
    address = visit.request.parameter("logout_uri")
    if app and address and address in (app.settings.get("LogoutURLs") or []):
        return redirect(address, ended)
    if app and not address and visit.request.parameter("redirect_uri"):
        again = await authorizations.read(visit.request, visit.forward)
        if isinstance(again, Authorization):
            return redirect(f"/login?{again.query}", ended)
    refused = visit.error("You are signed out. The application named an address for the next page that is not allowed.")
    return Response(refused.status, refused.body, (*refused.headers, ended))


def _open(
    site: Site, visit: Visit, asked: Authorization, app: AppClient, step: Step, username: str, **more: str
) -> Response:
    mailed = step in (Step.CONFIRM, Step.RESET)
    expires_at = site.now() + (MAIL_SECONDS if mailed else app.session_seconds)
    flow = Flow(visit.browser.id, asked, step, username, expires_at, **more)
    return redirect(site.flows.open(flow))
