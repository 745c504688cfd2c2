"""The routes for users: what they answer to a granted request, and which requests they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import boto3
import pytest

from tests.answers import ADMIN, call, refusal, wired
from tests.aws.tables import empty_tables
from tests.fakes import allow

USERS, USER = "/admin/users", "/admin/users/{username}"
MEMBERSHIP = f"{USER}/groups/{{group}}"
CLIO, ATHENA = "clio@olympus.example", "athena@olympus.example"
CHANGES: list[tuple[str, str, Any]] = [
    ("PUT", f"{USER}/groups", {"groups": []}),
    ("PUT", MEMBERSHIP, None),
    ("DELETE", MEMBERSHIP, None),
    ("POST", f"{USER}/disable", None),
    ("POST", f"{USER}/enable", None),
    ("POST", f"{USER}/sign-out", None),
    ("POST", f"{USER}/reset-mfa", None),
]


@pytest.fixture(autouse=True)
def stage() -> Iterator[None]:
    """A user pool with the groups clerks and admins. admins administers, and athena is its only member."""
    with wired(), empty_tables(), pytest.MonkeyPatch.context() as environment:
        cognito = boto3.client("cognito-idp", region_name="us-east-1")
        pool_id = cognito.create_user_pool(PoolName="olympus", UsernameAttributes=["email"])["UserPool"]["Id"]
        for group in ("clerks", "admins"):
            cognito.create_group(UserPoolId=pool_id, GroupName=group)
        environment.setenv("ISSUER", f"https://cognito-idp.us-east-1.amazonaws.com/{pool_id}")
        call(
            "PUT",
            "/admin/policies/{kind}/{name}",
            {"statements": [allow("/*", methods=["*"])]},
            kind="group",
            name="admins",
        )
        for address, group in ((CLIO, "clerks"), (ATHENA, "admins")):
            assert call("POST", USERS, {"username": address, "groups": [group]})[0] == 201
            cognito.admin_set_user_password(UserPoolId=pool_id, Username=address, Password="Correct-9", Permanent=True)
        yield


def test_users_are_listed_in_pages() -> None:
    status, first = call("GET", USERS)
    assert (status, first["next_token"]) == (200, None)
    assert {user["email"] for user in first["users"]} == {CLIO, ATHENA}
    assert set(first["users"][0]) == {"username", "sub", "email", "name", "status", "enabled", "created_at"}


def found_by(query: str) -> set[str]:
    status, page = call("GET", f"{USERS}?{query}")
    assert (status, page["next_token"]) == (200, None)
    return {user["email"] for user in page["users"]}


def test_users_are_found_by_the_beginning_the_group_and_the_state() -> None:
    assert call("POST", f"{USER}/disable", username=CLIO)[0] == 200
    assert found_by("begins_with=cli") == {CLIO}
    assert found_by("group=admins") == {ATHENA}
    assert found_by("enabled=false") == found_by("status=CONFIRMED&enabled=false") == {CLIO}
    assert found_by("begins_with=cli&attribute=email&group=clerks&enabled=true") == set()
    assert found_by("begins_with=clio%22+or+email+%5E%3D+%22") == set()


@pytest.mark.parametrize("query", ["group=ghosts", "begins_with=a%0Ab", "status=confirmed", "filter=x", "enabled=1"])
def test_a_search_of_another_form_is_a_400(query: str) -> None:
    assert refusal("GET", f"{USERS}?{query}") == (400, "invalid_input")


def test_a_user_is_shown_by_the_address_and_by_the_sub() -> None:
    status, shown = call("GET", USER, username=CLIO)
    assert (status, shown["email"], shown["groups"], shown["status"]) == (200, CLIO, ["clerks"], "CONFIRMED")
    assert (
        call("GET", USER, username=shown["sub"]) == call("GET", USER, username="clio%40olympus.example") == (200, shown)
    )


def test_an_invited_user_has_the_groups_and_waits_for_a_password() -> None:
    status, made = call("POST", USERS, {"username": "new@olympus.example", "groups": ["clerks"]})
    assert (status, made["user"]["groups"], made["added"]) == (201, ["clerks"], ["clerks"])
    assert made["user"]["status"] == "FORCE_CHANGE_PASSWORD"
    assert "assword" not in str(made).replace("FORCE_CHANGE_PASSWORD", "")
    assert refusal("POST", USERS, {"username": CLIO}) == (409, "user_exists")


def test_groups_that_are_taken_revoke_the_older_tokens() -> None:
    status, changed = call("PUT", f"{USER}/groups", {"groups": []}, username=CLIO)
    sub = changed["user"]["sub"]
    assert (status, changed["removed"], changed["user"]["groups"]) == (200, ["clerks"], [])
    (revocation,) = call("GET", "/admin/revocations")[1]["revocations"]
    assert (revocation["kind"], revocation["value"], revocation["revoked_at"]) == ("sub", sub, changed["revoked_at"])
    assert revocation["revoked_by"] == "admin-sub"


def test_one_group_is_given_and_taken_and_another_stays() -> None:
    status, given = call("PUT", MEMBERSHIP, username=CLIO, group="admins")
    assert (status, given["added"], set(given["user"]["groups"])) == (200, ["admins"], {"admins", "clerks"})
    status, taken = call("DELETE", MEMBERSHIP, username=CLIO, group="clerks")
    assert (status, taken["removed"], taken["user"]["groups"]) == (200, ["clerks"], ["admins"])
    (revocation,) = call("GET", "/admin/revocations")[1]["revocations"]
    assert revocation["revoked_at"] == taken["revoked_at"]


def test_groups_are_listed_with_their_policies() -> None:
    status, first = call("GET", "/admin/groups?limit=1")
    status, second = call("GET", f"/admin/groups?token={first['next_token']}")
    groups = {group["name"]: group for group in first["groups"] + second["groups"]}
    expected = {"name": "admins", "description": None, "automatic": False, "policy": "valid", "statements": 1}
    assert (status, groups["admins"]) == (200, {**expected, "policy_version": 1})
    assert (groups["clerks"]["policy"], second["next_token"]) == ("none", None)
    for query in ("limit=61", "token=", "group=clerks"):
        assert refusal("GET", f"/admin/groups?{query}") == (400, "invalid_input")


def test_a_disabled_user_is_revoked_and_stays_so_after_enable() -> None:
    status, disabled = call("POST", f"{USER}/disable", username=CLIO)
    assert (status, disabled["user"]["enabled"], disabled["revoked_at"] > 0) == (200, False, True)
    status, enabled = call("POST", f"{USER}/enable", {}, username=CLIO)
    assert (status, enabled["user"]["enabled"]) == (200, True)
    assert len(call("GET", "/admin/revocations")[1]["revocations"]) == 1


def test_a_sign_out_names_what_it_does_not_end() -> None:
    status, ended = call("POST", f"{USER}/sign-out", username=CLIO)
    assert (status, ended["revoked_at"] > 0) == (200, True)
    assert "cookie" in " ".join(ended["notices"])


def test_the_last_administrator_is_kept_unless_the_change_is_forced() -> None:
    refused = (409, "last_administrator")
    assert refusal("POST", f"{USER}/disable", username=ATHENA) == refused
    assert refusal("POST", f"{USER}/disable", {"force": False}, username=ATHENA) == refused
    assert refusal("PUT", f"{USER}/groups", {"groups": ["clerks"]}, username=ATHENA) == refused
    assert refusal("DELETE", MEMBERSHIP, username=ATHENA, group="admins") == refused
    assert call("GET", "/admin/revocations")[1]["revocations"] == []
    assert call("PUT", f"{USER}/groups", {"groups": ["clerks"], "force": True}, username=ATHENA)[0] == 200


@pytest.mark.parametrize(("method", "path", "body"), [("GET", USER, None), *CHANGES])
def test_an_unknown_user_is_a_404(method: str, path: str, body: Any) -> None:
    for name in ("nobody@olympus.example", "Corp_nobody", "a%2Fb", "us-east-1_other%2Fclio"):
        assert refusal(method, path, body, username=name) == (404, "not_found")


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_a_body_with_an_unknown_field_is_a_400(method: str, path: str, body: Any) -> None:
    more = {**(body or {}), "admin": True}
    assert refusal(method, path, more, username=CLIO) == (400, "invalid_input")
    assert refusal(method, path, "[]", username=CLIO) == (400, "invalid_input")
    assert call("GET", "/admin/revocations")[1]["revocations"] == []


@pytest.mark.parametrize(("method", "path", "body"), [*CHANGES, ("POST", USERS, {"username": "new@olympus.example"})])
def test_the_audit_entry_of_a_change_names_its_caller(method: str, path: str, body: Any) -> None:
    before = len(call("GET", "/admin/audit")[1]["entries"])
    call(method, path, body, {**ADMIN, "principalId": "urania-sub"}, username=CLIO, group="clerks")
    made = call("GET", "/admin/audit")[1]["entries"][:-before]
    assert {(entry["by"], entry["way"]) for entry in made} == {("urania-sub", "api")}


@pytest.mark.parametrize("name", ["a%20b", "u" * 129, "%E2%80%AEa", "a%0Ab", "%ff"])
def test_a_name_that_no_user_has_is_a_400(name: str) -> None:
    assert refusal("GET", USER, username=name) == (400, "invalid_input")


@pytest.mark.parametrize("address", ["clio", "a@b.example\n", "a\r\nBcc: c@d.example", 7, None, ["a@b.example"]])
def test_a_text_that_is_no_address_is_not_invited(address: Any) -> None:
    assert refusal("POST", USERS, {"username": address}) == (400, "invalid_input")


@pytest.mark.parametrize("group", ["ghosts", "a b"])
def test_a_group_that_the_pool_does_not_have_is_a_400(group: str) -> None:
    assert refusal("PUT", f"{USER}/groups", {"groups": [group]}, username=CLIO) == (400, "invalid_input")
    assert refusal("PUT", MEMBERSHIP, username=CLIO, group=quote(group)) == (400, "invalid_input")
    assert refusal("POST", USERS, {"username": "new@olympus.example", "groups": [group]}) == (400, "invalid_input")
    assert refusal("GET", USER, username="new@olympus.example") == (404, "not_found")
