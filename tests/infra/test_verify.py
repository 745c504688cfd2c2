"""`verify` against a simulated stage: it finds nothing wrong with a sound one, and every tampering by its check."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra import functions
from infra.chalice_config import write_config
from infra.chalice_state import ChaliceState, Memory
from infra.checks import stream
from infra.checks.live import Live
from infra.checks.stack import drift
from infra.discovery import Client
from infra.verify import CHECKS, PROJECT, Finding, verify
from tests.infra import simulated, tampered_api, tampered_data, tampered_people
from tests.infra.doctored import DOCTORED, Change, denied, doctored, set_in
from tests.infra.stages import project_in
from tests.infra.target import Tampering, Target

TAMPERINGS = {**tampered_people.TAMPERINGS, **tampered_data.TAMPERINGS, **tampered_api.TAMPERINGS}
BY_NAME = {check.control: check for check in CHECKS}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with simulated.account(tmp_path_factory.mktemp("olympus")) as place:
        simulated.deploy(place)
        yield Target(simulated.STAGE, cache(place.client))


def bad(target: Target, client: Client | None = None) -> list[Finding]:
    return [finding for finding in verify(target.stage, client or target.client) if not finding.ok]


def found_by(target: Target, control: str, client: Client | None = None) -> Finding:
    (finding,) = verify(target.stage, client or target.client, checks=[BY_NAME[control]])
    return finding


def test_nothing_is_wrong_with_a_stage_as_it_was_deployed(target: Target):
    findings = verify(target.stage, target.client)
    assert [finding for finding in findings if not finding.ok] == []
    assert [finding.control for finding in findings] == [check.control for check in CHECKS]


@pytest.mark.parametrize(("control", "tamper"), TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_a_tampering_is_found_by_the_check_that_is_named_for_it_and_by_no_other(
    target: Target, control: str, tamper: Tampering
):
    undo = tamper(target)
    try:
        found = bad(target)
    finally:
        undo()
    assert [finding.control for finding in found] == [control], found
    assert "not so: " in found[0].detail
    assert found_by(target, control).ok


def test_nothing_is_wrong_after_all_of_it_was_undone(target: Target):
    assert bad(target) == []


@pytest.mark.parametrize(("control", "answer"), DOCTORED.values(), ids=DOCTORED.keys())
def test_what_the_emulator_cannot_show_is_found_as_well(target: Target, control: str, answer: tuple[str, str, Change]):
    found = bad(target, doctored(target.client, *answer))
    assert [finding.control for finding in found] == [control], found
    assert "not so: " in found[0].detail


def test_every_check_that_can_fail_was_seen_to_fail():
    seen = {control for control, _ in (*TAMPERINGS.values(), *DOCTORED.values())}
    elsewhere = {"alarms-readers", "deployment"}  # takes another stage, or a memory of one, below
    assert {check.control for check in CHECKS if not check.informs} == seen | elsewhere


def test_an_address_that_has_not_confirmed_is_told_nothing_and_found(target: Target):
    stage = replace(target.stage, identity={**target.stage.identity, "AlarmEmail": "apollo@olympus.example"})
    assert [finding.control for finding in bad(Target(stage, target.client))] == ["stack-parameters", "alarms-readers"]


@pytest.mark.parametrize(
    ("application", "missing"),
    [
        ({"DefaultGroups": "readers,oracles"}, "DefaultGroups names the group oracles"),
        ({"GroupMap": '{"priests": "oracles"}'}, "GroupMap names the group oracles"),
    ],
)
def test_a_group_that_people_are_given_and_that_is_not_there_is_found(
    target: Target, application: dict[str, str], missing: str
):
    stage = replace(target.stage, application={**target.stage.application, **application})
    finding = found_by(Target(stage, target.client), "pool-groups")
    assert not finding.ok
    assert missing in finding.detail


def test_a_map_of_groups_that_nobody_can_read_is_found(target: Target):
    stage = replace(target.stage, application={**target.stage.application, "GroupMap": "{not json"})
    finding = found_by(Target(stage, target.client), "pool-groups")
    assert not finding.ok
    assert "GROUP_MAP" in finding.detail


def stirring(target: Target, states: list[str]) -> Client:
    """A stage whose stream mapping has one state after the other, each time that somebody looks."""
    left = iter(states)
    return doctored(
        target.client,
        "lambda",
        "list_event_source_mappings",
        lambda answer: answer["EventSourceMappings"][0].update(State=next(left)),
    )


@pytest.mark.parametrize("way", [["Creating", "Creating"], ["Updating"], ["Enabling"]])
def test_a_mapping_that_is_not_at_rest_yet_is_looked_at_again(target: Target, way: list[str]):
    slept: list[float] = []
    check = stream.mapping(slept.append)
    (finding,) = verify(target.stage, stirring(target, [*way, "Enabled"]), checks=[check])
    assert finding.ok
    assert len(slept) == len(way)


def test_a_mapping_that_never_comes_to_rest_is_wrong_in_the_end(target: Target):
    slept: list[float] = []
    check = stream.mapping(slept.append)
    (finding,) = verify(target.stage, stirring(target, ["Updating"] * 1000), checks=[check])
    assert "is Updating" in finding.detail
    assert not finding.ok
    assert sum(slept) == 120


@pytest.fixture
def by_manage(target: Target) -> Iterator[Target]:
    """The stage as if `manage.py` had deployed it: Chalice tagged its functions, and there may be a memory of it."""
    stage, client = target.stage, target.client
    tag = f"version=1.34.0:stage={stage.name}:app={stage.app}"
    yield Target(stage, doctored(client, "lambda", "list_tags", set_in("Tags", "aws-chalice", tag)))
    ChaliceState(PROJECT, stage, client).forget()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The same sources on another machine."""
    for name in ("authorizers", "chalicelib", "vendor"):
        shutil.copytree(PROJECT / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    return project_in(tmp_path)


def remember(target: Target, checkout: Path) -> None:
    """Do what a deployment from that machine does at its end."""
    arns = [target.configuration(name)["FunctionArn"] for name in ("api_handler", "policy_authorizer")]
    resources: list[dict[str, str]] = [{"resource_type": "lambda_function", "lambda_arn": arn} for arn in arns]
    memory = {"resources": [*resources, {"resource_type": "rest_api", "rest_api_id": target.api["restApiId"]}]}
    write_config(checkout, target.stage, Live(target.stage, target.client, PROJECT).application)
    fingerprint = functions.fingerprint(checkout, target.stage, target.client, memory)
    ChaliceState(checkout, target.stage, target.client).remember(Memory(memory, fingerprint))


def test_a_stage_that_runs_what_was_deployed_from_anywhere_is_well(by_manage: Target, checkout: Path):
    remember(by_manage, checkout)
    assert found_by(by_manage, "deployment").ok


def test_other_code_in_all_functions_is_found(by_manage: Target, checkout: Path):
    remember(by_manage, checkout)

    def other(answer: dict[str, Any]) -> None:
        answer["CodeSha256"] = "another"

    client = doctored(by_manage.client, "lambda", "get_function_configuration", other)
    assert found_by(by_manage, "functions-code", client).ok
    finding = found_by(by_manage, "deployment", client)
    assert not finding.ok
    assert "the functions were changed since" in finding.detail


def test_a_deployment_from_other_sources_is_found(by_manage: Target, checkout: Path):
    (checkout / "chalicelib/authorize.py").write_text("# let everybody in\n", encoding="utf-8")
    remember(by_manage, checkout)
    finding = found_by(by_manage, "deployment")
    assert not finding.ok
    assert "these are other sources" in finding.detail


@pytest.mark.parametrize(
    ("memory", "said"), [(None, "there is no parameter /gatehouse/olympus"), (Memory(), "did not come to its end")]
)
def test_a_stage_of_which_nothing_is_known_is_not_taken_for_good(by_manage: Target, memory: Memory | None, said: str):
    if memory:
        ChaliceState(PROJECT, by_manage.stage, by_manage.client).remember(memory)
    finding = found_by(by_manage, "deployment")
    assert not finding.ok
    assert said in finding.detail


@pytest.mark.parametrize("control", ["pool-mfa"])
def test_what_may_not_be_asked_is_not_taken_for_good(target: Target, control: str):
    found = bad(target, doctored(target.client, "cognito-idp", "get_user_pool_mfa_config", denied))
    assert [finding.control for finding in found] == [control]
    assert "could not be checked" in found[0].detail
    assert "AccessDenied" in found[0].detail


def test_an_answer_of_another_kind_is_not_taken_for_good(target: Target):
    client = doctored(target.client, "cognito-idp", "list_groups", lambda answer: answer["Groups"][0].clear())
    assert [finding.control for finding in bad(target, client)] == ["pool-groups"]
    assert "could not be checked" in found_by(target, "pool-groups", client).detail


def test_without_a_stack_every_check_says_so(target: Target):
    findings = bad(Target(replace(target.stage, name="atlantis"), target.client))
    assert len(findings) == len(CHECKS)
    assert all("gatehouse-atlantis" in finding.detail for finding in findings)


def test_the_pre_token_trigger_may_be_named_twice_as_cognito_does(target: Target):
    def named_twice(answer):
        config = answer["UserPool"]["LambdaConfig"]
        config["PreTokenGeneration"] = config["PreTokenGenerationConfig"]["LambdaArn"]

    assert found_by(
        target, "pool-triggers", doctored(target.client, "cognito-idp", "describe_user_pool", named_twice)
    ).ok


def test_a_guard_table_without_a_generation_is_worth_knowing(target: Target):
    client = doctored(target.client, "dynamodb", "get_item", lambda answer: answer.pop("Item"))
    finding = found_by(target, "state-generation", client)
    assert finding.ok
    assert "worth knowing: there is none yet" in finding.detail


def test_a_policy_that_nobody_reviewed_is_worth_knowing(target: Target):
    policies = target.table("PolicyTable")
    item = target.client("dynamodb").get_item(**policies, Key={"subject": {"S": "group:readers"}})["Item"]
    target.client("dynamodb").put_item(**policies, Item={**item, "subject": {"S": "group:oracles"}})
    finding = found_by(target, "policies-reviewed")
    target.client("dynamodb").delete_item(**policies, Key={"subject": {"S": "group:oracles"}})
    assert finding.ok
    assert "group:oracles is in the table only" in finding.detail


def test_no_secret_is_shown(target: Target):
    secret = target.client("cognito-idp").describe_user_pool_client(
        **target.pool, ClientId=target.names["MachineClient"]
    )["UserPoolClient"]["ClientSecret"]
    undo = [TAMPERINGS[name][1](target) for name in ("the machine would read somebody else's credentials",)]
    undo.append(tampered_data.variables("api_handler", DATABASE_PASSWORD="open sesame")(target))
    details = " ".join(finding.detail for finding in bad(target))
    for step in undo:
        step()
    assert "DATABASE_PASSWORD" in details
    assert not any(told in details for told in (secret, "horse", "open sesame"))


def test_it_only_reads(target: Target):
    asked: set[str] = set()

    def recording(service: str) -> Any:
        client = target.client(service)
        client.meta.events.register("before-call", record, unique_id="what verify asks")
        return client

    def record(model: Any, **_: Any) -> None:
        asked.add(model.name)

    verify(target.stage, recording)
    assert len(asked) > 40
    assert {name for name in asked if not name.startswith(("BatchGet", "Describe", "Get", "List", "Scan"))} == set()


def test_cloudformation_finds_no_drift_in_what_it_can_read(target: Target):
    (finding,) = verify(target.stage, target.client, checks=[drift()])
    assert finding.ok


def test_cloudformation_finds_a_drift(target: Target):
    undo = TAMPERINGS["logs are kept for ever"][1](target)
    (finding,) = verify(target.stage, target.client, checks=[drift()])
    undo()
    assert not finding.ok
    assert "AuthorizerLogs is modified" in finding.detail
