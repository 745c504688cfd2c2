"""An explanation agrees with the gateway, a caller without /admin gets none, and an administrator always remains."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.configured import PRIVILEGED_GROUP
from tests.e2e.clients import Answer, Api, Guild
from tests.fakes import allow, deny

READ = allow("/whoami", sid="read")
EVERYTHING = allow("/*", methods=["*"], sid="everything")
QUESTION = {"method": "GET", "path": "/whoami"}


def explain(guild: Guild, **question: Any) -> dict[str, Any]:
    answer = guild.api.ask("POST", "/admin/explain", guild.admin, {**QUESTION, **question})
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
def test_an_explanation_agrees_with_the_gateway(guild: Guild, rules: list[dict[str, Any]]) -> None:
    guild.write(rules)

    status = guild.api.ask("GET", "/whoami", guild.token).status

    by_token = explain(guild, token=guild.token)
    by_user = explain(guild, username=guild.member.username, scopes=["openid"])
    assert by_token == by_user
    assert (status == 200) is by_token["allowed"]
    assert by_token["policies"] == [f"{guild.subject}@1"]
    assert guild.token not in json.dumps(by_token)


def test_the_nearest_change_reverses_the_decision_of_the_gateway(guild: Guild) -> None:
    guild.write([allow("/whoami", methods=["PUT"], sid="write")])
    nearest = explain(guild, token=guild.token)["nearest"]
    assert (nearest["sid"], nearest["kind"], nearest["value"]) == ("write", "extend", "GET")

    guild.write([allow("/whoami", methods=["PUT", "GET"], sid="write")])

    assert guild.api.ask("GET", "/whoami", guild.token).status == 200


def test_a_changed_token_is_explained_as_the_gateway_refuses_it(guild: Guild) -> None:
    guild.write([READ])
    changed = guild.token[:-8] + "AAAAAAAA"
    assert guild.api.ask("GET", "/whoami", changed).status == 401
    assert explain(guild, token=changed)["reason"] == "bad_signature"


def test_the_matrix_shows_the_policy_of_the_group(guild: Guild) -> None:
    guild.write([READ])
    cells = guild.api.ask("GET", "/admin/matrix", guild.admin).body["cells"]
    own = {(cell["method"], cell["path"]): cell["access"] for cell in cells if cell["subject"] == guild.subject}
    assert {path for (_, path), access in own.items() if access == "allowed"} == {"/", "/whoami"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/admin/routes", None),
        ("GET", "/admin/matrix", None),
        ("POST", "/admin/explain", {**QUESTION, "groups": [PRIVILEGED_GROUP]}),
    ],
)
def test_only_an_administrator_gets_an_explanation(
    api: Api, reader: str, machine: str, guild: Guild, method: str, path: str, body: Any
) -> None:
    guild.write([READ])
    answers = [api.ask(method, path, token, body) for token in (reader, machine, guild.token, None)]
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
    guild: Guild, change: tuple[str, dict[str, Any] | None]
) -> None:
    guild.write([allow("/admin/*"), allow("/admin/policies/client/*", methods=["PUT"], sid="machines")])
    before = guild.api.ask("GET", ADMINS, guild.admin)
    method, body = change

    answer = guild.api.ask(method, ADMINS, guild.admin, body)

    assert (answer.status, answer.body["code"]) == (409, "last_administrator")
    assert guild.api.ask("GET", ADMINS, guild.admin) == before


def test_one_of_two_administrators_can_be_removed_and_the_other_one_stays(
    new_guild: Callable[..., Guild],
) -> None:
    owners = new_guild()
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
    new_guild: Callable[..., Guild], api: Api, admin: str
) -> None:
    statements = api.ask("GET", ADMINS, admin).body["statements"]
    for _ in range(5):
        owners = new_guild()
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
