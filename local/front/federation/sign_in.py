"""Company sign-in: sends the browser to the provider, verifies what comes back, and redirects to the application."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from urllib.parse import urlencode

from ministack.core.concurrency import run_reentrant

from local.front import directory, triggers
from local.front.directory import AppClient, Record
from local.front.federation import hand_over
from local.front.federation.identity import Refused, mapped
from local.front.federation.oidc_provider import fetch_json, fetch_text
from local.front.federation.providers import Answer, Providers
from local.front.federation.replay import AcceptedAssertions
from local.front.http import Forward, Request, Response, code_of, redirect, with_query

_S256 = re.compile(r"[A-Za-z0-9_-]{43}")
_COOKIE = "company-sign-in"
_SECONDS = 300  # from the request to the provider until its answer; ministack forgets the request then
_CALLBACK = "/saml2/idpresponse"


class CompanySignIn:
    """Handles `/oauth2/authorize?identity_provider=…`, `/saml2/idpresponse` and `/oauth2/idpresponse`.

    Stores each open sign-in in ministack's record of it, under a key that nobody can guess: SAML's RelayState, or the
    `state` of OIDC. A cookie binds it to the browser.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._providers = Providers(now, fetch_json, fetch_text, AcceptedAssertions())

    async def begin(self, request: Request) -> Response:
        """Redirects to the provider, or refuses what the app client does not allow."""
        app = directory.client(request.parameter("client_id"))
        if app is None or not app.may_use("code") or request.parameter("response_type") != "code":
            return _refused("unauthorized_client", "The client may not use this flow.")
        back, name = request.parameter("redirect_uri"), request.parameter("identity_provider")
        provider = directory.identity_provider(app.pool, name)
        if not provider or name not in (app.settings.get("SupportedIdentityProviders") or []):
            return _refused("invalid_request", "The client may not use this identity provider.")
        if fault := _fault(app, request):
            return fault
        state, scopes = request.parameter("state"), request.parameter("scope").split()
        allowed = app.settings.get("AllowedOAuthScopes") or []
        if not set(scopes) <= set(allowed):
            return _to_application(back, state, "invalid_scope")
        browser = request.cookies.get(_COOKIE) or secrets.token_urlsafe(32)
        opened = {
            "pool_id": app.pool["Id"],
            "client_id": app.id,
            "provider_name": name,
            "redirect_uri": back,
            "state": state,
            "scope": " ".join(scopes or allowed),
            "nonce": request.parameter("nonce"),  # of the application, for the pool's own ID token
            "code_challenge": request.parameter("code_challenge"),
            "request_id": f"_{secrets.token_hex(16)}",
            "provider_nonce": secrets.token_urlsafe(32),
            "browser": _digest(browser),
            "created_at": self._now(),
        }
        sent = (app.pool, provider, opened, directory.open_federation(opened))
        try:
            address = await run_reentrant(self._providers.sign_in_url, *sent, thread_name="federation")
        except Refused as refusal:
            return _to_application(back, state, str(refusal))
        # Without SameSite, because a provider of another site returns by a POST of its page.
        cookie = f"{_COOKIE}={browser}; Path=/; HttpOnly; Max-Age={_SECONDS}"
        return redirect(address, (b"set-cookie", cookie.encode()))

    async def finish(self, request: Request, forward: Forward) -> Response:
        """Verifies the answer of a provider, and redirects to the application with a code or an error."""
        state = request.form.get("RelayState", "") if request.path == _CALLBACK else _sent(request, "state")
        opened = directory.federation(state)
        browser = _digest(request.cookies.get(_COOKIE, ""))
        known = opened.get("type") == "relay" and self._now() - opened["created_at"] < _SECONDS
        if not known or not hmac.compare_digest(browser, opened.get("browser", "")):
            # Also for a sign-in that began at the company: it could belong to an attacker.
            return _refused("invalid_request", "Invalid samlResponse or relayState from identity provider")
        directory.delete_federation(state)  # before the check, so that two concurrent answers cannot both be used
        try:
            ticket = await run_reentrant(self._ticket, opened, _answer(request), thread_name="federation")
        except Refused as refusal:
            return _to_application(opened["redirect_uri"], opened["state"], str(refusal))
        try:
            return await self._signed_in(opened, await forward(_as_ministack_expects(opened, ticket, request)))
        finally:
            hand_over.withdraw(ticket)

    def _ticket(self, opened: Record, answer: Answer) -> str:
        """Returns the ticket for the identity that an answer proves. Raises Refused. Blocks."""
        pool = directory.pool(opened["pool_id"])
        provider = directory.identity_provider(pool, opened["provider_name"]) if pool else None
        if not pool or not provider:
            raise Refused("The identity provider does not exist any more.")
        identity = self._providers.identity(pool, provider, opened, answer)
        return hand_over.deposit(identity.subject, mapped(identity, provider.get("AttributeMapping") or {}))

    async def _signed_in(self, opened: Record, response: Response) -> Response:
        """Binds the code to the application's challenge, and fires the trigger of a first sign-in."""
        issued = directory.federation(code_of(response))
        pool = directory.pool(opened["pool_id"])
        user = directory.user(pool, issued.get("username")) if pool else None
        if not pool or not user:
            return response
        if not user.get("Enabled", True):
            directory.delete_federation(code_of(response))
            return _to_application(opened["redirect_uri"], opened["state"], "User is disabled.")
        issued["code_challenge"] = opened["code_challenge"]
        if user["UserStatus"] != "EXTERNAL_PROVIDER" or user.get("_post_confirmation_fired"):
            return response
        user["_post_confirmation_fired"] = True  # stored with the user, so that it is fired once across restarts
        refusal = await triggers.post_confirmation(triggers.CONFIRMED, pool, user, opened["client_id"], None)
        return refusal or response


def _fault(app: AppClient, request: Request) -> Response | None:
    """Returns the refusal of an address or a challenge, or None."""
    if request.parameter("redirect_uri") not in (app.settings.get("CallbackURLs") or []):
        return _refused("invalid_request", "redirect_uri is not allowed.")
    challenge, method = request.parameter("code_challenge"), request.parameter("code_challenge_method")
    if (challenge or method) and not (_S256.fullmatch(challenge) and method == "S256"):
        return _refused("invalid_request", "code_challenge_method must be S256.")
    return None


def _answer(request: Request) -> Answer:
    if request.path == _CALLBACK:
        return Answer(by_saml=True, response=request.form.get("SAMLResponse", ""))
    return Answer(by_saml=False, code=_sent(request, "code"), issuer=_sent(request, "iss"))


def _as_ministack_expects(opened: Record, ticket: str, request: Request) -> Request:
    key = directory.open_federation(opened)
    body = urlencode({"SAMLResponse": ticket, "RelayState": key}).encode()
    changes = {"method": "POST", "path": _CALLBACK, "raw_path": _CALLBACK.encode(), "query_string": b""}
    return Request({**request.scope, **changes}, body)


def _sent(request: Request, name: str) -> str:
    return request.parameter(name) or request.form.get(name, "")


def _digest(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()


def _to_application(address: str, state: str, description: str) -> Response:
    """Redirects to a registered address of the app client with an error."""
    query = {"error": "invalid_request", "error_description": description, **({"state": state} if state else {})}
    return redirect(with_query(address, query))


def _refused(code: str, description: str) -> Response:
    return Response.json(400, {"error": code, "error_description": description})
