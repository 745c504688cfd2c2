"""An explanation agrees with the gateway, a caller without /admin gets none, and an administrator always remains."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.configured import PRIVILEGED_GROUP
from tests.e2e.clients import Answer, Api, UserGroup
from tests.fakes import allow, deny
from tests.public_routes import PUBLIC

READ = allow("/whoami", sid="read")
EVERYTHING = allow("/*", methods=["*"], sid="everything")
QUESTION = {"method": "GET", "path": "/whoami"}


def explain(user_group: UserGroup, **question: Any) -> dict[str, Any]:
    answer = user_group.api.ask("POST", "/admin/explain", user_group.admin, {**QUESTION, **question})
    assert answer.status == 200, answer
    body: dict[str, Any] = answer.body
    return body


RULES: list[list[dict[str, Any]]] = [
    [],
    [READ],
    [allow("/who*", methods=["*"])],
    [READ, deny("/*", sid="freeze")],
    [allow("/whoami", methods=["PUT"])],
    [allow("/whoami", scopes=["openid"])],
    [READ, deny("/whoami", scopes=["openid"])],
    [allow("/whoami", scopes=["https://elsewhere.example/none"])],
]


@pytest.mark.parametrize("rules", RULES, ids=str)
def test_an_explanation_agrees_with_the_gateway(user_group: UserGroup, rules: list[dict[str, Any]]) -> None:
    user_group.write(rules)

    status = user_group.api.ask("GET", "/whoami", user_group.token).status

    by_token = explain(user_group, token=user_group.token)
    by_user = explain(user_group, username=user_group.member.username, scopes=["openid"])
    assert by_token == by_user
    assert (status == 200) is by_token["allowed"]
    assert by_token["policies"] == [f"{user_group.subject}@1"]
    assert user_group.token not in json.dumps(by_token)


def test_the_nearest_change_reverses_the_decision_of_the_gateway(user_group: UserGroup) -> None:
    user_group.write([allow("/whoami", methods=["PUT"], sid="write")])
    nearest = explain(user_group, token=user_group.token)["nearest"]
    assert (nearest["sid"], nearest["kind"], nearest["value"]) == ("write", "extend", "GET")

    user_group.write([allow("/whoami", methods=["PUT", "GET"], sid="write")])

    assert user_group.api.ask("GET", "/whoami", user_group.token).status == 200


def test_a_changed_token_is_explained_as_the_gateway_refuses_it(user_group: UserGroup) -> None:
    user_group.write([READ])
    changed = user_group.token[:-8] + "AAAAAAAA"
    assert user_group.api.ask("GET", "/whoami", changed).status == 401
    assert explain(user_group, token=changed)["reason"] == "bad_signature"


def test_the_matrix_shows_the_policy_of_the_group(user_group: UserGroup) -> None:
    user_group.write([READ])
    cells = user_group.api.ask("GET", "/admin/matrix", user_group.admin).body["cells"]
    public = {path for method, path in PUBLIC}
    own = {(cell["method"], cell["path"]): cell["access"] for cell in cells if cell["subject"] == user_group.subject}
    assert {path for (_, path), access in own.items() if access == "allowed"} == {*public, "/whoami"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/admin/routes", None),
        ("GET", "/admin/matrix", None),
        ("POST", "/admin/explain", {**QUESTION, "groups": [PRIVILEGED_GROUP]}),
    ],
)
def test_only_an_administrator_gets_an_explanation(
    api: Api, reader: str, machine: str, user_group: UserGroup, method: str, path: str, body: Any
) -> None:
    user_group.write([READ])
    answers = [api.ask(method, path, token, body) for token in (reader, machine, user_group.token, None)]
    assert [answer.status for answer in answers] == [403, 403, 403, 401]


# --- the last administrator ---

ADMINS = f"/admin/policies/group/{PRIVILEGED_GROUP}"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(("PUT", {"statements": []}), id="no statement"),
        pytest.param(("PUT", {"statements": [allow("/*")]}), id="only to read"),
        pytest.param(
            ("PUT", {"statements": [EVERYTHING, deny("/admin/*", methods=["PUT"], scopes=["openid"])]}),
            id="a Deny for the scope of every person",
        ),
        pytest.param(("DELETE", None), id="a deletion"),
        pytest.param(("DELETE", {"force": False}), id="a deletion that is not forced"),
    ],
)
def test_the_last_administrator_cannot_be_removed_by_accident(
    user_group: UserGroup, change: tuple[str, dict[str, Any] | None]
) -> None:
    user_group.write([allow("/admin/*"), allow("/admin/policies/client/*", methods=["PUT"], sid="machines")])
    before = user_group.api.ask("GET", ADMINS, user_group.admin)
    method, body = change

    answer = user_group.api.ask(method, ADMINS, user_group.admin, body)

    assert (answer.status, answer.body["code"]) == (409, "last_administrator")
    assert user_group.api.ask("GET", ADMINS, user_group.admin) == before


def test_one_of_two_administrators_can_be_removed_and_the_other_one_stays(
    new_user_group: Callable[..., UserGroup],
) -> None:
    owners = new_user_group()
    owners.write([EVERYTHING])
    statements = owners.api.ask("GET", ADMINS, owners.admin).body["statements"]

    assert owners.api.ask("PUT", ADMINS, owners.admin, {"statements": []}).status == 200  # the owners remain
    assert owners.api.ask("GET", ADMINS, owners.admin).status == 403
    refused = owners.api.ask("PUT", owners.policy_path, owners.token, {"statements": []})
    assert (refused.status, refused.body["code"]) == (409, "last_administrator")
    assert owners.api.ask("PUT", ADMINS, owners.token, {"statements": statements}).status == 200


def test_a_group_that_the_pool_does_not_have_is_no_administrator(api: Api, admin: str) -> None:
    ghosts = "/admin/policies/group/ghosts-of-e2e"
    assert api.ask("PUT", ghosts, admin, {"statements": [EVERYTHING]}).status == 200
    try:
        assert api.ask("DELETE", ADMINS, admin).status == 409
    finally:
        assert api.ask("DELETE", ghosts, admin) == Answer(204)


def test_two_administrators_cannot_remove_each_other_at_the_same_time(
    new_user_group: Callable[..., UserGroup], api: Api, admin: str
) -> None:
    statements = api.ask("GET", ADMINS, admin).body["statements"]
    for _ in range(5):
        owners = new_user_group()
        owners.write([EVERYTHING])
        changes = [(ADMINS, owners.token), (owners.policy_path, admin)]
        with ThreadPoolExecutor(2) as pool:
            statuses = list(
                pool.map(lambda it: Api(api.url).ask("PUT", it[0], it[1], {"statements": []}).status, changes)
            )
        assert sorted(statuses) != [200, 200]
        survivor = owners.token if statuses[0] == 200 else admin
        assert api.ask("PUT", ADMINS, survivor, {"statements": statements}).status == 200
        assert owners.write([]).status == 200
