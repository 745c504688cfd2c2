"""The console in a real browser: what administrators do there, what others see there, and attacks on it."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlsplit

import pytest

from app import app
from tests.configured import DEFAULT_GROUP, PRIVILEGED_GROUP
from tests.e2e.clients import Api, UserGroup, Users, unique
from tests.fakes import allow

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

PROJECT = Path(__file__).resolve().parents[2]
SCREENSHOTS = os.environ.get("GATEHOUSE_SCREENSHOTS")  # a folder for a picture of each page, size and colour scheme
DESKTOP, PHONE = (1280, 800), (390, 780)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
VIEWS = [(size, scheme) for size in (DESKTOP, PHONE) for scheme in SCHEMES]
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
# The rules whose result depends on the size or on the colours. The others need one run for each page.
RULES_OF_A_VIEW = ["color-contrast", "target-size", "scrollable-region-focusable"]
POLICY = "/admin/policies/{kind}/{name}"
READ = allow("/whoami", sid="who")
Open = Callable[..., "Page"]


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    opened = chromium.new_context(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


@pytest.fixture
def console(context: BrowserContext, outputs: dict[str, Any]) -> Open:
    """Opens a tab of the console with a token, at one of its pages."""

    def show(token: str, page: str = "", prepare: Callable[[Page], None] = lambda _: None) -> Page:
        tab = context.new_page()
        held = {"client_id": outputs["web_client_id"], "token": token, "expires": int(time.time() * 1000) + 880_000}
        tab.add_init_script(f"sessionStorage.setItem('gatehouse.session', {json.dumps(json.dumps(held))})")
        prepare(tab)
        tab.goto(f"{outputs['console_url']}#/{page}")
        wait(tab)
        return tab

    return show


def wait(tab: Page) -> None:
    tab.locator(".view:not([aria-busy])").wait_for()


def go(tab: Page, page: str, discard: bool = False) -> None:
    """Opens another page of the console, and waits until it is complete.

    discard  the present page has changes that are not saved
    """
    heading = tab.locator("#page > h2").element_handle()
    tab.evaluate("page => { location.hash = `#/${page}`; }", page)
    if discard:
        press(tab, "Discard changes")
    tab.wait_for_function("old => !old.isConnected", arg=heading)
    wait(tab)


def press(tab: Page, name: str) -> None:
    tab.get_by_role("button", name=name, exact=True).click()


def status(tab: Page) -> str:
    tab.locator("#status:not(:empty)").wait_for()
    return str(tab.inner_text("#status"))


def policy_page(group: str) -> str:
    return f"policies/group/{quote(group, safe='')}"


# --- policies ---


def test_an_administrator_reviews_saves_and_resolves_a_conflict(console: Open, user_group: UserGroup) -> None:
    user_group.write([READ])
    first, second = (console(user_group.admin, policy_page(user_group.name)) for _ in range(2))
    for tab, path in ((first, "/admin/routes\n/whoam"), (second, "/admin/matrix")):
        press(tab, "Add a statement")
        added = tab.locator("fieldset.statement").nth(1)
        added.get_by_label("Name (sid)").fill("more")
        added.get_by_label("Paths").fill(path)
        press(tab, "Review the change")
        tab.locator("#review h3").wait_for()

    assert 'statement 2 ("more"): paths: /whoam matches no route. Did you mean /whoami?' in first.inner_text("#review")
    assert f"+ {user_group.name} gain GET /admin/routes" in first.inner_text("#review")
    assert user_group.read().body["version"] == 1, "a review stores nothing"
    press(second, "Save as version 2")
    assert status(second) == "Saved version 2. It is effective for the next request."

    first.get_by_role("link", name="People").click()
    first.get_by_role("heading", name="Discard your changes?").wait_for()
    press(first, "Cancel")
    press(first, "Save as version 2")
    first.locator(".conflict").wait_for()
    shown = first.inner_text(".conflict")
    assert "You edited version 1. Version 2 is now stored" in shown
    assert f"− {user_group.name} lose GET /admin/matrix" in shown
    assert user_group.read().body["version"] == 2, "a conflict stores nothing"
    press(first, "Save my version over version 2")
    assert "Saved version 3" in status(first)
    assert user_group.read().body["statements"][1]["paths"] == ["/admin/routes", "/whoam"]


def test_the_form_keeps_every_field_of_a_statement(console: Open, user_group: UserGroup) -> None:
    statement = allow("/whoami", sid="who", scopes=["https://gatehouse.example/any"], signed_in_within=900)
    user_group.write([statement])
    tab = console(user_group.admin, policy_page(user_group.name))
    tab.locator("fieldset.statement").get_by_label("Paths").fill("/whoami\n/admin/routes")
    press(tab, "Review the change")
    press(tab, "Save as version 2")
    assert "Saved version 2" in status(tab)
    assert user_group.read().body["statements"] == [{**statement, "paths": ["/whoami", "/admin/routes"]}]


@pytest.mark.skipif(f"{POLICY}/rollback" not in app.routes, reason="the API has no rollback")
def test_an_administrator_rolls_a_policy_back(console: Open, user_group: UserGroup) -> None:
    user_group.write([READ])
    user_group.write([READ, allow("/admin/routes", sid="routes")])
    tab = console(user_group.admin, policy_page(user_group.name))
    tab.get_by_role("button", name="Roll back to version 1").click()
    assert f"− {user_group.name} lose GET /admin/routes" in tab.inner_text("dialog")
    tab.locator("dialog").get_by_role("button", name="Roll back").click()
    assert "Version 1 is restored as version 3" in status(tab)
    assert [statement["sid"] for statement in user_group.read().body["statements"]] == ["who"]


def test_the_last_administrators_policy_needs_a_second_confirmation(console: Open, api: Api, admin: str) -> None:
    tab = console(admin, policy_page(PRIVILEGED_GROUP))
    before = api.ask("GET", f"/admin/policies/group/{PRIVILEGED_GROUP}", admin).body
    press(tab, "JSON")
    tab.fill("#json", "not JSON")
    press(tab, "Review the change")
    tab.get_by_text("The text is not JSON").wait_for()
    tab.fill("#json", "[]")
    press(tab, "Review the change")
    press(tab, f"Save as version {before['version'] + 1}")
    tab.get_by_role("heading", name="No administrator would remain").wait_for()
    press(tab, "Cancel")
    tab.get_by_text("Nothing was changed.").wait_for()
    assert api.ask("GET", f"/admin/policies/group/{PRIVILEGED_GROUP}", admin).body == before


# --- the matrix ---


def test_a_cell_explains_itself_by_keyboard_alone(console: Open, user_group: UserGroup) -> None:
    user_group.write([READ, {**allow("/admin/*", sid="freeze"), "effect": "Deny"}])
    tab = console(user_group.admin, "matrix")
    tab.get_by_label("Show").select_option(user_group.subject)
    tab.get_by_label("Filter").fill("get")
    tab.get_by_label("Filter").press("Tab")
    tab.locator("#subject:focus").wait_for()
    tab.keyboard.press("Tab")  # the heading of the only column
    tab.keyboard.press("Tab")  # the first cell
    tab.locator("#matrix button:focus").wait_for()
    tab.keyboard.press("Control+End")
    name = str(tab.locator("#matrix button:focus").inner_text())
    assert re.search(r"GET /admin/\S+: denied by a statement$", name), name
    tab.keyboard.press("Enter")
    tab.locator("#explanation .verdict").wait_for()
    explained = tab.inner_text("dialog")
    assert "✕ Denied" in explained
    assert "A Deny overrides every Allow. denied_by" in explained
    assert f"freeze of {user_group.subject} version 1" in explained
    tab.keyboard.press("Escape")
    tab.locator("#matrix button:focus").wait_for()  # the focus returns to the cell


def test_a_step_up_and_the_statement_of_an_upstream_are_shown_as_conditions(
    console: Open, user_group: UserGroup
) -> None:
    user_group.write([allow("/whoami", sid="who", signed_in_within=900), allow("/upstream/*", sid="all")])
    tab = console(user_group.admin, "matrix")
    assert "allowed after a recent sign-in" in tab.get_by_label("Symbols").inner_text()
    assert "denies ambiguous paths to everyone (ambiguous-path): */upstream*%*" in tab.inner_text("#page")
    tab.get_by_label("Show").select_option(user_group.subject)
    tab.get_by_label("Filter").fill("whoami")
    tab.get_by_title("allowed, signed in within 15 min").click()
    tab.locator("#explanation .verdict").wait_for()
    assert "signed in within 15 min" in tab.inner_text("#explanation")
    tab.keyboard.press("Escape")
    tab.get_by_label("Filter").fill("get /upstream/")
    tab.locator("#matrix td button").click()
    tab.locator("#explained-path").fill("/upstream/a;b")
    tab.get_by_role("button", name="Explain this request").click()
    tab.get_by_text("ambiguous-path, which the stage adds for everyone").wait_for()


def test_a_matrix_that_is_too_large_asks_for_a_part(console: Open, user_group: UserGroup) -> None:
    """The answer is replaced, because a matrix of this size takes too long to set up."""
    user_group.write([READ])
    too_large = {"code": "invalid_input", "message": "matrix: too many cells"}

    def refuse_the_whole(tab: Page) -> None:
        tab.route(re.compile("/admin/matrix$"), lambda route: route.fulfill(status=400, json=too_large))

    tab = console(user_group.admin, "matrix", refuse_the_whole)
    tab.get_by_text("matrix: too many cells").wait_for()
    tab.get_by_label("Group or app client").fill(user_group.subject)
    tab.get_by_label("Routes that begin with").fill("/whoami")
    tab.get_by_role("button", name="Show").click()
    tab.locator("#matrix td button").wait_for()
    assert tab.locator("#matrix td button").count() == 1


# --- people and revocations ---


def test_an_administrator_invites_revokes_and_lifts(console: Open, api: Api, admin: str) -> None:
    address = f"{unique('invited')}@gatehouse.example"
    tab = console(admin, "people")
    tab.get_by_text("Invite a person").click()
    tab.get_by_label("E-mail address", exact=True).fill(address)
    tab.get_by_label(DEFAULT_GROUP, exact=True).check()
    press(tab, "Send the invitation")
    assert address in status(tab)
    person = api.ask("GET", f"/admin/users/{quote(address)}", admin).body
    assert person["groups"] == [DEFAULT_GROUP]

    go(tab, f"people/{person['sub']}")
    press(tab, "Disable")
    tab.locator("dialog").get_by_role("button", name="Disable", exact=True).click()
    assert status(tab).startswith("Disabled. The tokens that were issued until now are refused.")
    assert api.ask("GET", f"/admin/users/{quote(address)}", admin).body["enabled"] is False

    go(tab, "revocations")
    press(tab, f"Lift the revocation of {person['sub']}")
    press(tab, "Lift")
    assert "Lifted" in status(tab)
    tab.get_by_label("Subject (sub)").fill(person["sub"])
    press(tab, "Revoke")
    assert f"Revoked {person['sub']}" in status(tab)
    values = {found["value"] for found in api.ask("GET", "/admin/revocations", admin).body["revocations"]}
    assert person["sub"] in values


def test_people_are_found_by_page_and_the_search_stays_in_the_address(console: Open, admin: str, users: Users) -> None:
    word, group = unique("found"), users.new_group()
    people = [users.named(f"{word}{number:02}@gatehouse.example", group) for number in range(26)]
    tab = console(admin, "people")
    tab.get_by_label("Begins with").fill(word)
    tab.get_by_label("Begins with").press("Enter")
    tab.get_by_role("link", name=people[0]).wait_for()
    assert tab.locator("tbody tr").count() == 25
    press(tab, "Next page")
    tab.get_by_text("Page 2", exact=True).wait_for()
    assert tab.locator("tbody tr").count() == 1, "the second page keeps the search"
    tab.locator("tbody a").click()
    tab.get_by_role("heading", name="Access").wait_for()
    tab.go_back()
    tab.get_by_role("link", name=people[0]).wait_for()
    assert tab.get_by_label("Begins with").input_value() == word

    tab.get_by_label("Begins with").fill('" or email ^= "')
    press(tab, "Search")
    tab.get_by_text("Nobody meets this search.").wait_for()

    go(tab, "groups")
    row = tab.get_by_role("row").filter(has_text=group)
    assert "no policy: members are denied" in row.inner_text()
    assert row.get_by_role("link", name=f"Write one: the policy of {group}").count() == 1
    row.get_by_role("link", name=f"Members of {group}").click()
    tab.get_by_role("link", name=people[0]).wait_for()
    assert tab.get_by_label("Group", exact=True).input_value() == group


def test_an_action_for_several_people_names_each_failure_and_repeats_it(
    console: Open, api: Api, admin: str, users: Users, user_group: UserGroup
) -> None:
    word = unique("bulk")
    first, second, third = (users.named(f"{word}{number}@gatehouse.example") for number in range(3))
    group = user_group.name
    tab = console(admin, f"people?begins_with={word}")
    for address in (first, second, third):
        tab.get_by_label(f"Select {address}").check()
    assert tab.get_by_role("button", name="Continue with 3 people").is_disabled(), "no group is chosen"
    tab.get_by_label("Group to change").select_option(group)
    press(tab, "Continue with 3 people")
    tab.get_by_role("heading", name=f"Add 3 people to {group}?").wait_for()
    assert users.groups_of(first) == [], "nothing changes before the confirmation"
    failing = re.compile(rf"/admin/users/{api.ask('GET', f'/admin/users/{second}', admin).body['username']}/groups/")
    tab.route(failing, lambda route: route.abort())
    press(tab, f"Add 3 people to {group}")
    tab.get_by_role("button", name="Repeat the failed (1)").wait_for()
    lines = tab.locator(".results li").all_inner_texts()
    assert [line.partition(": ")[2][:6] for line in sorted(lines)] == ["added", "failed", "added"]
    tab.unroute(failing)
    press(tab, "Repeat the failed (1)")
    tab.get_by_text("3 of 3 people done.").wait_for()
    press(tab, "Done")
    assert status(tab) == f"Add to a group ({group}): 3 of 3 people done."
    assert [users.groups_of(address) for address in (first, second, third)] == [[group]] * 3

    tab.get_by_label(f"Select {first}").check()
    tab.get_by_label("Action", exact=True).select_option("disable")
    press(tab, "Continue with 1 person")
    tab.keyboard.press("Escape")
    assert api.ask("GET", f"/admin/users/{first}", admin).body["enabled"] is True
    subs = {api.ask("GET", f"/admin/users/{address}", admin).body["sub"] for address in (first, second, third)}
    entries = api.ask("GET", "/admin/audit?limit=100", admin).body["entries"]
    added = {entry["subject"] for entry in entries if entry["detail"] == {"added": [group], "removed": []}}
    assert added == {f"sub:{sub}" for sub in subs}


def test_an_action_for_several_people_keeps_the_last_administrator(
    console: Open, new_user_group: Callable[..., UserGroup], api: Api, admin: str, users: Users
) -> None:
    owners = new_user_group()
    owners.write([allow("/*", methods=["*"], sid="everything")])
    users.named(f"{unique('owner')}@gatehouse.example", owners.name)  # has never signed in
    admins = f"/admin/policies/group/{PRIVILEGED_GROUP}"
    statements = api.ask("GET", admins, admin).body["statements"]
    assert api.ask("PUT", admins, owners.token, {"statements": []}).status == 200  # now the owners administer alone
    try:
        tab = console(owners.token, f"people?group={owners.name}")
        tab.get_by_label("Select all on this page").check()
        tab.get_by_label("Action", exact=True).select_option("disable")
        press(tab, "Continue with 2 people")
        assert "Your own account is selected. It is changed last." in tab.inner_text("dialog")
        press(tab, "Disable 2 people")
        tab.get_by_role("button", name="Repeat the failed (1)").wait_for()
        last = tab.locator(".results li").last.inner_text()
        assert last.startswith(f"{owners.member.username}: failed. 409: no other enabled user")
        press(tab, "Done")
        tab.locator("#notice:not(:empty)").wait_for()
        assert tab.inner_text("#notice") == f"Disable: 1 of 2 people done. Failed: {owners.member.username}."
        assert api.ask("GET", "/whoami", owners.token).status == 200
    finally:
        assert api.ask("PUT", admins, owners.token, {"statements": statements}).status == 200


# --- what others see ---


def test_others_see_no_page_of_administrators_and_load_none(
    console: Open, reader: str, outputs: dict[str, Any], api: Api
) -> None:
    asked: list[str] = []

    def record(tab: Page) -> None:
        tab.on("request", lambda request: asked.append(f"{request.method} {urlsplit(request.url).path}"))

    tab = console(reader, "", record)
    pages = tab.get_by_role("navigation").get_by_role("link").all_inner_texts()
    assert pages == ["Your identity", "Try a request"]
    for page in (
        "matrix",
        "policies",
        policy_page(PRIVILEGED_GROUP),
        "people",
        "groups",
        "revocations",
        "audit",
        "nowhere",
    ):
        go(tab, page)
        assert tab.inner_text("#page") == "No such page\nThis page does not exist, or you may not see it."
    go(tab, "requests")
    press(tab, "Send GET /admin/policies")
    tab.locator("#outcome").wait_for()
    assert "403 refused" in tab.inner_text("#outcome")

    stage = urlsplit(outputs["api_url"]).path
    to_admin = [request for request in asked if f"{stage}/admin" in request]
    assert to_admin == [f"POST {stage}/admin/explain", f"GET {stage}/admin/policies"]  # the second is the one just sent
    modules = {request.rpartition("/pages/")[2] for request in asked if "/pages/" in request}
    assert modules == {"identity.js", "requests.js"}


def test_others_who_call_the_routes_directly_are_refused(api: Api, reader: str) -> None:
    body = {"statements": [allow("/*", methods=["*"])]}
    for method, path, sent in (
        ("GET", "/admin/routes", None),
        ("GET", "/admin/matrix", None),
        ("POST", "/admin/explain", {"method": "GET", "path": "/", "groups": []}),
        ("POST", f"/admin/policies/group/{DEFAULT_GROUP}/preview", body),
    ):
        assert [api.ask(method, path, token, sent).status for token in (reader, None)] == [403, 401], path


# --- attacks ---

PAYLOADS = (
    "<img/src=x/onerror=pwned=1>",
    '"><svg/onload=pwned=1>',
    "'-pwned=1-'",
    "javascript:pwned=1",
    "{{constructor.constructor('pwned=1')()}}",
    "</title><script>pwned=1</script>",
)


def answered_with(tab: Page, path: str, body: Any) -> None:
    """Answers a route of the API with a body that an attacker has stored."""

    def answer(route: Route) -> None:
        headers = {"Access-Control-Allow-Origin": "*"}
        route.fulfill(status=200, content_type="application/json", headers=headers, body=json.dumps(body))

    tab.route(re.compile(rf"^[^?]*/local{path}(\?.*)?$"), answer)


def hostile(tab: Page, routes: list[dict[str, Any]]) -> None:
    """Puts the payloads into every text that the API returns from stored data."""
    text = "".join(PAYLOADS)
    statement = {"sid": text, "effect": text, "methods": [text], "paths": [text], "scopes": [text]}
    history = [
        {"version": number, "at": text, "by": text, "way": text, "before": [statement], "after": [statement, statement]}
        for number in (9, 8)
    ]
    entry = {"at": text, "by": text, "way": text, "action": text, "subject": text, "detail": {text: [text]}}
    user = dict.fromkeys(("username", "sub", "email", "name", "status", "created_at"), text) | {"enabled": True}
    group = dict.fromkeys(("name", "description", "policy", "policy_version", "statements"), text)
    added = [("GET", f"{POLICY}/history"), ("POST", f"{POLICY}/rollback"), ("GET", "/admin/audit")]
    shown = [{"method": m, "path": p, "authorizer": "policies", "scopes": [], "public": False} for m, p in added]
    known = [route for route in routes if (route["method"], route["path"]) not in added]
    answered_with(tab, "/admin/routes", {"routes": [*known, *shown]})
    answered_with(tab, "/admin/policies/group/[^/]*/history", {"history": history, "next": text})
    answered_with(tab, "/admin/policies/group/[^/]*/preview", {"findings": [text], "gains": [text], "loses": [text]})
    answered_with(tab, "/admin/audit", {"entries": [entry], "next": text})
    answered_with(tab, "/admin/users", {"users": [user], "next_token": text})
    answered_with(tab, "/admin/groups", {"groups": [{**group, "automatic": False}], "next_token": text})
    answered_with(tab, "/admin/users/[^/]*/disable", {"message": text})
    answered_with(tab, "/admin/users/[^/]*", {**user, "groups": [text]})
    revocation = {"kind": text, "value": text, "revoked_at": text, "revoked_by": text}
    answered_with(tab, "/admin/revocations", {"revocations": [revocation]})


def test_stored_names_with_markup_stay_text(console: Open, api: Api, admin: str) -> None:
    subject = f"{secrets.token_hex(3)}{''.join(PAYLOADS)}"[:128]
    path = f"/admin/policies/group/{quote(subject, safe='')}"
    assert api.ask("PUT", path, admin, {"statements": [READ]}).status == 200
    routes = api.ask("GET", "/admin/routes", admin).body["routes"]
    violations: list[str] = []

    def prepare(tab: Page) -> None:
        tab.on("console", lambda message: violations.append(message.text))
        tab.on("dialog", lambda dialog: violations.append(dialog.message))
        hostile(tab, routes)

    try:
        tab = console(admin, "matrix", prepare)
        tab.get_by_role("button", name=f"{subject}, GET /whoami: allowed", exact=True).click()
        tab.locator("#explanation .verdict").wait_for()
        tab.keyboard.press("Escape")
        seen = [tab.content()]
        searched = f"people?group={quote(PAYLOADS[0])}&begins_with={quote(PAYLOADS[1])}&status={quote(PAYLOADS[2])}"
        person = f"people/{quote(PAYLOADS[0], safe='')}"
        for page in ("policies", policy_page(subject), "people", searched, person, "groups", "audit"):
            go(tab, page)
            assert PAYLOADS[0] in tab.inner_text("#page"), page
            seen.append(tab.content())
        go(tab, "people")
        tab.get_by_label("Select all on this page").check()
        tab.get_by_label("Action", exact=True).select_option("disable")
        press(tab, "Continue with 1 person")
        assert PAYLOADS[0] in tab.inner_text("dialog")
        press(tab, "Disable 1 person")
        tab.get_by_role("button", name="Done").wait_for()
        assert PAYLOADS[0] in tab.inner_text("dialog")
        press(tab, "Done")
        go(tab, policy_page(subject))
        press(tab, "JSON")
        tab.fill("#json", "[]")
        press(tab, "Review the change")
        tab.locator("#review .finding").wait_for()
        press(tab, "Roll back to version 8")
        tab.locator("dialog .finding").wait_for()
        assert PAYLOADS[1] in tab.inner_text("dialog")
        press(tab, "Cancel")
        go(tab, "revocations", discard=True)
        assert PAYLOADS[0] in tab.inner_text("#page")
        assert tab.evaluate("typeof pwned") == "undefined"
        assert tab.locator("#page :is(img, svg, script, iframe), dialog :is(img, svg, script)").count() == 0
        assert [
            link for link in tab.locator("a").evaluate_all("all => all.map(a => a.protocol)") if link != "http:"
        ] == []
        assert violations == []
    finally:
        api.ask("DELETE", path, admin)


def test_the_page_refuses_markup_from_text(console: Open, reader: str) -> None:
    tab = console(reader)
    for attempt in (
        "document.body.innerHTML = '<img src=x onerror=pwned=1>'",
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'pwned = 1'}))",
        "document.body.setAttribute('onclick', 'pwned = 1')",
        "trustedTypes.createPolicy('own', {createHTML: text => text})",
    ):
        assert tab.evaluate(f"() => {{ try {{ {attempt}; return 'done' }} catch {{ return 'refused' }} }}") == "refused"
    assert tab.evaluate("typeof pwned") == "undefined"


def test_a_link_can_neither_sign_a_person_in_nor_redirect_to_another_site(
    context: BrowserContext, outputs: dict[str, Any]
) -> None:
    tab = context.new_page()
    url = outputs["console_url"]
    tab.goto(f"{url}?code=stolen&state=guessed#//elsewhere.example")
    tab.get_by_text("Ignored a sign-in that did not start in this tab").wait_for()
    assert tab.url == f"{url}#//elsewhere.example"
    tab.goto(f"{url}?error=x&error_description=<img src=x onerror=pwned=1>&state=guessed")
    tab.get_by_text("Ignored a sign-in").wait_for()
    assert tab.evaluate("[typeof pwned, sessionStorage.length]") == ["undefined", 0]


def test_the_access_token_is_only_in_the_storage_of_its_tab_and_the_refresh_token_nowhere(
    context: BrowserContext, outputs: dict[str, Any]
) -> None:
    tab, sent = context.new_page(), []
    tab.on("request", lambda request: sent.append(request))
    tab.goto(f"{outputs['console_url']}#/requests")
    press(tab, "Sign in")
    account = outputs["users"]["reader"]
    tab.fill("#username", account["username"])
    tab.fill("#password", account["password"])
    with tab.expect_response(outputs["token_url"]) as granted:
        tab.press("#password", "Enter")
    tab.get_by_role("heading", name="Try a request").wait_for()
    assert tab.url == f"{outputs['console_url']}#/requests"
    press(tab, "Send GET /whoami")
    tab.locator("#outcome").wait_for()
    token, refresh = (granted.value.json()[name] for name in ("access_token", "refresh_token"))
    of_the_tab = tab.evaluate("({...sessionStorage})")
    assert (list(of_the_tab), tab.evaluate("localStorage.length")) == (["gatehouse.session"], 0)
    lasting = json.dumps(context.storage_state(indexed_db=True))  # cookies, localStorage and IndexedDB
    assert token not in lasting
    assert refresh not in lasting + json.dumps(of_the_tab)
    assert [request.url for request in sent if token in request.url or refresh in request.url] == []
    to_api = [request for request in sent if request.url.startswith(outputs["api_url"])]
    assert to_api
    assert [request.url for request in to_api if {"referer", "cookie"} & request.all_headers().keys()] == []


def test_another_site_cannot_frame_the_console(context: BrowserContext, outputs: dict[str, Any]) -> None:
    tab = context.new_page()
    body = f'<iframe src="{outputs["console_url"]}"></iframe>'
    tab.route("**/frame", lambda route: route.fulfill(content_type="text/html", body=body))
    tab.goto(f"{outputs['endpoint_url']}/frame")
    assert tab.frames[1].url == "chrome-error://chromewebdata/"


# --- every page ---


def test_every_page_is_accessible_and_fits_every_screen(
    context: BrowserContext, console: Open, api: Api, admin: str, outputs: dict[str, Any]
) -> None:
    welcome = context.new_page()
    welcome.goto(outputs["console_url"])
    welcome.get_by_role("button", name="Sign in", exact=True).wait_for()
    inspect(welcome, "welcome")
    routes = api.ask("GET", "/admin/routes", admin).body["routes"]
    tab = console(admin, "", lambda tab: recorded(tab, routes))
    for name in walk(tab):
        inspect(tab, name)


def inspect(tab: Page, name: str) -> None:
    """Runs axe-core in each size and colour scheme, and stores a picture of each if GATEHOUSE_SCREENSHOTS is set."""
    from axe_playwright_python.sync_playwright import Axe

    for number, ((width, height), scheme) in enumerate(VIEWS):
        tab.set_viewport_size({"width": width, "height": height})
        tab.emulate_media(color_scheme=scheme)
        tab.wait_for_function(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, f"{name} at {width}"
        found = Axe().run(tab, options={"runOnly": RULES_OF_A_VIEW if number else RULES})
        assert found.response["violations"] == [], (name, width, scheme, found.generate_report())
        if SCREENSHOTS:
            file = f"{SCREENSHOTS}/console-{name}-{'phone' if width == PHONE[0] else 'desktop'}-{scheme}.png"
            tab.screenshot(
                path=file, full_page=name not in ("explanation", "several-people")
            )  # a dialog covers the screen only


def recorded(tab: Page, routes: list[dict[str, Any]]) -> None:
    """Answers the history and the audit log with entries that do not depend on other tests."""
    added = [("GET", f"{POLICY}/history"), ("POST", f"{POLICY}/rollback"), ("GET", "/admin/audit")]
    shown = [{"method": m, "path": p, "authorizer": "policies", "scopes": [], "public": False} for m, p in added]
    known = [route for route in routes if (route["method"], route["path"]) not in added]
    answered_with(tab, "/admin/routes", {"routes": [*known, *shown]})
    whole, half = [READ, allow("/orders", "/orders/*", sid="read-orders")], [READ]
    at, by = "2026-11-02T09:30:00+00:00", "9f0c2a58-2c1e-4d57-9a53-6f4c1b7f5f10"
    history = [
        {"version": 2, "at": at, "by": by, "way": "api", "before": half, "after": whole},
        {"version": 1, "at": at, "by": "policies/", "way": "files", "before": None, "after": half},
    ]
    answered_with(tab, "/admin/policies/group/[^/]*/history", {"history": history})
    actions = (
        ("policy.put", "group:clerks", "version 2"),
        ("user.disable", by, ""),
        ("revocation.put", f"sub:{by}", ""),
    )
    entries = [{"at": at, "by": by, "way": "api", "action": a, "subject": s, "detail": d} for a, s, d in actions]
    answered_with(tab, "/admin/audit", {"entries": entries})


def walk(tab: Page) -> Iterator[str]:
    """Opens every page and dialog, and yields its name."""
    yield "identity"
    go(tab, "matrix")
    yield "matrix"
    tab.locator("#matrix td button").first.click()
    tab.locator("#explanation .verdict").wait_for()
    yield "explanation"
    tab.keyboard.press("Escape")
    go(tab, "policies")
    yield "policies"
    go(tab, policy_page(DEFAULT_GROUP))
    tab.locator("fieldset.statement").first.get_by_label("DELETE").check()
    press(tab, "Review the change")
    tab.locator("#review h3").wait_for()
    yield "policy"
    go(tab, "people", discard=True)
    tab.get_by_text("Invite a person").click()
    tab.locator("table input").first.check()
    yield "people"
    tab.get_by_label("Action", exact=True).select_option("disable")
    press(tab, "Continue with 1 person")
    yield "several-people"
    tab.keyboard.press("Escape")
    tab.locator("table a").first.click()
    tab.get_by_role("heading", name="Access").wait_for()
    yield "person"
    go(tab, "groups")
    yield "groups"
    go(tab, "revocations")
    yield "revocations"
    go(tab, "audit")
    yield "audit"
    go(tab, "requests")
    press(tab, "Send GET /whoami")
    tab.locator("#body").wait_for()
    yield "requests"
