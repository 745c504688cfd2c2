"""Administrators change users: what they take is gone at the next request, and nobody else may call these routes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urljoin

import pytest
import requests
from botocore.exceptions import ClientError
from pycognito.exceptions import ForceChangePasswordException

from local.sign_in import SignInFailed, cognito, sign_in
from operations.command_line import main
from tests.configured import APP, DEFAULT_GROUP, PRIVILEGED_GROUP
from tests.e2e.clients import TIMEOUT, Api, Person, UserGroup, Users, unique
from tests.e2e.cloud import Cloud
from tests.e2e.logs import messages
from tests.fakes import allow, deny
from tests.forms import Form
from tests.totp import totp

READ = allow("/whoami", sid="read")
EVERYTHING = allow("/*", methods=["*"], sid="everything")


def path_of(person: Person, action: str = "") -> str:
    return f"/admin/users/{person.sub}{action}"


ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("PUT", "/groups", {"groups": [PRIVILEGED_GROUP]}),
    ("PUT", f"/groups/{PRIVILEGED_GROUP}", None),
    ("DELETE", f"/groups/{PRIVILEGED_GROUP}", None),
    ("POST", "/disable", None),
    ("POST", "/enable", None),
    ("POST", "/sign-out", None),
    ("POST", "/reset-mfa", None),
]


def test_only_an_administrator_may_call_the_routes(
    api: Api, users: Users, user_group: UserGroup, machine: str, reader: str
) -> None:
    user_group.write([READ, allow("/admin/policies*", "/admin/users?", methods=["*"], sid="others")])
    member = user_group.member
    requests_ = [(method, path_of(member, action), body) for method, action, body in ROUTES]
    requests_ += [("GET", path, None) for path in ("/admin/users", "/admin/users?begins_with=a", "/admin/groups")]
    requests_ += [("POST", "/admin/users", {"username": f"{unique('u')}@x.example"})]
    for method, path, body in requests_:
        answers = [api.ask(method, path, token, body) for token in (user_group.token, reader, machine, None)]
        assert [answer.status for answer in answers] == [403, 403, 403, 401], (method, path)
    assert users.groups_of(member.username) == [user_group.name]
    assert api.ask("GET", "/whoami", user_group.token).status == 200


def test_a_group_that_is_taken_is_gone_at_the_next_request(user_group: UserGroup, users: Users) -> None:
    user_group.write([READ])
    api, member = user_group.api, user_group.member
    assert api.ask("GET", "/whoami", user_group.token).status == 200

    added = api.ask("PUT", path_of(member, "/groups"), user_group.admin, {"groups": [user_group.name, DEFAULT_GROUP]})
    assert (added.status, added.body["added"], added.body["revoked_at"]) == (200, [DEFAULT_GROUP], None)
    assert api.ask("GET", "/whoami", user_group.token).status == 200

    taken = api.ask("PUT", path_of(member, "/groups"), user_group.admin, {"groups": [DEFAULT_GROUP]})
    assert (taken.status, taken.body["removed"]) == (200, [user_group.name])
    assert "refused" in " ".join(taken.body["notices"])
    assert api.ask("GET", "/whoami", user_group.token).status == 401
    assert users.groups_of(member.username) == [DEFAULT_GROUP]


def refreshed(cloud: Cloud, token: str) -> int:
    form = {"grant_type": "refresh_token", "client_id": cloud.outputs["web_client_id"], "refresh_token": token}
    return requests.post(cloud.outputs["token_url"], data=form, timeout=TIMEOUT).status_code


@pytest.mark.parametrize("action", ["disable", "sign-out"])
def test_tokens_and_refresh_tokens_end(cloud: Cloud, user_group: UserGroup, users: Users, action: str) -> None:
    user_group.write([READ])
    api, tokens = user_group.api, users.sign_in(user_group.member)
    assert api.ask("GET", "/whoami", tokens["access_token"]).status == 200

    ended = api.ask("POST", path_of(user_group.member, f"/{action}"), user_group.admin)

    assert (ended.status, ended.body["user"]["enabled"]) == (200, action != "disable")
    assert api.ask("GET", "/whoami", tokens["access_token"]).status == 401
    assert refreshed(cloud, tokens["refresh_token"]) == 400
    if action == "disable":
        with pytest.raises(ClientError, match="disabled"):
            sign_in(cloud.outputs, user_group.member.username, user_group.member.password)
        assert api.ask("POST", path_of(user_group.member, "/enable"), user_group.admin).status == 200
        assert refreshed(cloud, tokens["refresh_token"]) == 400
        assert api.ask("GET", "/whoami", tokens["access_token"]).status == 401


def test_a_reset_of_mfa_ends_a_stolen_session_and_the_old_authenticator(
    cloud: Cloud, user_group: UserGroup, users: Users
) -> None:
    user_group.write([READ])
    api, member, pool = user_group.api, user_group.member, cognito(cloud.outputs)
    own = sign_in(cloud.outputs, member.username, member.password)  # a token for the pool's own operations
    secret = pool.associate_software_token(AccessToken=own)["SecretCode"]
    pool.verify_software_token(AccessToken=own, UserCode=totp(secret))
    with pytest.raises(SignInFailed):
        sign_in(cloud.outputs, member.username, member.password)

    path = path_of(member, "/reset-mfa")
    assert [api.ask("POST", path, token).status for token in (user_group.token, own)] == [403, 403]  # the user as well
    reset = api.ask("POST", path, user_group.admin)

    assert (reset.status, reset.body["user"]["sub"]) == (200, member.sub)
    assert [api.ask("GET", "/whoami", token).status for token in (user_group.token, own)] == [401, 401]
    with pytest.raises(ClientError, match="revoked"):  # a thief cannot set up an authenticator with it
        pool.associate_software_token(AccessToken=own)
    assert sign_in(cloud.outputs, member.username, member.password)  # this stage does not require MFA
    again = api.ask("POST", path, user_group.admin)
    assert (again.status, again.body["code"]) == (409, "no_authenticator")


class Browser:
    """A browser without scripts. It keeps the cookie of the sign-in pages."""

    def __init__(self, outputs: dict[str, Any]) -> None:
        self._http = requests.Session()
        self._outputs = outputs

    def sign_in(self, person: Person) -> bool:
        """Gives the password on the sign-in page. Returns whether the page gives a code."""
        page = self._open()
        form = Form(page.text)
        filled = form.fields | {"username": person.username, "password": person.password}
        given = self._http.post(urljoin(page.url, form.action), data=filled, timeout=TIMEOUT)
        return any("code=" in step.headers["location"] for step in given.history)

    def gets_a_code(self) -> bool:
        """Opens the sign-in pages with the cookie. Returns whether they give a code without a password."""
        return any("code=" in step.headers["location"] for step in self._open().history)

    def _open(self) -> requests.Response:
        asked = {
            "client_id": self._outputs["web_client_id"],
            "response_type": "code",
            "redirect_uri": self._outputs["redirect_uri"],
            "scope": "openid",
        }
        return self._http.get(self._outputs["authorize_url"], params=asked, timeout=TIMEOUT)


def test_the_browser_of_a_signed_out_or_disabled_user_gets_no_code_with_its_cookie(
    outputs: dict[str, Any], user_group: UserGroup
) -> None:
    browser, api = Browser(outputs), user_group.api
    assert browser.sign_in(user_group.member), "the password gives a code"
    signed_out = api.ask("POST", path_of(user_group.member, "/sign-out"), user_group.admin)
    assert not browser.gets_a_code(), "the cookie of the time before the sign-out"
    assert "disable the user" in " ".join(signed_out.body["notices"])

    assert browser.sign_in(user_group.member), "a signed-out user can sign in again, with the password"
    api.ask("POST", path_of(user_group.member, "/disable"), user_group.admin)
    assert not browser.gets_a_code()
    assert not browser.sign_in(user_group.member)


def test_the_invitation_arrives_with_a_password_and_no_answer_contains_it(cloud: Cloud, api: Api, admin: str) -> None:
    address = f"{unique('invited')}@gatehouse.example"
    made = api.ask("POST", "/admin/users", admin, {"username": address, "groups": [DEFAULT_GROUP]})
    assert (made.status, made.body["user"]["groups"]) == (201, [DEFAULT_GROUP])
    mailbox = f"{cloud.outputs['mailbox_url']}messages.json"
    (mail,) = requests.get(mailbox, params={"to": address}, timeout=TIMEOUT).json()  # one, after the groups were added
    password = mail["text"].rpartition(" ")[2].rstrip(".")
    with pytest.raises(ForceChangePasswordException):  # the password is the right one
        sign_in(cloud.outputs, address, password)
    assert password not in json.dumps(made.body)


def test_the_pages_contain_each_user_once(api: Api, admin: str, users: Users) -> None:
    person, token, seen = users.new(), "", []
    while token is not None:
        page = api.ask("GET", f"/admin/users?limit=3{token and f'&token={quote(token)}'}", admin)
        assert (page.status, len(page.body["users"]) <= 3) == (200, True)
        seen += [user["sub"] for user in page.body["users"]]
        token = page.body["next_token"]
    assert (seen.count(person.sub), len(seen)) == (1, len(set(seen)))


def test_a_token_of_another_search_is_a_mistake_of_the_caller(api: Api, admin: str, users: Users) -> None:
    group = users.new_group()
    given = api.ask("GET", "/admin/users?limit=1", admin).body["next_token"]
    for token in (quote(given), "1", "nonsense"):
        for path in ("/admin/users?status=CONFIRMED", f"/admin/users?group={group}", "/admin/groups?limit=1"):
            refused = api.ask("GET", f"{path}&token={token}", admin)
            assert (refused.status, refused.body["message"][:6]) == (400, "token:"), path


def test_a_search_finds_those_who_meet_every_criterion(api: Api, admin: str, users: Users) -> None:
    word, group = unique("sought"), users.new_group()
    first, second = (users.named(f"{word}{number}@gatehouse.example", group) for number in range(2))

    def found(query: str) -> set[str]:
        page = api.ask("GET", f"/admin/users?limit=60&{query}", admin)
        assert (page.status, page.body["next_token"]) == (200, None)
        return {user["email"] for user in page.body["users"]}

    assert api.ask("POST", f"/admin/users/{first}/disable", admin).status == 200
    assert found(f"begins_with={word}") == found(f"group={group}") == {first, second}
    assert found(f"begins_with={word}&enabled=false") == found(f"group={group}&enabled=false") == {first}
    assert found(f"begins_with={second}&group={group}&status=FORCE_CHANGE_PASSWORD") == {second}
    assert found(f"begins_with={word}&status=CONFIRMED") == found(f"begins_with={word[1:]}") == set()
    for attack in (f'{word}" or email ^= "', f"{word}\\", f'{word}\\" or status = "Enabled', '"', "\\"):
        assert found(f"begins_with={quote(attack)}") == set(), attack


def test_a_policy_can_allow_the_changes_of_one_group_only(
    new_user_group: Callable[..., UserGroup], api: Api, admin: str, users: Users
) -> None:
    leads, group = new_user_group(), users.new_group()
    person = users.new()
    leads.write([allow(f"/admin/users/*/groups/{group}", methods=["PUT", "DELETE"], sid="team")])
    assert api.ask("PUT", path_of(person, f"/groups/{group}"), leads.token).status == 200
    assert users.groups_of(person.username) == [group]
    for name in (PRIVILEGED_GROUP, f"{group}/../{PRIVILEGED_GROUP}", f"{PRIVILEGED_GROUP}%2F..%2F{group}"):
        assert api.ask("PUT", path_of(person, f"/groups/{name}"), leads.token).status in (400, 403, 404), name
    assert users.groups_of(person.username) == [group]
    assert api.ask("DELETE", path_of(person, f"/groups/{group}"), leads.token).status == 200
    assert users.groups_of(person.username) == []


# --- attacks ---


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/admin/users/nobody%40gatehouse.example", 404),
        ("/admin/users/00000000-0000-4000-8000-000000000000", 404),
        ("/admin/users/us-east-1_Elsewhere%2Fclio", 404),
        ("/admin/users/a%2Fb", 404),
        ("/admin/users/%2e%2e", 400),
        ("/admin/users/..%2fpolicies", 400),
        ("/admin/users/%252e%252e", 400),
        ("/admin/users/a%20b", 400),
        ("/admin/users/a%0Ab", 400),
        ("/admin/users/%FF", 400),
        ("/admin/users?limit=0", 400),
        ("/admin/users?limit=1&limit=2", 400),
        ("/admin/users?filter=status", 400),
        ("/admin/users?begins_with=a%0Ab", 400),
        ("/admin/users?begins_with=%E2%80%AEa", 400),
        ("/admin/users?begins_with=" + "a" * 101, 400),
        ("/admin/users?begins_with=a&attribute=sub", 400),
        ("/admin/users?status=CONFIRMED%22", 400),
        ("/admin/users?group=ghosts-of-e2e", 400),
        ("/admin/users?group=a%20b", 400),
        ("/admin/groups?limit=61", 400),
    ],
)
def test_a_name_that_no_user_has_reaches_no_user(api: Api, admin: str, path: str, status: int) -> None:
    # requests would resolve the dots of a path
    prepared = requests.Request("GET", api.url, headers={"Authorization": f"Bearer {admin}"}).prepare()
    prepared.url = api.url + path
    assert requests.Session().send(prepared, timeout=TIMEOUT).status_code == status


def test_a_user_of_another_pool_does_not_exist(api: Api, admin: str, users: Users) -> None:
    pool = users.cognito.create_user_pool(PoolName="elsewhere", UsernameAttributes=["email"])["UserPool"]["Id"]
    created = users.cognito.admin_create_user(UserPoolId=pool, Username="stranger@elsewhere.example")
    for name in (created["User"]["Username"], "stranger@elsewhere.example"):
        assert api.ask("POST", f"/admin/users/{name}/disable", admin).status == 404
    assert users.cognito.admin_get_user(UserPoolId=pool, Username="stranger@elsewhere.example")["Enabled"]


@pytest.mark.parametrize(
    "body",
    [
        {"username": "a\r\nBcc: b@x.example"},
        {"username": "a\u0000@x.example"},
        {"username": "a@x.example", "groups": ["ghosts of e2e"]},
        {"username": "a@x.example", "groups": ["ghosts-of-e2e"]},
        {"username": "a@x.example", "admin": True},
    ],
)
def test_an_invitation_of_another_form_creates_nobody(api: Api, admin: str, body: dict[str, Any]) -> None:
    assert api.ask("POST", "/admin/users", admin, body).status == 400
    assert api.ask("GET", "/admin/users/a%40x.example", admin).status == 404


def test_the_last_administrator_cannot_leave_by_accident(
    new_user_group: Callable[..., UserGroup], api: Api, admin: str
) -> None:
    owners, suspended = new_user_group(), new_user_group()
    owners.write([EVERYTHING])
    suspended.write([deny("/*", methods=["*"])])
    admins = f"/admin/policies/group/{PRIVILEGED_GROUP}"
    statements = api.ask("GET", admins, admin).body["statements"]
    assert api.ask("PUT", admins, owners.token, {"statements": []}).status == 200  # now the owners administer alone
    try:
        for method, action, body in (
            ("POST", "/disable", None),
            ("PUT", "/groups", {"groups": []}),
            ("PUT", "/groups", {"groups": [owners.name, suspended.name]}),
            ("PUT", f"/groups/{suspended.name}", None),
            ("DELETE", f"/groups/{owners.name}", None),
        ):
            answer = api.ask(method, path_of(owners.member, action), owners.token, body)
            assert (answer.status, answer.body["code"]) == (409, "last_administrator")
        assert api.ask("GET", "/whoami", owners.token).status == 200
    finally:
        assert api.ask("PUT", admins, owners.token, {"statements": statements}).status == 200
    assert api.ask("PUT", path_of(owners.member, "/groups"), owners.token, {"groups": []}).status == 200


def test_no_log_contains_an_address(cloud: Cloud, user_group: UserGroup) -> None:
    address, api, admin = user_group.member.username, user_group.api, user_group.admin
    for name in (address, quote(address), quote(quote(address, safe=""), safe="")):
        api.ask("GET", f"/admin/users/{name}", admin)
        api.ask("GET", f"/admin/users?begins_with={name}", admin)
    api.ask("POST", "/admin/users", admin, {"username": address})
    mark = address.partition("@")[0]
    for function in ("", "-policy_authorizer"):
        lines = list(messages(cloud.local_cloud, f"/aws/lambda/{APP}-local{function}"))
        assert lines
        assert [line for line in lines if mark in line] == []


# --- the command line ---


def test_the_commands_change_the_running_cloud(
    cloud: Cloud, user_group: UserGroup, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEHOUSE_LOCAL", str(cloud.local_cloud.folder))
    user_group.write([READ])

    def run(*words: str) -> Any:
        assert main([*words, "--stage", "local", "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    assert run("users", "show", user_group.member.username)["sub"] == user_group.member.sub
    run("revoke", "--user", user_group.member.username)
    assert user_group.api.ask("GET", "/whoami", user_group.token).status == 401
    assert user_group.member.sub in {found["value"] for found in run("revocations")["revocations"]}
    run("revoke", "--lift", "--user", user_group.member.username)
    assert user_group.api.ask("GET", "/whoami", user_group.token).status == 200
    assert run("users", "disable", user_group.member.sub)["user"]["enabled"] is False
    assert user_group.api.ask("GET", "/whoami", user_group.token).status == 401
