"""The commands freeze, lockdown, restrictions and shards, on a stage inside the test process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.restrict import moment
from infra.audit_log import audit_log
from infra.cached_results import AUTHORIZER_TIMEOUT_SECONDS
from infra.shards import Shards
from infra.templates import read_json
from tests import mint
from tests.aws.tables import PROJECT, empty_tables
from tests.infra.restricted_stage import OUTPUTS, WHY, ZEUS, Run
from tests.infra.stages import project_in


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
    assert run.document("restrictions") == {"restrictions": [], "differences": []}
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


CHANGES = [("lockdown", *WHY), ("lockdown", *WHY, "--lift"), ("revoke", "--client", mint.WEB_CLIENT)]
FLUSH = ("flush_stage_authorizers_cache", {"restApiId": "olympus1", "stageName": "trial"})


@pytest.mark.parametrize("words", CHANGES, ids=" ".join)
def test_without_a_cache_nothing_is_flushed(run: Run, words: tuple[str, ...]) -> None:
    run.parameters = {"AuthorizerCacheSeconds": "0", "PolicyMaxStalenessSeconds": "0"}
    out = run(*words)[1]
    assert out.endswith("may still be answered for up to 5 s.\n") == (words[0] == "lockdown")
    assert "Cached" not in out
    assert run.account.calls == []


@pytest.mark.parametrize("words", CHANGES, ids=" ".join)
def test_a_cache_is_flushed_after_the_last_write_and_the_command_says_until_when_old_results_live(
    run: Run, words: tuple[str, ...]
) -> None:
    run.parameters = {"AuthorizerCacheSeconds": "300", "PolicyMaxStalenessSeconds": "10"}
    stored: list[Any] = []
    run.account.answer("apigateway", flush_stage_authorizers_cache=lambda **given: stored.append((given, items(run))))
    before = time.time()
    document = run.document(*words)
    assert before + 315 <= document["old_results_until"] <= time.time() + 316
    ((given, at_the_flush),) = stored
    assert (given, at_the_flush) == (FLUSH[1], items(run)), "the flush is after the last write"
    out = run(*words)[1]
    assert "API Gateway's cache was flushed, which can take a minute." in out
    assert "Cached results can be used until 2" in out


def items(run: Run) -> Any:
    return run.dynamodb.scan(TableName="StateTable")["Items"]


def test_the_bound_contains_the_timeout_of_the_authorizer() -> None:
    template = read_json(PROJECT, ".chalice/package.json")
    assert template["Resources"]["PolicyAuthorizer"]["Properties"]["Timeout"] == AUTHORIZER_TIMEOUT_SECONDS


def test_without_a_cache_of_the_gateway_the_readings_of_the_authorizers_count(run: Run) -> None:
    run.parameters = {"AuthorizerCacheSeconds": "0", "PolicyMaxStalenessSeconds": "10"}
    assert "Cached results can be used until 2" in run("lockdown", *WHY)[1]
    assert run.account.calls == []


@pytest.mark.parametrize("service", ["apigateway", "cloudformation"])
def test_a_lockdown_whose_flush_fails_is_done_and_warns(run: Run, service: str) -> None:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DELETE")

    run.parameters = {"AuthorizerCacheSeconds": "300"}
    run.account.answer(service, flush_stage_authorizers_cache=refuse, describe_stack_resource=refuse)
    status, out, err = run("lockdown", *WHY)
    assert (status, out.startswith("lockdown of trial: until 2")) == (0, True)
    assert err.startswith("Warning: API Gateway's cache was not flushed: ")
    assert "AccessDeniedException" in err
    assert "Cached results can be used until 2" in err


def test_a_stage_without_an_application_stack_gets_the_general_bound(run: Run) -> None:
    found = run.account("cloudformation").answers["describe_stacks"]

    def describe(StackName: str, **_: Any) -> Any:
        if StackName.endswith("application"):
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "it does not exist"}}, "DescribeStacks")
        return found()

    run.account.answer("cloudformation", describe_stacks=describe)
    out = run("lockdown", *WHY)[1]
    assert "Cached results can be used for AUTHORIZER_CACHE_SECONDS + POLICY_MAX_STALENESS_SECONDS." in out
    assert run.document("lockdown", *WHY)["old_results_until"] is None


@pytest.mark.parametrize("kind", ["freeze", "lockdown"])
@pytest.mark.parametrize("duration", ["", "2", "h", "0h", "-1h", "1.5h", "2 h", "90s", "8d", "9999999m"])
def test_a_duration_that_is_not_sensible_is_refused_before_anything_is_written(
    run: Run, kind: str, duration: str
) -> None:
    status, out, err = run(kind, "--for", duration, *WHY)
    assert (status, out) == (1, "")
    assert "for: " in err
    assert run.document("restrictions") == {"restrictions": [], "differences": []}


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
