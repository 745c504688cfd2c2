"""A single-page application with oidc-client-ts in a real browser, at the registered address of the console."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.e2e.node_programs import PACKAGES, node

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

_LIBRARY = PACKAGES / "oidc-client-ts/dist/browser/oidc-client-ts.js"
_PAGE = """<!doctype html><title>application</title><script src="oidc-client-ts.js"></script><script>
const {UserManager, WebStorageStateStore} = oidc;
const manager = new UserManager({...SETTINGS, userStore: new WebStorageStateStore({store: sessionStorage})});
const arrived = location.search.includes("state=") ? manager.signinCallback() : manager.getUser();
</script>"""


class Application:
    """The application. The browser gets its page instead of the console."""

    def __init__(self, page: Page, outputs: dict[str, Any], scope: str) -> None:
        node()  # skips the test if the packages are missing
        self._page, self._address = page, outputs["redirect_uri"]
        settings = {
            "authority": outputs["issuer"],
            "client_id": outputs["web_client_id"],
            "redirect_uri": outputs["redirect_uri"],
            "scope": scope,
            "metadata": {
                "issuer": outputs["issuer"],
                "authorization_endpoint": outputs["authorize_url"],
                "token_endpoint": outputs["token_url"],
                "revocation_endpoint": outputs["revoke_url"],
                "jwks_uri": outputs["jwks_url"],
            },
        }
        self._html = _PAGE.replace("SETTINGS", json.dumps(settings))
        page.route(f"{self._address}**", self._serve)

    def sign_in(self, username: str, password: str, code: Callable[[], str] | None = None) -> str:
        """Signs in on the page of the user pool, and returns the access token."""
        page = self._page
        returned: list[str] = []
        page.on("request", lambda request: self._collect(request.url, returned))
        page.goto(self._address)
        page.evaluate("() => { manager.signinRedirect(); }")
        page.fill("#username", username)
        page.fill("#password", password)
        page.press("#password", "Enter")
        if code:
            page.fill("#code", code())
            page.press("#code", "Enter")
        # The browser does not ask the route for a redirect, so it opens the console. Its address contains the code.
        page.wait_for_url(lambda url: url.startswith(f"{self._address}?"), wait_until="commit")
        page.goto(returned[0])
        return self._token("async () => (await arrived).access_token")

    def refresh(self) -> str:
        """Gets new tokens with the refresh token, and returns the access token."""
        return self._token("async () => (await manager.signinSilent()).access_token")

    def revoke(self) -> None:
        self._page.evaluate("() => manager.revokeTokens(['refresh_token'])")

    def _token(self, script: str) -> str:
        return str(self._page.evaluate(script))

    def _collect(self, url: str, returned: list[str]) -> None:
        if url.startswith(f"{self._address}?"):
            returned.append(url)

    def _serve(self, route: Route) -> None:
        if urlsplit(route.request.url).path.endswith(".js"):
            route.fulfill(path=_LIBRARY, content_type="text/javascript")
        else:
            route.fulfill(body=self._html, content_type="text/html")
