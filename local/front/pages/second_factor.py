"""The steps after a correct password: a new password, the set-up of an authenticator, and its code."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from local.front import directory, used_codes
from local.front.attempts import LOCKED, subject
from local.front.directory import AppClient, Record
from local.front.http import Response
from local.front.pages import log_in
from local.front.pages.flows import Flow
from local.front.pages.passwords import faults, rules
from local.front.pages.rendering import application
from local.front.pages.site import Site, Visit

_WRONG_CODE = "This code is not correct. Enter the code that your authenticator shows now."
_USED_CODE = "This code was already used. Wait until your authenticator shows the next code."
_GONE = "This user cannot sign in any more."


async def new_password(site: Site, visit: Visit, flow: Flow) -> Response:
    """Replaces the temporary password of an invitation."""
    app, user = _who(flow)
    if app is None or user is None or user["UserStatus"] != "FORCE_CHANGE_PASSWORD":
        return visit.error(_GONE)
    problem = faults(app.pool, visit.form) if visit.is_form else ""
    if problem or not visit.is_form:
        return visit.show("new_password.html", problem=problem, rules=rules(app.pool))
    site.flows.close(visit.flow_id)
    directory.set_password(user, visit.form["password"])
    return log_in.proceed(site, visit, flow.authorization, user)


async def set_up(site: Site, visit: Visit, flow: Flow) -> Response:
    """Shows the secret of a new authenticator, and stores it after a correct code."""
    app, user = _who(flow)
    if app is None or user is None or directory.authenticator_of(user):
        return visit.error(_GONE)
    problem = _wrong_code(site, app, user, flow.authenticator, visit.code) if visit.is_form else ""
    if problem or not visit.is_form:
        uri = _provisioning_uri(flow.authenticator, _name(user))
        return visit.show("set_up.html", problem=problem, picture=_qr_code(uri), uri=uri, secret=flow.authenticator)
    site.flows.close(visit.flow_id)
    directory.enrol(user, flow.authenticator)
    return log_in.proceed(site, visit, flow.authorization, user, second_factor=True)


async def challenge(site: Site, visit: Visit, flow: Flow) -> Response:
    """Asks for the code of the user's authenticator."""
    app, user = _who(flow)
    if app is None or user is None:
        return visit.error(_GONE)
    if not visit.is_form:
        return visit.show("challenge.html", name=_name(user))
    problem = _wrong_code(site, app, user, directory.authenticator_of(user), visit.code)
    if problem:
        return visit.show("challenge.html", problem=problem, name=_name(user))
    site.flows.close(visit.flow_id)
    return log_in.proceed(site, visit, flow.authorization, user, second_factor=True)


def _wrong_code(site: Site, app: AppClient, user: Record, authenticator: str, code: str) -> str:
    """Returns why a code is refused, or an empty text. Uses a correct code up, and counts a wrong one."""
    who = subject(app.pool, user["Username"])
    if site.attempts.is_locked(who):
        return f"{LOCKED}. Wait a moment, then try again."
    if not directory.proves(authenticator, code):
        site.attempts.failed(who)
        return _WRONG_CODE
    if used_codes.is_used(user, code, site.now()):
        return _USED_CODE
    used_codes.use(user, code, site.now())
    return ""


def _who(flow: Flow) -> tuple[AppClient | None, Record | None]:
    app = flow.authorization.app
    user = directory.user(app.pool, flow.username) if app else None
    # Another user can have the name after the deletion of the first one.
    same = user is not None and directory.sub(user) == flow.sub and user.get("Enabled", True)
    return app, user if same else None


def _name(user: Record) -> str:
    return directory.attributes(user).get("email") or str(user["Username"])


def _provisioning_uri(secret: str, label: str) -> str:
    """Returns the address that authenticators read.

    Source:  github.com/google/google-authenticator/wiki/Key-Uri-Format
    """
    issuer = application()
    return f"otpauth://totp/{quote(f'{issuer}:{label}')}?{urlencode({'secret': secret, 'issuer': issuer})}"


def _qr_code(text: str) -> str:
    """Returns a picture as SVG markup."""
    import segno  # only this page needs it

    return str(segno.make(text, error="m", micro=False).svg_inline(scale=5, border=3, dark="#000", light="#fff"))
