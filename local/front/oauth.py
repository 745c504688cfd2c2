"""Adds Cognito's checks to the OAuth endpoints of ministack's user pool, and to sign-ins through identity providers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable

from ministack.core.concurrency import run_reentrant

from local.front import directory, refresh_token_rotation
from local.front.access import PAGES
from local.front.directory import AppClient, Record
from local.front.federation.sign_in import CompanySignIn
from local.front.http import Forward, Request, Response
from local.front.sign_in_time import tokens_of_a_sign_in_at

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class OAuth:
    """Handles the OAuth endpoints, and gives sign-ins through identity providers to CompanySignIn."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._company = CompanySignIn(now)

    def serves(self, request: Request) -> bool:
        return request.method in PAGES.get(request.path, ())

    async def answer(self, request: Request, forward: Forward) -> Response:
        """Responds for an endpoint, by itself or with ministack."""
        match request.path:
            case "/oauth2/authorize":
                return await self._company.begin(request)  # without identity_provider, the request is for the pages
            case "/oauth2/idpresponse" | "/saml2/idpresponse":
                return await self._company.finish(request, forward)
            case "/oauth2/token":
                return await self._token(request, forward)
            case "/oauth2/revoke":
                return self._revoke(request)
            case _:
                return await forward(request)

    async def _token(self, request: Request, forward: Forward) -> Response:
        client_id, secret = directory.basic_or_posted(request.header("authorization"), request.form)
        app = directory.client(client_id)
        if app is None or not app.knows(secret):
            return _error("invalid_client")
        match request.form.get("grant_type"):
            case "refresh_token":
                return await self._refresh(app, request.form.get("refresh_token", ""))
            case "authorization_code":
                with tokens_of_a_sign_in_at(directory.signed_in_at(request.form.get("code", ""))):
                    return _code_fault(app, request.form) or await forward(request)
            case _:
                return await forward(request)

    async def _refresh(self, app: AppClient, token: str) -> Response:
        # ministack's own refresh drops the groups, and does not check the client of the token.
        now = self._now()
        if not directory.refreshable(app, token, now) or refresh_token_rotation.is_replaced(app, token, now):
            return _error("invalid_grant", "Invalid refresh token.")
        renewed = refresh_token_rotation.replace(app, token, now) if refresh_token_rotation.is_enabled(app) else ""
        result = await run_reentrant(directory.refreshed, app, token, thread_name="refresh")
        answer = {"access_token": result["AccessToken"], "token_type": "Bearer", "expires_in": result["ExpiresIn"]}
        if "openid" in str(directory.claims(token).get("scope", "openid")).split():
            answer["id_token"] = result["IdToken"]
        if renewed:
            answer["refresh_token"] = renewed
        return Response.json(200, answer, cache_control="no-store")

    def _revoke(self, request: Request) -> Response:
        client_id, secret = directory.basic_or_posted(request.header("authorization"), request.form)
        app, token = directory.client(client_id), request.form.get("token", "")
        if app is None or not app.knows(secret):
            return _error("invalid_client")
        claims = directory.claims(token)
        if not token or claims.get("token_use") in ("access", "id"):
            return _error("unsupported_token_type" if token else "invalid_request")
        if claims.get("client_id", app.id) != app.id:
            return _error("invalid_grant", "The token belongs to another client.")
        # An unknown, expired or revoked token is not an error (RFC 7009, section 2.2).
        if directory.refreshable(app, token, self._now()):
            directory.revoke(token)
        return Response.json(200, {})


def _code_fault(app: AppClient, form: dict[str, str]) -> Response | None:
    """Returns an error that ministack does not detect in a code, or None."""
    verifier = form.get("code_verifier", "")
    if verifier and not _VERIFIER.fullmatch(verifier):
        return _error("invalid_grant", "code_verifier is malformed.")
    issued: Record = directory.federation(form.get("code", ""))
    if not issued:
        return None
    same = issued.get("client_id") == app.id and issued.get("redirect_uri") == form.get("redirect_uri")
    if not same or not _proves(verifier, issued.get("code_challenge", "")):
        return _error("invalid_grant", "The code was issued for another client, address or verifier.")
    return None


def _proves(verifier: str, challenge: str) -> bool:
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return not challenge or hmac.compare_digest(digest, challenge)


def _error(code: str, description: str = "") -> Response:
    return Response.json(400, {"error": code, **({"error_description": description} if description else {})})
