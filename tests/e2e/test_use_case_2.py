"""Use case 2: the policies decide what each group and each machine can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.configured import DEFAULT_GROUP, PRIVILEGED_GROUP
from tests.e2e.clients import Answer, Api, UserGroup, Users
from tests.e2e.decisions import REFUSED, Request, check_decisions
from tests.fakes import allow, deny

NOBODY = "/admin/policies/group/nobody"


@pytest.fixture(scope="module")
def callers(users: Users, reader: str, admin: str, machine: str) -> dict[str, str]:
    # Cognito puts federated users into such a group.
    unknown = users.new_group()
    return {
        "reader": reader,
        "admin": admin,
        "machine": machine,
        "no group": users.token_of(users.new()),
        "unknown group": users.token_of(users.new(unknown)),
        "reader of an unknown group": users.token_of(users.new(unknown, DEFAULT_GROUP)),
    }


# The expected status for each request. 404 and 400 are responses of the service: the gateway admitted the request.
REQUESTS: list[Request] = [
    ("GET", "/whoami", None),
    ("GET", NOBODY, None),
    ("PUT", NOBODY, {"statement": []}),
    ("DELETE", NOBODY, None),
    ("GET", "/admin/policies", None),
    ("GET", "/admin/revocations", None),
]
EXPECTED = {
    "reader": [200, 403, 403, 403, 403, 403],
    "admin": [200, 404, 400, 404, 200, 200],
    "machine": [200, 403, 403, 403, 403, 403],
    "no group": [403] * len(REQUESTS),
    "unknown group": [403] * len(REQUESTS),
    "reader of an unknown group": [200, 403, 403, 403, 403, 403],
}


@pytest.mark.parametrize("caller", EXPECTED)
def test_each_caller_gets_the_expected_status_for_each_request(callers: dict[str, str], api: Api, caller: str) -> None:
    check_decisions(api, callers[caller], REQUESTS, EXPECTED[caller])


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_without_a_token_every_route_returns_401(api: Api, method: str, path: str, body: Any) -> None:
    assert api.ask(method, path, None, body) == REFUSED


def test_a_garbage_token_returns_401(api: Api) -> None:
    assert api.ask("GET", "/whoami", "not.a.token") == REFUSED


def test_an_id_token_is_refused(api: Api, users: Users) -> None:
    granted = users.sign_in(users.new(PRIVILEGED_GROUP))

    assert api.ask("GET", "/whoami", granted["id_token"]).status == 401


def test_a_denial_names_the_effective_policies(api: Api, reader: str) -> None:
    answer = api.ask("GET", "/admin/policies", reader)

    assert (answer.status, answer.body["code"]) == (403, "not_permitted")
    expected = f"GET /admin/policies is not permitted: the policies in force are group:{DEFAULT_GROUP}@"
    assert answer.body["message"].startswith(expected)


def test_a_denial_reports_that_no_policy_applies(api: Api, callers: dict[str, str]) -> None:
    answer = api.ask("GET", "/whoami", callers["no group"])

    message = "GET /whoami is not permitted: no policy applies to the caller"
    assert answer == Answer(403, {"message": message, "code": "no_policy"})


def test_whoami_returns_the_user(api: Api, users: Users, outputs: dict[str, Any]) -> None:
    person = users.new(DEFAULT_GROUP)

    told = api.ask("GET", "/whoami", users.token_of(person)).body

    assert told.pop("policies")[0].startswith(f"group:{DEFAULT_GROUP}@")
    assert told == {
        "subject": person.sub,
        "kind": "person",
        "username": person.sub,
        "client": outputs["web_client_id"],
    }


def test_whoami_returns_the_app_client_of_a_machine(api: Api, machine: str, outputs: dict[str, Any]) -> None:
    client = outputs["machine_client_id"]

    told = api.ask("GET", "/whoami", machine).body

    assert told.pop("policies")[0].startswith(f"client:{client}@")
    assert told == {"subject": client, "kind": "machine", "username": "", "client": client}


def test_a_deny_overrides_the_allow_of_another_group(api: Api, new_user_group: Callable[..., UserGroup]) -> None:
    suspended = new_user_group(PRIVILEGED_GROUP)
    assert api.ask("GET", NOBODY, suspended.token).status == 404

    suspended.write([deny(NOBODY, methods=["*"], sid="suspended")])

    refused = api.ask("GET", NOBODY, suspended.token)
    assert (refused.status, refused.body["code"]) == (403, "not_permitted")
    assert api.ask("GET", "/admin/policies", suspended.token).status == 200


@pytest.mark.parametrize("spelling", ["{}/", "{}//", "/{}", "{}%2F", "{}/.", "{}?x=1", "{}#x"])
def test_another_spelling_of_the_path_does_not_bypass_a_deny(
    api: Api, new_user_group: Callable[..., UserGroup], spelling: str
) -> None:
    suspended = new_user_group(PRIVILEGED_GROUP)
    suspended.write([deny("/admin/policies", methods=["*"], sid="suspended")])

    assert api.ask("GET", spelling.format("/admin/policies"), suspended.token).status in (403, 404)


def test_the_policy_of_a_client_adds_permissions_to_its_machine(
    api: Api, machine: str, admin: str, outputs: dict[str, Any]
) -> None:
    path = f"/admin/policies/client/{outputs['machine_client_id']}"
    before = api.ask("GET", path, admin).body["statements"]
    auditor = [*before, allow("/admin/revocations", sid="audit")]

    try:
        assert api.ask("PUT", path, admin, {"statements": auditor}).status == 200
        assert api.ask("GET", "/admin/revocations", machine).status == 200
    finally:
        api.ask("PUT", path, admin, {"statements": before})
    assert api.ask("GET", "/admin/revocations", machine).status == 403


def test_a_statement_with_scopes_applies_only_to_tokens_with_one_of_them(
    api: Api, users: Users, user_group: UserGroup, outputs: dict[str, Any]
) -> None:
    read = outputs["scopes"]["read"]
    user_group.write([allow("/whoami", sid="with-scope", scopes=[read])])

    with_scope = users.sign_in(user_group.member, scope=f"openid {read}")["access_token"]

    assert api.ask("GET", "/whoami", user_group.token).status == 403
    assert api.ask("GET", "/whoami", with_scope).status == 200


def test_the_policy_of_an_app_client_gives_no_permission_to_its_users(
    api: Api, users: Users, admin: str, outputs: dict[str, Any]
) -> None:
    person = users.token_of(users.new())
    path = f"/admin/policies/client/{outputs['web_client_id']}"

    try:
        assert api.ask("PUT", path, admin, {"statements": [allow("/whoami", sid="for-machines")]}).status == 200
        assert api.ask("GET", "/whoami", person).status == 403
    finally:
        assert api.ask("DELETE", path, admin).status == 204
