"""The program of docs/use-from.md, section "JavaScript in a browser", exactly as the page shows it, in Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.e2e.cloud import PROJECT
from tests.e2e.node_programs import PACKAGES, node
from tests.sample.pages.blocks import blocks

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request, Route

_PACKAGES = {
    "oidc-client-ts": PACKAGES / "oidc-client-ts/dist/esm/oidc-client-ts.js",
    "jwt-decode": PACKAGES / "jwt-decode/build/esm/index.js",
}
_REFUSED = "No matching state found in storage"


def _program() -> str:
    """Returns the only JavaScript block of the page that the page does not store in a file."""
    [block] = [it for it in blocks(PROJECT / "docs/use-from.md") if it.language == "javascript" and not it.title]
    return block.text


class Tab:
    """A tab of one person's browser. The browser gets the program instead of the console.

    sent  the addresses of all requests
    """

    def __init__(self, page: Page, outputs: dict[str, Any]) -> None:
        self._page, self._address = page, outputs["redirect_uri"]
        self._token_url, self._api_url = outputs["token_url"], outputs["api_url"]
        self.sent: list[str] = []
        imports = json.dumps({"imports": {name: f"/packages/{name}.js" for name in _PACKAGES}})
        self._html = (
            f'<!doctype html><script type="importmap">{imports}</script><script type="module">{_program()}</script>'
        )
        page.on("request", self._record)
        page.route("**/packages/*.js", self._serve_package)
        page.route(lambda url: url.partition("?")[0] == self._address, self._serve_program)

    def sign_in(self, username: str, password: str) -> str:
        """Signs in on the page of the user pool, and returns the address with the code, unused."""
        self._page.goto(self._address)
        self._page.fill("#username", username)
        self._page.fill("#password", password)
        self._page.press("#password", "Enter")
        # The browser does not ask the route for a redirect, so it opens the console, which ignores a foreign state.
        self._page.wait_for_url(lambda url: url.startswith(f"{self._address}?"), wait_until="commit")
        return next(url for url in self.sent if url.startswith(f"{self._address}?"))

    def printed(self, address: str = "") -> list[Any]:
        """Opens an address, or loads the page again, and returns the values that the program prints."""
        with self._page.expect_console_message(lambda message: message.type == "log") as message:
            self._open(address)
        return [value.json_value() for value in message.value.args]

    def refused(self, address: str) -> str:
        """Opens an address, and returns the error that ends the program before it calls an endpoint or the API."""
        self.sent.clear()
        with self._page.expect_event("pageerror") as error:
            self._open(address)
        assert not [url for url in self.sent if url.startswith((self._token_url, self._api_url))]
        return str(error.value.message)

    @property
    def address(self) -> str:
        return str(self._page.url)

    def _open(self, address: str) -> None:
        self._page.goto(address) if address else self._page.reload()

    def _record(self, request: Request) -> None:
        self.sent.append(request.url)

    def _serve_package(self, route: Route) -> None:
        name = urlsplit(route.request.url).path.removeprefix("/packages/").removesuffix(".js")
        route.fulfill(path=_PACKAGES[name], content_type="text/javascript")

    def _serve_program(self, route: Route) -> None:
        route.fulfill(body=self._html, content_type="text/html")


def test_the_program_for_browsers_signs_in_and_refuses_a_foreign_a_changed_and_a_used_state(
    outputs: dict[str, Any], new_page: Callable[[], Page]
) -> None:
    node()  # skips the test if the packages are missing
    person, other_person = Tab(new_page(), outputs), Tab(new_page(), outputs)
    returned = person.sign_in(**outputs["users"]["reader"])
    state = parse_qs(urlsplit(returned).query)["state"][0]

    assert other_person.refused(returned) == _REFUSED
    assert person.refused(returned.replace(state, state[::-1])) == _REFUSED

    status, caller = person.printed(returned)
    assert (status, caller["kind"]) == (200, "person")
    assert person.address == outputs["redirect_uri"]
    assert person.printed()[0] == 200, "after a reload, without another sign-in"

    assert person.refused(returned) == _REFUSED
