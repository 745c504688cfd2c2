"""Self-service: sign up, confirm the address, get a new code, replace a forgotten password.

The handlers use the operations of the user pool, so that its checks, limits and triggers apply.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from local.front import directory
from local.front.directory import AppClient, Record
from local.front.http import Response, redirect
from local.front.pages import authorization as authorizations
from local.front.pages import log_in
from local.front.pages.authorization import Authorization
from local.front.pages.flows import Flow, Step
from local.front.pages.passwords import faults, rules
from local.front.pages.site import Site, Visit

_WRONG_CODE = "This code is not valid. Enter the code of the newest message, or request a new code."
_CODE_ERRORS = {"CodeMismatchException", "ExpiredCodeException", "NotAuthorizedException"}
_UNAVAILABLE = "This application does not offer this page."
# Errors of ForgotPassword that the page shows. All others could reveal that a user exists, and look like success.
_SHOWN = {"LimitExceededException", "UserNotFoundException"}


async def sign_up(site: Site, visit: Visit, asked: Authorization) -> Response:
    """Creates a user who has to confirm the address."""
    app = asked.app
    if app is None or not authorizations.accepts_sign_ups(app):
        return visit.error(_UNAVAILABLE, 404)
    username, email = visit.form.get("username", "").strip(), visit.form.get("email", "").strip()
    by_email = "email" in (app.pool.get("UsernameAttributes") or [])
    problem = faults(app.pool, visit.form) if visit.is_form else ""
    if visit.is_form and not problem:
        attributes = [{"Name": "email", "Value": username if by_email else email}]
        fields = {"Username": username, "Password": visit.form["password"], "UserAttributes": attributes}
        response = await _operate(site, visit, app, "SignUp", fields)
        if response.status == 200:
            user = directory.user(app.pool, response.content["UserSub"])
            return log_in.proceed(site, visit, asked, user, typed=username) if user else visit.error(_UNAVAILABLE)
        problem = _message(response)
    values: dict[str, Any] = {"username": username, "email": email, "by_email": by_email, "rules": rules(app.pool)}
    return visit.show("sign_up.html", problem=problem, **values)


async def confirm(site: Site, visit: Visit, flow: Flow) -> Response:
    """Confirms the address by the mailed code. The browser that gave the password then continues to sign in."""
    app = flow.authorization.app
    values: dict[str, Any] = {"sent_to": flow.sent_to, "notice": ""}
    if app is None:
        return visit.error(log_in.CLIENT_DELETED)
    if not visit.is_form:
        return visit.show("confirm.html", **values)
    fields = {"Username": flow.username, "ConfirmationCode": visit.code}
    response = await _operate(site, visit, app, "ConfirmSignUp", fields)
    if response.status != 200:
        return visit.show("confirm.html", problem=_message(response), **values)
    site.flows.close(visit.flow_id)
    user = directory.user(app.pool, flow.username)
    return log_in.proceed(site, visit, flow.authorization, user) if user else visit.error(_UNAVAILABLE)


async def resend(site: Site, visit: Visit, flow: Flow) -> Response:
    """Mails a new code."""
    app = flow.authorization.app
    if app is None:
        return visit.error(log_in.CLIENT_DELETED)
    response = await _operate(site, visit, app, "ResendConfirmationCode", {"Username": flow.username})
    if response.status != 200:
        return visit.show("confirm.html", problem=_message(response), sent_to=flow.sent_to, notice="")
    notice = "A new code was sent. The old one is no longer valid."
    return visit.show("confirm.html", sent_to=flow.sent_to, notice=notice)


async def forgot(site: Site, visit: Visit, asked: Authorization) -> Response:
    """Mails a code to reset the password. The answer is the same whether the user exists or not."""
    app = asked.app
    if app is None or not authorizations.accepts_passwords(app):
        return visit.error(_UNAVAILABLE, 404)
    username = visit.form.get("username", "").strip()
    by_email = "email" in (app.pool.get("UsernameAttributes") or [])
    problem = ""
    if visit.is_form:
        response = await _operate(site, visit, app, "ForgotPassword", {"Username": username})
        if response.status == 200 or response.content["__type"] not in _SHOWN:
            expires_at = site.now() + log_in.MAIL_SECONDS
            flow = Flow(visit.browser.id, asked, Step.RESET, username, expires_at, sent_to=username)
            return redirect(site.flows.open(flow))
        problem = _message(response)
    return visit.show("forgot.html", problem=problem, username=username, by_email=by_email)


async def reset(site: Site, visit: Visit, flow: Flow) -> Response:
    """Replaces the password by the mailed code. The user then signs in with it, and with the second factor."""
    app = flow.authorization.app
    if app is None:
        return visit.error(log_in.CLIENT_DELETED)
    values: dict[str, Any] = {"sent_to": flow.sent_to, "rules": rules(app.pool)}
    problem = faults(app.pool, visit.form) if visit.is_form else ""
    if visit.is_form and not problem:
        fields = {"Username": flow.username, "ConfirmationCode": visit.code, "Password": visit.form["password"]}
        response = await _operate(site, visit, app, "ConfirmForgotPassword", fields)
        if response.status == 200:
            site.flows.close(visit.flow_id)
            return redirect(f"/login?{flow.authorization.query}&notice=reset")
        problem = _message(response)
    return visit.show("reset.html", problem=problem, **values)


async def _operate(site: Site, visit: Visit, app: AppClient, operation: str, fields: Record) -> Response:
    secret = app.settings.get("ClientSecret") or ""
    proof = {"SecretHash": _secret_hash(secret, fields["Username"], app.id)} if secret else {}
    return await site.operate(operation, {"ClientId": app.id, **fields, **proof}, visit.request, visit.forward)


def _secret_hash(secret: str, username: str, client_id: str) -> str:
    mac = hmac.new(secret.encode(), f"{username}{client_id}".encode(), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


def _message(response: Response) -> str:
    """Returns the message of an error. All wrong codes get the same message: another one could reveal a user."""
    return _WRONG_CODE if response.content["__type"] in _CODE_ERRORS else str(response.content["message"])
