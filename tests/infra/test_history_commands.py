"""The commands that show the changes of a policy and undo one, and the list of all administrative actions."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.audit import RecordEdit
from chalicelib.aws.audit import AuditTable
from chalicelib.core.audit import PolicyEdit, PolicyImage
from chalicelib.core.errors import Conflict
from chalicelib.wiring import administer_with
from operations.command_line import main
from operations.policy_history import line_of
from tests.aws.tables import dynamodb_client, empty_tables
from tests.fakes import allow, statements
from tests.infra.account import Account
from tests.infra.stages import project_in

Command = Callable[..., tuple[int, str, str]]

OPERATOR = "arn:aws:sts::123456789012:assumed-role/Operator/zeus@olympus.example"
EVERYTHING, WHOAMI = allow("/*", methods=["*"], sid="all"), allow("/whoami", sid="who-am-i")
CLERKS = "group:clerks"


def api() -> Any:
    log = AuditTable(dynamodb_client(), "AuditTable", 365, write_line=lambda _line: None)
    return administer_with(dynamodb_client(), "PolicyTable", "StateTable", log)


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Runs a command on a stage. Through the API, athena has written two versions of the policy of the clerks."""
    with empty_tables() as dynamodb:
        cognito = boto3.client("cognito-idp", region_name="us-east-1")
        pool_id = cognito.create_user_pool(PoolName="olympus")["UserPool"]["Id"]
        cognito.create_group(UserPoolId=pool_id, GroupName="admins")
        outputs = {"UserPoolId": pool_id, "PolicyTableName": "PolicyTable", "StateTableName": "StateTable"}
        outputs |= {"AuditTableName": "AuditTable", "AuditRetentionDays": "365", "MachineClientId": "machineofolympus"}
        described = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        account = Account(
            sts={"get_caller_identity": {"Account": "123456789012", "Arn": OPERATOR}},
            cloudformation={"describe_stacks": {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "Outputs": described}]}},
        )
        services = {"cognito-idp": cognito, "dynamodb": dynamodb}
        project = project_in(tmp_path, "region: us-east-1")
        api().put_policy("group:admins", statements(EVERYTHING), "athena-sub")
        api().put_policy(CLERKS, statements(WHOAMI), "athena-sub")
        api().put_policy(CLERKS, (), "athena-sub")

        def run(*words: str) -> tuple[int, str, str]:
            connect = lambda _stage: lambda service: services.get(service) or account(service)  # noqa: E731
            status = main([*words, "--stage", "trial"], project, connect)
            said = capsys.readouterr()
            return status, said.out, said.err

        yield run


def document(command: Command, *words: str) -> Any:
    status, out, err = command(*words, "--json")
    assert (status, err) == (0, "")
    return json.loads(out)


def test_a_policy_is_shown(command: Command) -> None:
    status, out, err = command("policies", "show", "group:admins")
    assert (status, err) == (0, "")
    assert out.startswith("group:admins: version 1, by athena-sub at ")
    assert out.endswith("\n  all: Allow * /*\n")
    assert document(command, "policies", "show", "group:admins")["statements"] == [EVERYTHING]


def test_a_statement_is_shown_with_its_conditions() -> None:
    conditions = allow("/pay", sid="pay", scopes=["pay.write"], signed_in_within=900)
    (statement,) = statements(conditions)
    assert line_of(statement) == "pay: Allow GET /pay for a token with pay.write, for 900 s after the sign-in"


def test_the_history_shows_the_routes_that_each_change_gave_and_took(command: Command) -> None:
    status, out, err = command("policies", "history", CLERKS)
    assert (status, err) == (0, "")
    newest, lost, oldest, gained = out.splitlines()
    assert newest.startswith("version 2: ")
    assert newest.endswith(" by athena-sub (api)")
    assert oldest.startswith("version 1: ")
    assert (lost, gained) == ("  clerks lose GET /whoami", "  clerks gain GET /whoami")


def test_the_history_has_pages(command: Command) -> None:
    first = document(command, "policies", "history", CLERKS, "--limit", "1")
    second = document(command, "policies", "history", CLERKS, "--limit", "1", "--before", first["next"])
    assert [change["version"] for change in first["history"] + second["history"]] == [2, 1]
    assert "next" not in second


def test_a_rollback_is_made_in_the_name_of_the_operator(command: Command) -> None:
    status, out, err = command("policies", "rollback", CLERKS, "--to", "1", "--yes")
    assert (status, err) == (0, "")
    assert out == (
        "group:clerks: write version 1 over version 2\n  clerks gain GET /whoami\ndone: group:clerks is at version 3\n"
    )
    newest = document(command, "policies", "history", CLERKS)["history"][0]
    assert (newest["version"], newest["after"], newest["way"]) == (3, [WHOAMI], "cli")
    assert newest["by"] == "arn:aws:sts::123456789012:assumed-role/Operator/zeus@***"


@pytest.mark.parametrize(
    ("version", "replaced"),
    [({"N": "2"}, "version 2"), (None, "an item without a version")],
    ids=["with its version", "without a version"],
)
def test_a_rollback_replaces_a_corrupt_policy(command: Command, version: Any, replaced: str) -> None:
    corrupt = {"subject": {"S": CLERKS}, "statements": {"S": "allow all"}, "version": version}
    dynamodb_client().put_item(TableName="PolicyTable", Item={name: it for name, it in corrupt.items() if it})
    assert command("policies", "show", CLERKS)[::2] == (
        1,
        f"{CLERKS}: a stored policy is not in the form that Gatehouse writes. Its callers get HTTP 500."
        " Restore a version with `policies rollback`.\n",
    )
    status, out, err = command("policies", "rollback", CLERKS, "--to", "1", "--yes")
    assert (status, err) == (0, "")
    headline, gained, done = out.splitlines()
    assert headline == f"{CLERKS}: write version 1 over {replaced}, which is corrupt: its callers get HTTP 500"
    assert gained == "  clerks gain GET /whoami"
    assert document(command, "policies", "show", CLERKS)["statements"] == [WHOAMI]
    assert done.startswith(f"done: {CLERKS} is at version ")


def test_a_rollback_asks_first(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    status, out, _ = command("policies", "rollback", CLERKS, "--to", "1")
    assert (status, out.splitlines()[-1]) == (0, "Roll back? [y/N] nothing changed")
    assert document(command, "policies", "show", CLERKS)["version"] == 2


def test_a_freeze_refuses_a_rollback_and_leaves_no_entry_of_it(command: Command) -> None:
    command("freeze", "--reason", "an audit")
    before = document(command, "audit")
    status, _, err = command("policies", "rollback", CLERKS, "--to", "1", "--yes")
    assert (status, "policy changes are refused until 2" in err, "an audit" in err) == (1, True, True)
    with pytest.raises(Conflict) as refused:
        api().rollback(CLERKS, 1, "athena-sub")
    assert refused.value.code == "policies_frozen"
    assert document(command, "audit") == before
    assert document(command, "policies", "show", CLERKS)["version"] == 2
    command("freeze", "--lift", "--reason", "over")
    assert command("policies", "rollback", CLERKS, "--to", "1", "--yes")[0] == 0


def test_a_rollback_prints_one_json_document(command: Command) -> None:
    done = document(command, "policies", "rollback", CLERKS, "--to", "1", "--yes")
    assert (done["version"], done["statements"], done["reach"]) == (3, [WHOAMI], ["clerks gain GET /whoami"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("show", "group:nobody"),
            "group:nobody: a policy for group:nobody does not exist. `policies history` lists the versions of a"
            " policy.\n",
        ),
        (("show", "clerks"), "subject: 'clerks' is neither group:<name> nor client:<app client id>\n"),
        (
            ("rollback", CLERKS, "--to", "9", "--yes"),
            "--to 9: version 9 of the policy for group:clerks does not exist. The recorded versions are 1 to 2."
            " `policies history` lists the versions of a policy.\n",
        ),
        (
            ("rollback", CLERKS, "--to", "1", "--json"),
            "With --json, the command cannot ask for a confirmation. Pass --yes as well.\n",
        ),
    ],
)
def test_a_refusal_is_one_line_and_changes_nothing(command: Command, words: tuple[str, ...], message: str) -> None:
    before = document(command, "audit")
    status, _, err = command("policies", *words)
    assert (status, err.count("\n")) == (1, 1)
    assert err.startswith(message)
    assert document(command, "audit") == before


def test_a_rollback_that_leaves_no_administrator_needs_force(command: Command) -> None:
    api().put_policy("group:admins", (), "athena-sub")
    api().put_policy("group:admins", statements(EVERYTHING), "athena-sub")
    status, _, err = command("policies", "rollback", "group:admins", "--to", "2", "--yes")
    assert (status, err.count("\n")) == (1, 1)
    assert err.startswith("group:admins: without this policy of group:admins, no group with an enabled user who")
    assert command("policies", "rollback", "group:admins", "--to", "2", "--yes", "--force")[0] == 0
    assert document(command, "policies", "show", "group:admins")["version"] == 4


def test_a_raw_edit_of_the_table_appears_in_the_history_without_a_version(command: Command) -> None:
    """As the stream handler records it."""
    log = AuditTable(dynamodb_client(), "AuditTable", 365, write_line=lambda _line: None)
    before, after = PolicyImage(2, ()), PolicyImage(2, statements(EVERYTHING), updated_by="nobody")
    RecordEdit(log)(PolicyEdit("event-1", 4_000_000_000, CLERKS, before, after))
    out = command("policies", "history", CLERKS)[1]
    assert out.startswith("an edit: 2096-10-02T07:06:40.000000Z by unknown (other)\n")
    newest = document(command, "audit")["entries"][0]
    assert (newest["way"], newest["detail"]) == ("other", {"claimed_by": "nobody"})


def test_the_audit_log_is_a_table(command: Command) -> None:
    command("revoke", "--client", "MachineClientId")
    headings, newest, *_ = command("audit")[1].splitlines()
    assert headings.split() == ["at", "by", "way", "action", "subject", "detail"]
    assert newest.split()[1:] == [
        OPERATOR.replace("olympus.example", "***"),
        "cli",
        "revocation.add",
        "client:machineofolympus",
    ]


def test_a_stage_of_an_earlier_release_has_no_audit_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    described = [{"OutputKey": name, "OutputValue": "a-table"} for name in ("PolicyTableName", "StateTableName")]
    account = Account(
        sts={"get_caller_identity": {"Account": "123456789012"}},
        cloudformation={"describe_stacks": {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "Outputs": described}]}},
        dynamodb={},
    )
    assert main(["audit", "--stage", "trial"], project_in(tmp_path), lambda _: account) == 1
    assert "has no audit table. Deploy the stage with this release first." in capsys.readouterr().err
