"""Administrative actions on the running cloud are recorded, and only administrators read and undo them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from operations.command_line import main
from tests.e2e.clients import Answer, Api, UserGroup
from tests.e2e.cloud import Cloud, wait_for
from tests.e2e.test_administration import READ, claims, error_of
from tests.fakes import allow

EVERYTHING = allow("/*", methods=["*"], sid="everything")


def history(user_group: UserGroup, token: str | None = None) -> Answer:
    return user_group.api.ask("GET", f"{user_group.policy_path}/history", token or user_group.admin)


def roll_back(user_group: UserGroup, body: dict[str, Any], token: str | None = None) -> Answer:
    return user_group.api.ask("POST", f"{user_group.policy_path}/rollback", token or user_group.admin, body)


def entries(api: Api, admin: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = api.ask("GET", "/admin/audit?limit=100", admin).body["entries"]
    return listed


def test_a_rollback_is_effective_at_the_next_request_and_is_recorded(user_group: UserGroup) -> None:
    user_group.write([READ])
    user_group.write([])
    assert user_group.api.ask("GET", "/whoami", user_group.token).status == 403

    restored = roll_back(user_group, {"version": 1, "expected_version": 2})

    assert (restored.status, restored.body["version"]) == (200, 3)
    assert user_group.api.ask("GET", "/whoami", user_group.token).status == 200
    changes = history(user_group).body["history"]
    assert [(it["version"], it["before"], it["after"]) for it in changes] == [
        (3, [], [READ]),
        (2, [READ], []),
        (1, None, [READ]),
    ]
    assert {(it["by"], it["way"]) for it in changes} == {(claims(user_group.admin)["sub"], "api")}


def test_a_reader_and_an_editor_are_refused(user_group: UserGroup, reader: str) -> None:
    user_group.write([READ, allow("/reports", methods=["GET", "POST"], sid="edit")])
    for token in (reader, user_group.token):
        assert error_of(history(user_group, token)) == (403, "not_permitted")
        assert error_of(user_group.api.ask("GET", "/admin/audit", token)) == (403, "not_permitted")
        assert error_of(roll_back(user_group, {"version": 1}, token)) == (403, "not_permitted")
    assert history(user_group, token="not.a.token").status == 401
    assert user_group.read().body["version"] == 1


def test_a_caller_cannot_set_the_author_or_the_way_of_an_entry(user_group: UserGroup) -> None:
    user_group.write([READ])
    for forged in ({"by": "athena"}, {"way": "cli"}, {"at": "2020-01-01T00:00:00Z"}):
        assert error_of(roll_back(user_group, {"version": 1, **forged})) == (400, "invalid_input")
        assert error_of(user_group.write([READ], **forged)) == (400, "invalid_input")
    assert len(history(user_group).body["history"]) == 1


def test_a_rollback_that_leaves_no_administrator_is_refused(user_group: UserGroup) -> None:
    """The group is the only administrator for a moment."""
    api, admin = user_group.api, user_group.admin
    user_group.write([])
    user_group.write([EVERYTHING])
    admins = api.ask("GET", "/admin/policies/group/admins", admin).body
    member = user_group.token
    try:
        assert api.ask("PUT", "/admin/policies/group/admins", member, {"statements": []}).status == 200
        assert error_of(roll_back(user_group, {"version": 1}, member)) == (409, "last_administrator")
    finally:
        back = {"statements": admins["statements"]}
        assert api.ask("PUT", "/admin/policies/group/admins", member, back).status == 200
    assert roll_back(user_group, {"version": 1}).status == 200


def test_a_raw_edit_of_the_table_is_recorded_as_one_of_an_unknown_author(cloud: Cloud, user_group: UserGroup) -> None:
    user_group.write([READ])
    forged = [EVERYTHING]
    cloud.local_cloud.client("dynamodb").update_item(
        TableName=cloud.outputs["tables"]["policies"],
        Key={"subject": {"S": user_group.subject}},
        UpdateExpression="SET statements = :all, updated_by = :by",
        ExpressionAttributeValues={":all": {"S": json.dumps(forged)}, ":by": {"S": "athena@olympus.example"}},
    )

    changes = wait_for(lambda: len(found := history(user_group).body["history"]) == 2 and found, "the edit is recorded")

    edit = next(change for change in changes if change["way"] == "other")
    assert (edit["version"], edit["by"]) == (None, "unknown")
    assert (edit["before"], edit["after"]) == ([READ], forged)
    listed = next(it for it in entries(user_group.api, user_group.admin) if it["subject"] == user_group.subject)
    assert listed["detail"] in ({"claimed_by": "athena@***"}, {"version": 1})
    assert roll_back(user_group, {"version": 1}).body["statements"] == [READ]


def test_the_command_line_undoes_a_change_and_lists_it(
    cloud: Cloud, user_group: UserGroup, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEHOUSE_LOCAL", str(cloud.local_cloud.folder))
    user_group.write([READ])
    user_group.write([])

    assert main(["policies", "rollback", user_group.subject, "--to", "1", "--yes", "--stage", "local"]) == 0

    assert f"{user_group.name} gain GET /whoami" in capsys.readouterr().out
    assert user_group.api.ask("GET", "/whoami", user_group.token).status == 200
    newest = history(user_group).body["history"][0]
    assert (newest["version"], newest["way"]) == (3, "cli")
    assert newest["by"].startswith("arn:aws:")
    assert main(["audit", "--json", "--stage", "local"]) == 0
    listed = json.loads(capsys.readouterr().out)["entries"]
    assert (user_group.subject, "cli", {"version": 3}) in [(it["subject"], it["way"], it["detail"]) for it in listed]
