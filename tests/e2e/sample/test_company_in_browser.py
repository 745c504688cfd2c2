"""Company sign-in in a real browser: from the console, by the pages of the company's provider, back to the console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.company import KINDS

if TYPE_CHECKING:
    from playwright.sync_api import Page


def send(page: Page, request: str) -> str:
    """Sends a request of the console, and returns the response that it shows."""
    has_body = request.startswith("POST")  # the console fills in an example
    label = f"{'Fill in' if has_body else 'Send'} {request}"
    row = page.get_by_role("row").filter(has=page.get_by_role("button", name=label, exact=True))
    row.get_by_role("button").click()
    if has_body:
        page.get_by_role("dialog").get_by_role("button", name="Send", exact=True).click()
    row.get_by_text("20").or_(row.get_by_text("40")).wait_for()
    response: str = row.locator(".response").inner_text()
    return response


@pytest.mark.parametrize("kind", KINDS)
def test_an_employee_signs_in_from_the_console_and_reaches_both_use_cases(
    outputs: dict[str, Any], page: Page, kind: str
) -> None:
    company = outputs["company"][kind]
    page.goto(outputs["console_url"])
    page.get_by_role("button", name=f"Sign in with your company ({company['provider']})").click()
    page.locator("input[name=username]").fill(company["users"]["editor"]["username"])
    page.locator("input[name=password]").fill(company["users"]["editor"]["password"])
    page.locator("input[name=password]").press("Enter")

    page.get_by_role("heading", name="Your identity").wait_for()
    page.get_by_text("group:editors").wait_for()
    assert page.url == outputs["redirect_uri"]
    page.get_by_role("link", name="Try a request").click()
    assert send(page, "GET /reports") == "200 allowed"
    assert send(page, "POST /reports") == "201 allowed"
    assert send(page, "GET /files") == "200 allowed"
    assert send(page, "GET /admin/policies") == "403 refused"

    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in", exact=True).wait_for()
    assert page.evaluate("sessionStorage.length") == 0
