"""The authorization request of an app client: the parameters with which a browser arrives at the pages."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from local.front import directory
from local.front.directory import AppClient
from local.front.http import Request, Response

NAMES = (
    *("client_id", "response_type", "redirect_uri", "scope", "state"),
    *("nonce", "code_challenge", "code_challenge_method"),
)
COGNITO = "COGNITO"
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?|[a-z][a-z0-9+.-]*:")

Forward = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Authorization:
    """A valid request."""

    asked: dict[str, str]

    @property
    def app(self) -> AppClient | None:
        """Returns the app client, or None if it was deleted since."""
        return directory.client(self.asked["client_id"])

    @property
    def query(self) -> str:
        return urlencode(self.asked)

    @property
    def form_target(self) -> str:
        """Returns the origin of the redirect address, as a source of the content security policy, or an empty text.

        Chromium applies `form-action` to the redirects that follow a form.
        """
        address = urlsplit(self.asked["redirect_uri"])
        web = address.scheme in ("http", "https")
        source = f"{address.scheme}://{address.netloc}" if web else f"{address.scheme}:"
        return source if _ORIGIN.fullmatch(source) else ""

    def to_provider(self, provider: str) -> str:
        """Returns the address that starts a sign-in through an identity provider."""
        return f"/oauth2/authorize?{urlencode({**self.asked, 'identity_provider': provider})}"


def providers(app: AppClient) -> list[str]:
    """Returns the names of the client's identity providers, without the user pool itself."""
    return [name for name in app.settings.get("SupportedIdentityProviders") or [] if name != COGNITO]


def accepts_passwords(app: AppClient) -> bool:
    """Returns whether the client accepts users of the pool. A client without any provider does."""
    return COGNITO in (app.settings.get("SupportedIdentityProviders") or [COGNITO])


def accepts_sign_ups(app: AppClient) -> bool:
    only_administrators = app.pool.get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly")
    return accepts_passwords(app) and not only_administrators


async def read(request: Request, forward: Forward) -> Authorization | Response:
    """Returns the authorization request in the query, or ministack's refusal: an error, or a redirect to the client."""
    asked = {name: request.parameter(name) for name in NAMES if request.parameter(name)}
    app = directory.client(asked.get("client_id"))
    if app and app.settings.get("DefaultRedirectURI"):
        asked.setdefault("redirect_uri", app.settings["DefaultRedirectURI"])
    query = urlencode(asked).encode()
    path = "/oauth2/authorize"
    scope = {**request.scope, "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query}
    answered = await forward(Request(scope))
    return Authorization(asked) if answered.status == 200 else answered
