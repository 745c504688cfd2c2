"""The sign-in pages in a real browser: people reach both use cases, by keyboard, without scripts, on every screen."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import requests

from local.sign_in import mailed_code
from tests.e2e.clients import TIMEOUT, Api, Users, unique
from tests.scoped_route import SCOPED_PATH
from tests.totp import totp

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PASSWORD, NEW_PASSWORD = "correct-horse-battery-staple", "another-horse-battery-staple"
SCREENSHOTS = os.environ.get("GATEHOUSE_SCREENSHOTS")  # a folder for a picture of each page
DESKTOP, PHONE, NARROW = (1280, 800), (390, 780), (320, 640)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def mfa_required(users: Users, outputs: dict[str, Any]) -> Iterator[None]:
    """Sets the pool to MfaMode ON, which production has, and restores the setting of the local stage."""
    pool = {"UserPoolId": outputs["user_pool_id"], "SoftwareTokenMfaConfiguration": {"Enabled": True}}
    users.cognito.set_user_pool_mfa_config(**pool, MfaConfiguration="ON")
    try:
        yield
    finally:
        users.cognito.set_user_pool_mfa_config(**pool, MfaConfiguration="OPTIONAL")


def address_of(outputs: dict[str, Any], **changes: str) -> str:
    asked = {
        "client_id": outputs["web_client_id"],
        "response_type": "code",
        "redirect_uri": outputs["redirect_uri"],
        "scope": " ".join(["openid", *outputs["scopes"].values()]),
        "state": "st8",
        **changes,
    }
    return f"{outputs['authorize_url']}?{urlencode(asked)}"


def arrive(page: Page, outputs: dict[str, Any]) -> list[str]:
    """Opens the sign-in page. Returns a list that receives the address of the client when the browser returns there."""
    returned: list[str] = []

    def collect(request: Any) -> None:
        if request.url.startswith(f"{outputs['redirect_uri']}?"):
            returned.append(request.url)

    page.on("request", collect)
    page.goto(address_of(outputs))
    return returned


def wait_for_client(page: Page, outputs: dict[str, Any]) -> None:
    page.wait_for_url(f"{outputs['redirect_uri']}**")


def redeem(outputs: dict[str, Any], returned: list[str]) -> str:
    """Returns the access token for the code in the address of the client."""
    found = re.search(r"[?&]code=([^&]+)", returned[-1])
    assert found, returned
    grant = {"grant_type": "authorization_code", "client_id": outputs["web_client_id"], "code": found[1]}
    form = {**grant, "redirect_uri": outputs["redirect_uri"]}
    answer = requests.post(outputs["token_url"], data=form, timeout=TIMEOUT)
    return str(answer.json()["access_token"])


def fill(page: Page, **values: str) -> None:
    """Fills in the form, sends it with the Enter key, and waits for the next page."""
    for name, value in values.items():
        page.fill(f"#{name}", value)
    with page.expect_navigation():
        page.press(f"#{list(values)[-1]}", "Enter")


def click(page: Page, link: str) -> None:
    """Follows a link or presses a button, and waits for the next page."""
    with page.expect_navigation():
        page.click(link)


def title(page: Page) -> str:
    return str(page.inner_text("h1"))


def assert_reaches_both_use_cases(api: Api, token: str) -> None:
    if SCOPED_PATH:
        assert api.ask("GET", SCOPED_PATH, token).status == 200, "use case 1"
    assert api.ask("GET", "/whoami", token).status == 200, "use case 2"
    assert api.ask("GET", "/admin/policies", token).status == 403, "use case 2, without a policy"


def set_up(page: Page) -> str:
    """Sets the authenticator up, and returns its secret."""
    assert title(page) == "Set up your authenticator"
    page.click("summary")
    secret = str(page.inner_text(".secret"))
    fill(page, code=totp(secret))
    return secret


# Ways to a token ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("mfa_required")
def test_a_newcomer_signs_up_sets_an_authenticator_up_and_reaches_both_use_cases(
    page: Page, outputs: dict[str, Any], api: Api
) -> None:
    email, returned = f"{unique('newcomer')}@gatehouse.example", arrive(page, outputs)
    click(page, "text=Create an account")
    fill(page, username=email, password=PASSWORD, password_again=PASSWORD)
    assert title(page) == "Confirm your address"
    fill(page, code=mailed_code(outputs, email))
    secret = set_up(page)
    wait_for_client(page, outputs)
    assert_reaches_both_use_cases(api, redeem(outputs, returned))

    page.goto(f"{outputs['logout_url']}?{urlencode({'client_id': outputs['web_client_id'], 'logout_uri': 'x'})}")
    assert "You are signed out." in page.inner_text("[role=alert]")
    page.goto(address_of(outputs))
    fill(page, username=email, password=PASSWORD)
    assert title(page) == "Enter your code"
    fill(page, code=totp(secret, steps=1))
    wait_for_client(page, outputs)
    assert_reaches_both_use_cases(api, redeem(outputs, returned))


@pytest.mark.usefixtures("mfa_required")
def test_an_invited_user_replaces_the_temporary_password_and_reaches_both_use_cases(
    page: Page, outputs: dict[str, Any], api: Api, users: Users
) -> None:
    email, returned = f"{unique('guest')}@gatehouse.example", arrive(page, outputs)
    users.cognito.admin_create_user(
        UserPoolId=outputs["user_pool_id"], Username=email, UserAttributes=[{"Name": "email", "Value": email}]
    )
    page.goto(f"{outputs['mailbox_url']}?to={email}")
    temporary = page.inner_text("article .text").rpartition(" ")[2].rstrip(".")
    page.goto(address_of(outputs))
    fill(page, username=email, password=temporary)
    assert title(page) == "Choose your password"
    fill(page, password=PASSWORD, password_again=PASSWORD)
    set_up(page)
    wait_for_client(page, outputs)
    assert_reaches_both_use_cases(api, redeem(outputs, returned))


def test_a_forgotten_password_is_replaced_and_reaches_both_use_cases(
    page: Page, outputs: dict[str, Any], api: Api, users: Users
) -> None:
    person, returned = users.newcomer(), arrive(page, outputs)
    click(page, "text=Forgot your password?")
    fill(page, username=person.username)
    assert title(page) == "Choose a new password"
    page.goto(outputs["mailbox_url"])
    code = page.inner_text(f"article:has-text('{person.username}') >> nth=0 >> .text").rpartition(" ")[2].rstrip(".")
    page.go_back()
    fill(page, code=code, password=NEW_PASSWORD, password_again=NEW_PASSWORD)
    assert page.inner_text("[role=status]").startswith("Your password is changed.")
    fill(page, username=person.username, password=person.password)
    assert page.inner_text("[role=alert]") == "Incorrect username or password."
    fill(page, password=NEW_PASSWORD)
    wait_for_client(page, outputs)
    assert_reaches_both_use_cases(api, redeem(outputs, returned))


def test_the_console_signs_in_and_out_through_the_pages(page: Page, outputs: dict[str, Any]) -> None:
    reader = outputs["users"]["reader"]
    page.goto(outputs["console_url"])
    click(page, "#sign-in")
    fill(page, **reader)
    page.wait_for_selector("#identity dd")
    assert outputs["default_group"] in page.inner_text("#identity")
    click(page, "#sign-out")
    click(page, "#sign-in")
    assert title(page) == "Sign in"


# People and their browsers --------------------------------------------------------------------------------------------


def test_a_person_signs_in_without_scripts_and_by_keyboard_only(
    chromium: Browser, outputs: dict[str, Any], api: Api
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page, reader = context.new_page(), outputs["users"]["reader"]
    returned = arrive(page, outputs)
    page.wait_for_selector("#username:focus")  # without a key: the page sets the focus
    page.keyboard.type(reader["username"])
    page.keyboard.press("Tab")
    page.wait_for_selector("#password:focus")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    page.wait_for_selector("#password:focus")
    page.keyboard.type(reader["password"])
    page.keyboard.press("Tab")
    page.wait_for_selector("a:focus")
    page.keyboard.press("Tab")
    page.wait_for_selector("button:focus")
    page.keyboard.press("Space")
    wait_for_client(page, outputs)
    assert_reaches_both_use_cases(api, redeem(outputs, returned))
    context.close()


def _walk(page: Page, outputs: dict[str, Any], users: Users) -> Iterator[str]:
    """Leads the browser to every page, with and without a problem, and yields its name."""
    email = f"{unique('walker')}@gatehouse.example"
    company = _company_client(users, outputs)
    arrive(page, outputs)
    yield "sign in"
    fill(page, username=email, password="wrong")
    yield "sign in, refused"
    click(page, "text=Create an account")
    yield "sign up"
    fill(page, username=email, password="short", password_again="short")
    yield "sign up, refused"
    fill(page, password=PASSWORD, password_again=PASSWORD)
    yield "confirm"
    fill(page, code="000000")
    yield "confirm, refused"
    click(page, "text=Send a new code")
    yield "confirm, new code"
    fill(page, code=mailed_code(outputs, email))
    yield "set up"
    page.click("summary")
    yield "set up, as text"
    secret = str(page.inner_text(".secret"))
    page.fill("#code", "abc")
    page.press("#code", "Enter")  # the browser itself refuses it
    yield "set up, a code that is no number"
    fill(page, code="000000")
    yield "set up, refused"
    fill(page, code=totp(secret))
    wait_for_client(page, outputs)
    page.goto(f"{address_of(outputs)}&prompt=login")
    fill(page, username=email, password=PASSWORD)
    yield "code"
    fill(page, code=totp(secret))
    yield "code, refused"
    page.goto(outputs["logout_url"])
    yield "sign out, refused"
    page.goto(address_of(outputs, redirect_uri="http://localhost:1/"))
    yield "error"
    page.goto(f"{outputs['endpoint_url']}/mfa?flow=unknown")
    yield "error, unknown flow"
    page.goto(address_of(outputs))
    click(page, "text=Forgot your password?")
    yield "forgotten password"
    fill(page, username=email)
    yield "reset"
    fill(page, code="000000", password=NEW_PASSWORD, password_again=PASSWORD)
    yield "reset, refused"
    fill(page, code=mailed_code(outputs, email), password=NEW_PASSWORD, password_again=NEW_PASSWORD)
    yield "sign in, after a reset"
    guest = users.cognito.admin_create_user(
        UserPoolId=outputs["user_pool_id"],
        Username=f"guest-{email}",
        TemporaryPassword=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": f"guest-{email}"}],
    )
    assert guest["User"]["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    fill(page, username=f"guest-{email}", password=PASSWORD)
    yield "new password"
    fill(page, password="short", password_again="short")
    yield "new password, refused"
    page.goto(outputs["mailbox_url"])
    yield "mailbox"
    page.goto(f"{outputs['mailbox_url']}?to=nobody@gatehouse.example")
    yield "mailbox, empty"
    page.goto(address_of(outputs, client_id=company["ClientId"], scope="openid"))
    yield "sign in, with a company"


@pytest.mark.usefixtures("mfa_required")
def test_every_page_is_accessible_and_fits_every_screen(page: Page, outputs: dict[str, Any], users: Users) -> None:
    from axe_playwright_python.sync_playwright import Axe

    axe, messages, seen = Axe(), list[str](), list[str]()
    page.on("console", lambda message: messages.append(message.text))
    for name in _walk(page, outputs, users):
        seen.append(name)
        page.wait_for_load_state()
        for width, height in (DESKTOP, PHONE, NARROW):
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} at {width}"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
            found = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]})
            assert found.response["violations"] == [], (name, scheme, found.generate_report())
        if SCREENSHOTS:
            _photograph(page, f"{len(seen):02d}-{re.sub(r'[^a-z]+', '-', name)}")
    assert seen[-1] == "sign in, with a company"
    assert [text for text in messages if "Content Security Policy" in text] == []


def _company_client(users: Users, outputs: dict[str, Any]) -> dict[str, Any]:
    """Returns a client that accepts passwords and two companies."""
    pool = {"UserPoolId": outputs["user_pool_id"]}
    names = [unique("Corp"), unique("Partner")]
    for name in names:
        details = {"IDPSSOEndpoint": "http://localhost:9/sso"}
        users.cognito.create_identity_provider(
            **pool, ProviderName=name, ProviderType="SAML", ProviderDetails=details, AttributeMapping={"email": "mail"}
        )
    made = users.cognito.create_user_pool_client(
        **pool,
        ClientName="company",
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid"],
        CallbackURLs=[outputs["redirect_uri"]],
        SupportedIdentityProviders=["COGNITO", *names],
    )
    return dict(made["UserPoolClient"])


def _photograph(page: Page, name: str) -> None:
    for view, (width, height) in {"desktop": DESKTOP, "phone": PHONE}.items():
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=f"{SCREENSHOTS}/{name}-{view}-{scheme}.png", full_page=True)
