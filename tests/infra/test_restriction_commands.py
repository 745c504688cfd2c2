"""The commands freeze, lockdown, restrictions and shards, on a stage inside the test process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.restrict import moment
from infra.audit_log import audit_log
from infra.shards import Shards
from operations.command_line import main
from tests.aws.tables import empty_tables
from tests.infra.account import Account
from tests.infra.stages import project_in

ZEUS = "arn:aws:iam::123456789012:user/zeus"
OUTPUTS = {
    "PolicyTableName": "PolicyTable",
    "StateTableName": "StateTable",
    "AuditTableName": "AuditTable",
    "AuditRetentionDays": "365",
}
WHY = ("--reason", "a leak")
Command = Callable[..., tuple[int, str, str]]


class Run:
    """Runs a command. `variables` are those of the authorizer's live version."""

    def __init__(self, project: Path, capsys: pytest.CaptureFixture[str], dynamodb: Any) -> None:
        self.variables: dict[str, str] = {}
        self.dynamodb = dynamodb
        self._project, self._capsys = project, capsys
        described = [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]
        functions = {
            "get_alias": {"FunctionVersion": "7"},
            "get_function_configuration": lambda **_: {"Environment": {"Variables": self.variables}},
        }
        self._account = Account(
            sts={"get_caller_identity": {"Account": "123456789012", "Arn": ZEUS}},
            cloudformation={"describe_stacks": {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "Outputs": described}]}},
            **{"lambda": functions},
        )

    def __call__(self, *words: str) -> tuple[int, str, str]:
        status = main([*words, "--stage", "trial"], self._project, lambda _stage: self._client)
        said = self._capsys.readouterr()
        return status, said.out, said.err

    def document(self, *words: str) -> Any:
        status, out, _ = self(*words, "--json")
        assert status == 0
        return json.loads(out)

    def _client(self, service: str) -> Any:
        return self.dynamodb if service == "dynamodb" else self._account(service)


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    with empty_tables() as dynamodb:
        yield Run(project_in(tmp_path, "region: us-east-1"), capsys, dynamodb)


@pytest.mark.parametrize("kind", ["freeze", "lockdown"])
def test_a_restriction_is_stored_recorded_shown_and_lifted(run: Run, kind: str) -> None:
    status, out, err = run(kind, "--for", "2h", *WHY)
    assert (status, err, out.startswith(f"{kind} of trial: until 2")) == (0, "", True)
    (found,) = run.document("restrictions")["restrictions"]
    assert (found["kind"], found["reason"], found["author"]) == (kind, "a leak", ZEUS)
    assert "a leak" in run("restrictions")[1]
    assert run(kind, "--lift", "--reason", "over")[0] == 0
    assert run.document("restrictions") == {"restrictions": []}
    entries = audit_log(OUTPUTS, run.dynamodb).list(10, None).entries
    assert [(it.action, it.subject, it.by, it.way, it.detail) for it in entries] == [
        (f"stage.lift_{kind}", "stage:trial", ZEUS, "cli", {"reason": "over"}),
        (f"stage.{kind}", "stage:trial", ZEUS, "cli", {"reason": "a leak", "until": moment(found["until"])}),
    ]


def test_a_lockdown_works_without_the_audit_table_and_a_freeze_does_not(run: Run) -> None:
    run.dynamodb.delete_table(TableName="AuditTable")
    status, out, err = run("lockdown", *WHY)
    assert (status, out.startswith("lockdown of trial: until 2")) == (0, True)
    assert err.startswith("Warning: the lockdown is not in the audit log (audit_unreachable: ")
    status, _, err = run("freeze", *WHY)
    assert (status, "audit_unreachable" in err or "ResourceNotFoundException" in err) == (1, True)
    assert run("lockdown", "--lift", *WHY)[0] == 1
    assert [it["kind"] for it in run.document("restrictions")["restrictions"]] == ["lockdown"]


def test_a_lockdown_says_what_it_does_not_stop(run: Run) -> None:
    out = run("lockdown", *WHY)[1]
    for bound in ("5 s", "AUTHORIZER_CACHE_SECONDS", "POLICY_MAX_STALENESS_SECONDS"):
        assert bound in out


@pytest.mark.parametrize("kind", ["freeze", "lockdown"])
@pytest.mark.parametrize("duration", ["", "2", "h", "0h", "-1h", "1.5h", "2 h", "90s", "8d", "9999999m"])
def test_a_duration_that_is_not_sensible_is_refused_before_anything_is_written(
    run: Run, kind: str, duration: str
) -> None:
    status, out, err = run(kind, "--for", duration, *WHY)
    assert (status, out) == (1, "")
    assert "for: " in err
    assert run.document("restrictions") == {"restrictions": []}


def test_unused_copies_are_removed_and_copies_that_are_read_are_kept(run: Run) -> None:
    Shards(run.dynamodb, "StateTable").ensure(8)
    run.variables = {"STATE_SHARDS": "3"}
    assert run.document("shards") == {"read": 3, "stored": 8, "unusable": []}
    assert run.document("shards", "--remove-unused") == {"read": 3, "stored": 3, "unusable": []}
    assert run.document("shards", "--remove-unused")["stored"] == 3
    run.variables = {}
    assert run.document("shards", "--remove-unused") == {"read": 1, "stored": 1, "unusable": []}
    assert "that the authorizers read" in run("shards")[1]


def test_copies_are_not_removed_if_an_authorizer_reads_more_than_exist(run: Run) -> None:
    Shards(run.dynamodb, "StateTable").ensure(2)
    run.variables = {"STATE_SHARDS": "4"}
    status, _, err = run("shards", "--remove-unused")
    assert (status, err) == (
        1,
        "Refused: the authorizers read 4 copies, but only 2 exist. Deploy the stage again.\n",
    )
    assert run.document("shards")["stored"] == 2
