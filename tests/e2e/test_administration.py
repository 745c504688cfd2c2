"""Administration: a policy is stored completely or not at all, and a revocation is effective at the next request."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
import requests

from local.sign_in import machine_token
from tests.configured import GROUPS
from tests.e2e.clients import TIMEOUT, Answer, Api, UserGroup, Users
from tests.e2e.cloud import wait_for
from tests.fakes import allow, deny

READ = allow("/whoami", "/whoami/*", sid="read")
REVOKED = Answer(
    401, {"message": "no valid token, or the token lacks the scope that this route requires", "code": "unauthorized"}
)


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def error_of(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["code"]


# --- policies ---


def test_a_read_returns_the_written_policy(user_group: UserGroup) -> None:
    rules = [READ, deny("/whoami/annual", methods=["*"], sid="freeze", scopes=["openid"])]

    written = user_group.write(rules)

    assert (written.status, written.body["statements"], written.body["version"]) == (200, rules, 1)
    assert user_group.read() == written


def test_a_policy_names_its_author(user_group: UserGroup) -> None:
    user_group.write([READ])

    assert user_group.read().body["updated_by"] == claims(user_group.admin)["sub"]


def test_every_policy_is_listed(user_group: UserGroup) -> None:
    user_group.write([READ])

    listed = user_group.api.ask("GET", "/admin/policies", user_group.admin).body["policies"]

    subjects = {policy["subject"] for policy in listed}
    assert {user_group.subject, *(f"group:{group}" for group in GROUPS)} <= subjects


def test_a_write_with_an_old_version_is_refused(user_group: UserGroup) -> None:
    read_by_both = user_group.write([READ]).body["version"]
    by_the_first = user_group.write([READ, deny("/whoami/annual")], version=read_by_both)

    by_the_second = user_group.write([], version=read_by_both)

    assert error_of(by_the_second) == (409, "version_conflict")
    assert user_group.read() == by_the_first


def test_a_write_of_a_new_policy_is_refused_if_the_policy_exists(user_group: UserGroup) -> None:
    assert user_group.write([READ], version=0).status == 200
    assert error_of(user_group.write([], version=0)) == (409, "version_conflict")


def test_a_deleted_policy_is_not_found_and_its_permissions_are_revoked(user_group: UserGroup) -> None:
    user_group.write([READ])
    assert user_group.api.ask("GET", "/whoami", user_group.token).status == 200

    assert user_group.api.ask("DELETE", user_group.policy_path, user_group.admin) == Answer(204)

    assert error_of(user_group.api.ask("GET", "/whoami", user_group.token)) == (403, "no_policy")
    assert error_of(user_group.read()) == (404, "not_found")
    assert error_of(user_group.api.ask("DELETE", user_group.policy_path, user_group.admin)) == (404, "not_found")


def test_a_version_number_is_never_used_again_after_a_deletion(user_group: UserGroup) -> None:
    before = user_group.write([READ]).body["version"]
    user_group.delete_policy()

    assert user_group.write([READ], version=0).body["version"] > before
    assert error_of(user_group.write([], version=before)) == (409, "version_conflict")


def rule(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**READ, **changes}.items() if value is not None}


MALFORMED = {
    "truncated": (b'{"statements": [', "body"),
    "a repeated field": (b'{"statements": [], "statements": []}', "body"),
    "not a number": (b'{"statements": [], "version": NaN}', "body"),
    "deeply nested": (b"[" * 100_000, "body"),
    "a list": ([READ], "body"),
    "no statements": ({}, "statements"),
    "statements that are not a list": ({"statements": {"read": READ}}, "statements"),
    "an unknown field": ({"statements": [READ], "comment": "for the clerks"}, "comment"),
    "a version that is a string": ({"statements": [READ], "version": "1"}, "version"),
    "a version that is true": ({"statements": [READ], "version": True}, "version"),
    "a version below zero": ({"statements": [READ], "version": -1}, "version"),
    "a statement that is a string": ({"statements": ["Allow"]}, "statements[0]"),
    "a condition": ({"statements": [rule(condition={})]}, "statements[0].condition"),
    "an effect in lower case": ({"statements": [rule(effect="allow")]}, "statements[0].effect"),
    "no effect": ({"statements": [rule(effect=None)]}, "statements[0].effect"),
    "no methods": ({"statements": [rule(methods=[])]}, "statements[0].methods"),
    "methods that are a string": ({"statements": [rule(methods="GET")]}, "statements[0].methods"),
    "a method in lower case": ({"statements": [rule(methods=["get"])]}, "statements[0].methods[0]"),
    "a repeated method": ({"statements": [rule(methods=["GET", "GET"])]}, "statements[0].methods"),
    "no paths": ({"statements": [rule(paths=None)]}, "statements[0].paths"),
    "a path that is a number": ({"statements": [rule(paths=[7])]}, "statements[0].paths[0]"),
    "a path without a leading slash": ({"statements": [rule(paths=["reports"])]}, "statements[0].paths[0]"),
    "a path with a policy variable": ({"statements": [rule(paths=["/${aws:x}"])]}, "statements[0].paths[0]"),
    "a path with a dot segment": ({"statements": [rule(paths=["/whoami/../admin"])]}, "statements[0].paths[0]"),
    "a path that is too long for an ARN": ({"statements": [rule(paths=["/" + "r" * 500])]}, "statements[0].paths[0]"),
    "no scopes": ({"statements": [rule(scopes=[])]}, "statements[0].scopes"),
    "a scope with a space": ({"statements": [rule(scopes=["file read"])]}, "statements[0].scopes[0]"),
    "a sid with a space": ({"statements": [rule(sid="my rule")]}, "statements[0].sid"),
    "a repeated sid": ({"statements": [READ, READ]}, "statements"),
    "only the second statement is invalid": (
        {"statements": [READ, rule(sid="b", effect="Maybe")]},
        "statements[1].effect",
    ),
    "too many statements": ({"statements": [rule(sid=f"rule{n}") for n in range(101)]}, "statements"),
    "a policy that is too large": (
        {"statements": [rule(paths=[f"/whoami/{'r' * 300}{n}" for n in range(30)])]},
        "statements",
    ),
}


@pytest.fixture(scope="module")
def stored_group(users: Users, api: Api, admin: str) -> Any:
    """A group with a valid policy."""
    name = users.new_group()
    user_group = UserGroup(name, users.new(name), "", api, admin)
    assert user_group.write([READ]).status == 200
    yield user_group
    user_group.delete_policy()


@pytest.mark.parametrize("mistake", MALFORMED)
def test_a_malformed_policy_is_refused_with_the_field_name_and_not_stored(
    stored_group: UserGroup, mistake: str
) -> None:
    body, field = MALFORMED[mistake]

    answer = stored_group.api.ask("PUT", stored_group.policy_path, stored_group.admin, body)

    assert (*error_of(answer), answer.body["message"].split(": ")[0]) == (400, "invalid_input", field)
    stored = stored_group.read().body
    assert (stored["version"], stored["statements"]) == (1, [READ])


def test_a_policy_that_is_too_large_is_refused_with_its_excess(stored_group: UserGroup) -> None:
    body, _ = MALFORMED["a policy that is too large"]

    answer = stored_group.api.ask("PUT", stored_group.policy_path, stored_group.admin, body)

    assert "more than the limit of 8192" in answer.body["message"]


@pytest.mark.parametrize("subject", ["user/clerk", "group/white%20space", "client/a:b", "Group/readers"])
def test_the_subject_of_a_policy_is_a_group_or_a_client(api: Api, admin: str, subject: str) -> None:
    answer = api.ask("PUT", f"/admin/policies/{subject}", admin, {"statements": [READ]})

    assert error_of(answer) == (400, "invalid_input")
    assert answer.body["message"].startswith("subject: ")


# --- revocations ---


def revoke(user_group: UserGroup, **what: str) -> dict[str, Any]:
    revoked = user_group.api.ask("POST", "/admin/revocations", user_group.admin, what)
    assert revoked.status == 201
    return dict(revoked.body)


def lift(user_group: UserGroup, **what: str) -> int:
    return user_group.api.ask("DELETE", "/admin/revocations", user_group.admin, what).status


@pytest.fixture
def clerk(user_group: UserGroup) -> UserGroup:
    """A group whose member is permitted to read `/whoami`."""
    user_group.write([READ])
    assert user_group.api.ask("GET", "/whoami", user_group.token).status == 200
    return user_group


def test_a_revoked_user_is_refused_from_the_next_request_until_the_revocation_is_deleted(clerk: UserGroup) -> None:
    revoke(clerk, sub=clerk.member.sub)

    assert clerk.api.ask("GET", "/whoami", clerk.token) == REVOKED
    assert lift(clerk, sub=clerk.member.sub) == 204
    assert clerk.api.ask("GET", "/whoami", clerk.token).status == 200


def test_a_revoked_user_is_admitted_after_a_later_sign_in(clerk: UserGroup, users: Users) -> None:
    revoked_at = revoke(clerk, sub=clerk.member.sub)["revoked_at"]

    def issued_later() -> str | None:
        # Token times are whole seconds. A token from the second of the revocation is refused too.
        token = users.token_of(clerk.member)
        return token if claims(token)["iat"] > revoked_at else None

    later = wait_for(issued_later, "a token of a later second")

    assert clerk.api.ask("GET", "/whoami", later).status == 200
    assert clerk.api.ask("GET", "/whoami", clerk.token) == REVOKED
    assert lift(clerk, sub=clerk.member.sub) == 204


def test_a_revoked_session_is_refused_with_all_its_refreshed_tokens(
    clerk: UserGroup, users: Users, outputs: dict[str, Any]
) -> None:
    granted = users.sign_in(clerk.member)
    session = claims(granted["access_token"])["origin_jti"]
    revoked_at = revoke(clerk, session=session)["revoked_at"]

    def refreshed_later() -> str | None:
        form = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
        answer = requests.post(
            outputs["token_url"], data=form | {"client_id": outputs["web_client_id"]}, timeout=TIMEOUT
        )
        token = answer.json()["access_token"]
        return token if claims(token)["iat"] > revoked_at else None

    refreshed = wait_for(refreshed_later, "a refreshed token of a later second")

    assert [clerk.api.ask("GET", "/whoami", token) for token in (granted["access_token"], refreshed)] == [REVOKED] * 2
    assert clerk.api.ask("GET", "/whoami", clerk.token).status == 200, "another session of the user is not revoked"
    assert lift(clerk, session=session) == 204
    assert clerk.api.ask("GET", "/whoami", refreshed).status == 200


def test_a_revoked_client_is_refused_and_its_later_tokens_are_admitted(
    user_group: UserGroup, outputs: dict[str, Any], machine: str
) -> None:
    client = outputs["machine_client_id"]
    revoked_at = revoke(user_group, client=client)["revoked_at"]

    def issued_later() -> str | None:
        token = machine_token(outputs, outputs["scopes"]["read"])
        return token if claims(token)["iat"] > revoked_at else None

    try:
        assert user_group.api.ask("GET", "/whoami", machine) == REVOKED
        assert user_group.api.ask("GET", "/whoami", wait_for(issued_later, "a token of a later second")).status == 200
    finally:
        assert lift(user_group, client=client) == 204
    assert user_group.api.ask("GET", "/whoami", machine).status == 200


def test_a_revocation_is_listed_until_it_is_deleted(user_group: UserGroup) -> None:
    revoked = revoke(user_group, sub=user_group.member.sub)

    def listed() -> list[dict[str, Any]]:
        return list(user_group.api.ask("GET", "/admin/revocations", user_group.admin).body["revocations"])

    assert revoked == {
        "kind": "sub",
        "value": user_group.member.sub,
        "revoked_at": revoked["revoked_at"],
        "revoked_by": claims(user_group.admin)["sub"],
    }
    assert revoked in listed()
    assert lift(user_group, sub=user_group.member.sub) == 204
    assert revoked not in listed()
    assert lift(user_group, sub=user_group.member.sub) == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "body", id="no field"),
        pytest.param({"sub": "a", "client": "b"}, "body", id="two fields"),
        pytest.param({"group": "readers"}, "group", id="a group"),
        pytest.param({"sub": ""}, "sub", id="an empty name"),
        pytest.param({"sub": "s" * 257}, "sub", id="a long name"),
        pytest.param({"session": 7}, "session", id="a number"),
        pytest.param({"client": "a\nb"}, "client", id="a line break"),
        pytest.param({"client": "*"}, "client", id="every client"),
        pytest.param({"sub": "somebody"}, "sub", id="a name that is not a subject"),
        pytest.param(["sub"], "body", id="a list"),
    ],
)
def test_a_malformed_revocation_is_refused_and_not_stored(api: Api, admin: str, body: object, field: str) -> None:
    before = api.ask("GET", "/admin/revocations", admin)

    answer = api.ask("POST", "/admin/revocations", admin, body)

    assert (*error_of(answer), answer.body["message"].split(": ")[0]) == (400, "invalid_input", field)
    assert api.ask("GET", "/admin/revocations", admin) == before


# --- callers who are not administrators ---


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/admin/policies", None),
        ("GET", "/admin/policies/group/readers", None),
        ("PUT", "/admin/policies/group/readers", {"statements": [allow("/*", methods=["*"])]}),
        ("DELETE", "/admin/policies/group/readers", None),
        ("GET", "/admin/revocations", None),
        ("POST", "/admin/revocations", {"sub": "somebody"}),
        ("DELETE", "/admin/revocations", {"sub": "somebody"}),
    ],
)
def test_a_caller_who_is_not_an_administrator_is_refused_by_the_gateway(
    api: Api, reader: str, machine: str, method: str, path: str, body: Any
) -> None:
    answers = [api.ask(method, path, token, body) for token in (reader, machine)]

    assert [error_of(answer) for answer in answers] == [(403, "not_permitted")] * 2
