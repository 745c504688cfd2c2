"""The commands for an emergency, and the copies of the state, on the running cloud with the roles of the functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.shards import Shards
from operations.command_line import main
from tests.e2e.clients import Api, UserGroup
from tests.e2e.cloud import Cloud
from tests.fakes import allow

READ = [allow("/whoami", sid="read")]
WHY = ("--reason", "a stolen laptop")
Run = Callable[..., Any]


@pytest.fixture
def run(cloud: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs a command on the cloud. Afterwards, nothing is restricted."""
    monkeypatch.setenv("GATEHOUSE_LOCAL", str(cloud.local_cloud.folder))

    def command(*words: str) -> Any:
        assert main([*words, "--stage", "local", "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    yield command
    for kind in ("lockdown", "freeze"):
        command(kind, "--lift", *WHY)
    assert command("restrictions") == {"restrictions": [], "differences": []}


def test_a_lockdown_denies_everybody_from_the_next_request_on_and_lifting_it_allows_again(
    run: Run, user_group: UserGroup, api: Api, machine: str
) -> None:
    user_group.write(READ)
    assert api.ask("GET", "/whoami", user_group.token).status == 200
    run("lockdown", "--for", "30m", *WHY)
    for method, path in (("GET", "/whoami"), ("GET", "/admin/policies"), ("PUT", user_group.policy_path)):
        for token in (user_group.token, user_group.admin, machine):
            status, body = api.ask(method, path, token)
            assert (status, body["code"]) == (403, "locked_down"), (method, path)
            assert "is locked down until 2" in body["message"]
            assert WHY[1] not in body["message"], "callers do not learn the operator's reason"
    assert api.ask("GET", "/whoami", "not-a-token").status == 401
    assert api.ask("GET", "/").status == 200
    run("lockdown", "--lift", *WHY)
    assert api.ask("GET", "/whoami", user_group.token).status == 200


def test_a_freeze_refuses_policy_changes_of_the_api_and_of_the_files(
    run: Run, user_group: UserGroup, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    user_group.write(READ)
    run("freeze", "--for", "30m", *WHY)
    for method, body in (("PUT", {"statements": []}), ("DELETE", None)):
        refused = api.ask(method, user_group.policy_path, user_group.admin, body)
        assert (refused.status, refused.body["code"]) == (409, "policies_frozen")
        assert WHY[1] in refused.body["message"]
    refused = api.ask("POST", f"{user_group.policy_path}/rollback", user_group.admin, {"version": 1})
    assert (refused.status, refused.body["code"]) == (409, "policies_frozen")
    assert api.ask("GET", "/whoami", user_group.token).status == 200
    (found,) = run("restrictions")["restrictions"]
    assert (found["kind"], found["reason"]) == ("freeze", WHY[1])
    assert ":root" in found["author"] or ":user/" in found["author"]
    run("freeze", "--lift", *WHY)
    actions = [(it["action"], it["subject"], it["way"]) for it in run("audit")["entries"]]
    assert {("stage.freeze", "stage:local", "cli"), ("stage.lift_freeze", "stage:local", "cli")} <= set(actions)
    assert api.ask("PUT", user_group.policy_path, user_group.admin, {"statements": []}).status == 200


def test_the_functions_may_write_what_the_copies_of_the_state_need(
    run: Run, cloud: Cloud, user_group: UserGroup, api: Api, outputs: dict[str, Any]
) -> None:
    dynamodb, table = cloud.local_cloud.client("dynamodb"), outputs["tables"]["state"]
    shards = Shards(dynamodb, table)

    def copy() -> dict[str, Any]:
        item: dict[str, Any] = dynamodb.get_item(TableName=table, Key={"id": {"S": "shard:2"}})["Item"]
        return item

    shards.ensure(2)
    try:
        before = copy()
        user_group.write(READ)
        assert int(copy()["n"]["N"]) > int(before["n"]["N"])
        revocation = {"client": outputs["machine_client_id"]}
        assert api.ask("POST", "/admin/revocations", user_group.admin, revocation).status == 201
        assert int(copy()[f"client:{outputs['machine_client_id']}"]["N"]) > 0
        assert api.ask("DELETE", "/admin/revocations", user_group.admin, revocation).status == 204
        assert copy()[f"client:{outputs['machine_client_id']}"]["N"] == "-1"
        locked = run("lockdown", "--for", "30m", *WHY)
        assert copy()["locked_until"]["N"] == str(locked["until"])
        run("lockdown", "--lift", *WHY)
        assert copy()["locked_until"]["N"] == "0"
    finally:
        shards.shrink(1)
