"""Runs `verify` against a simulated stage. It reports no fault of an intact stage, and each tampering by its check."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.checks import stream
from infra.checks.stack import drift
from infra.clients import Client
from infra.verify import CHECKS, PROJECT, Finding, verify
from local.cloud import LocalCloud
from tests.configured import APP
from tests.infra import tampered_api, tampered_data, tampered_people
from tests.infra.doctored import DOCTORED, Change, denied, doctored, parameter, set_in
from tests.infra.target import Tampering, Target
from tests.rehearsal.checkout import Checkout

TAMPERINGS = {**tampered_people.TAMPERINGS, **tampered_data.TAMPERINGS, **tampered_api.TAMPERINGS}
BY_NAME = {check.name: check for check in CHECKS}


def failed(target: Target, client: Client | None = None) -> list[Finding]:
    return [finding for finding in verify(target.stage, client or target.client) if not finding.ok]


def result_of(target: Target, name: str, client: Client | None = None) -> Finding:
    (finding,) = verify(target.stage, client or target.client, checks=[BY_NAME[name]])
    return finding


def says_what_differs(finding: Finding) -> bool:
    """Whether the finding is about a difference, and tells the operator what to do."""
    check = BY_NAME[finding.name]
    return finding.detail.endswith(check.remedy) and "did not complete" not in finding.detail


def test_every_check_passes_on_a_stage_as_deployed(target: Target) -> None:
    findings = verify(target.stage, target.client)
    assert [finding for finding in findings if not finding.ok] == []
    assert [finding.name for finding in findings] == [check.name for check in CHECKS]


def test_no_two_checks_have_the_same_name() -> None:
    assert len(BY_NAME) == len(CHECKS)


def test_every_title_is_a_sentence() -> None:
    assert [check.title for check in CHECKS if not check.title.endswith(".")] == []


@pytest.mark.parametrize(("name", "tamper"), TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_only_the_check_of_its_subject_finds_a_tampering(target: Target, name: str, tamper: Tampering) -> None:
    undo = tamper(target)
    try:
        found = failed(target)
    finally:
        undo()
    assert [finding.name for finding in found] == [name], found
    assert says_what_differs(found[0])
    assert result_of(target, name).ok


def test_every_check_passes_again_after_all_tamperings_are_undone(target: Target) -> None:
    assert failed(target) == []


@pytest.mark.parametrize(("name", "answer"), DOCTORED.values(), ids=DOCTORED.keys())
def test_only_the_check_of_its_subject_finds_a_doctored_answer(
    target: Target, name: str, answer: tuple[str, str, Change]
) -> None:
    found = failed(target, doctored(target.client, *answer))
    assert [finding.name for finding in found] == [name], found
    assert says_what_differs(found[0])


def test_a_test_makes_every_check_fail_that_can_fail() -> None:
    seen = {name for name, _ in (*TAMPERINGS.values(), *DOCTORED.values())}
    elsewhere = {"alarms-readers", "application-template"}  # these need another stage or another checkout: see below
    assert {check.name for check in CHECKS if not check.informs} == seen | elsewhere


def test_an_unconfirmed_alarm_address_fails_alarms_readers(target: Target) -> None:
    client = doctored(
        target.client, "cloudformation", "describe_stacks", parameter("AlarmEmail", "apollo@olympus.example")
    )
    assert [finding.name for finding in failed(target, client)] == ["stack-parameters", "alarms-readers"]


@pytest.mark.parametrize(
    ("name", "value", "missing"),
    [
        ("DefaultGroups", "readers,oracles", "DefaultGroups names the group oracles"),
        ("GroupMap", '{"priests": "oracles"}', "GroupMap names the group oracles"),
        ("GroupMap", "{not json", "GROUP_MAP"),
        ("ScopeGroups", '{"api/write": ["oracles"]}', "ScopeGroups names the group oracles"),
    ],
)
def test_an_invalid_or_missing_assigned_group_fails_pool_groups(
    target: Target, name: str, value: str, missing: str
) -> None:
    client = doctored(target.client, "cloudformation", "describe_stacks", parameter(name, value))
    finding = result_of(target, "pool-groups", client)
    assert not finding.ok
    assert missing in finding.detail


_PASSKEYS = {
    "RelyingPartyId": "olympus-sign-in.auth.us-east-1.amazoncognito.com",
    "UserVerification": "required",
    "FactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION",
}


@pytest.mark.parametrize(
    ("configuration", "fault"),
    [
        ({}, ""),
        ({"FactorConfiguration": "SINGLE_FACTOR"}, "The passkeys: FactorConfiguration"),
        ({"UserVerification": "preferred"}, "The passkeys: UserVerification"),
        ({"RelyingPartyId": "troy.example"}, "The passkeys: RelyingPartyId"),
    ],
)
def test_other_settings_of_passkeys_fail_pool_mfa(target: Target, configuration: dict[str, str], fault: str) -> None:
    factors = {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}
    client = doctored(target.client, "cloudformation", "describe_stacks", parameter("Passkeys", "ON"))
    client = doctored(
        client, "cognito-idp", "describe_user_pool", set_in("UserPool", "Policies", "SignInPolicy", factors)
    )
    passkeys = set_in("WebAuthnConfiguration", {**_PASSKEYS, **configuration})
    finding = result_of(target, "pool-mfa", doctored(client, "cognito-idp", "get_user_pool_mfa_config", passkeys))
    assert finding.ok is not bool(fault), finding
    assert fault in finding.detail


def changing_mapping(target: Target, states: list[str]) -> Client:
    """A client whose event source mapping has the next state at each read, of the function and of its alias."""
    left = iter([state for state in states for _ in range(2)])
    return doctored(
        target.client,
        "lambda",
        "list_event_source_mappings",
        lambda answer: answer["EventSourceMappings"][0].update(State=next(left)),
    )


@pytest.mark.parametrize("states", [["Creating", "Creating"], ["Updating"], ["Enabling"]])
def test_verify_waits_for_a_mapping_that_is_changing(target: Target, states: list[str]) -> None:
    slept: list[float] = []
    check = stream.mapping(slept.append)
    (finding,) = verify(target.stage, changing_mapping(target, [*states, "Enabled"]), checks=[check])
    assert finding.ok
    assert len(slept) == len(states)


def test_a_mapping_that_is_changing_for_two_minutes_fails_the_check(target: Target) -> None:
    slept: list[float] = []
    check = stream.mapping(slept.append)
    (finding,) = verify(target.stage, changing_mapping(target, ["Updating"] * 1000), checks=[check])
    assert "is Updating" in finding.detail
    assert not finding.ok
    assert sum(slept) == 120


def test_another_checkout_fails_only_application_template(target: Target, tmp_path: Path) -> None:
    project = Checkout.new(tmp_path / APP, LocalCloud(0, tmp_path)).folder
    shutil.copy(PROJECT / "requirements.txt", project)
    template = project / ".chalice/package.json"
    text = template.read_text(encoding="utf-8")
    template.write_text(text.replace('"MaximumRetryAttempts": 10', '"MaximumRetryAttempts": 9'), encoding="utf-8")
    findings = [finding for finding in verify(target.stage, target.client, project) if not finding.ok]
    assert [finding.name for finding in findings] == ["application-template"]
    assert "(PolicyChangedPolicyChangedDynamodbEventSource) differs." in findings[0].detail


def test_a_check_fails_when_aws_denies_access(target: Target) -> None:
    found = failed(target, doctored(target.client, "cognito-idp", "get_user_pool_mfa_config", denied))
    assert [finding.name for finding in found] == ["pool-mfa"]
    assert "The check did not complete" in found[0].detail
    assert "AccessDenied" in found[0].detail


def test_a_check_fails_when_an_answer_has_an_unexpected_form(target: Target) -> None:
    client = doctored(target.client, "cognito-idp", "list_groups", lambda answer: answer["Groups"][0].clear())
    assert [finding.name for finding in failed(target, client)] == ["pool-groups"]
    assert "The check did not complete" in result_of(target, "pool-groups", client).detail


def test_every_check_fails_without_a_stack(target: Target) -> None:
    findings = failed(Target(replace(target.stage, name="atlantis"), target.client))
    assert len(findings) == len(CHECKS)
    assert all(f"{APP}-atlantis" in finding.detail for finding in findings)


def test_a_pre_token_trigger_under_both_of_its_names_passes(target: Target) -> None:
    def named_twice(answer: dict[str, Any]) -> None:
        config = answer["UserPool"]["LambdaConfig"]
        config["PreTokenGeneration"] = config["PreTokenGenerationConfig"]["LambdaArn"]

    assert result_of(
        target, "pool-triggers", doctored(target.client, "cognito-idp", "describe_user_pool", named_twice)
    ).ok


def test_a_state_table_without_a_generation_gives_a_note(target: Target) -> None:
    client = doctored(target.client, "dynamodb", "get_item", lambda answer: answer.pop("Item"))
    finding = result_of(target, "state-generation", client)
    assert finding.ok
    assert finding.detail.startswith("Note: The state table has no generation.")


def test_a_policy_that_is_only_in_the_table_gives_a_note(target: Target) -> None:
    policies = target.table("PolicyTable")
    item = target.client("dynamodb").get_item(**policies, Key={"subject": {"S": "group:readers"}})["Item"]
    target.client("dynamodb").put_item(**policies, Item={**item, "subject": {"S": "group:oracles"}})
    finding = result_of(target, "policies-reviewed")
    target.client("dynamodb").delete_item(**policies, Key={"subject": {"S": "group:oracles"}})
    assert finding.ok
    assert finding.detail.startswith("Note: group:oracles is in the table, but not in policies/.")


def test_no_finding_shows_a_secret(target: Target) -> None:
    secret = target.client("cognito-idp").describe_user_pool_client(
        **target.pool, ClientId=target.names["MachineClient"]
    )["UserPoolClient"]["ClientSecret"]
    undo = [TAMPERINGS[name][1](target) for name in ("other credentials are stored for the machine client",)]
    undo.append(tampered_data.variables("api_handler", DATABASE_PASSWORD="open sesame")(target))
    details = " ".join(finding.detail for finding in failed(target))
    for step in undo:
        step()
    assert "DATABASE_PASSWORD" in details
    assert not any(told in details for told in (secret, "horse", "open sesame"))


def test_verify_calls_only_operations_that_read(target: Target) -> None:
    asked: set[str] = set()

    def recording(service: str) -> Any:
        client = target.client(service)
        client.meta.events.register("before-call", record, unique_id="verify")
        return client

    def record(model: Any, **_: Any) -> None:
        asked.add(model.name)

    verify(target.stage, recording)
    assert len(asked) > 40
    assert {name for name in asked if not name.startswith(("BatchGet", "Describe", "Get", "List", "Scan"))} == set()


def test_the_drift_check_passes_on_a_stage_as_deployed(target: Target) -> None:
    (finding,) = verify(target.stage, target.client, checks=[drift()])
    assert finding.ok


def test_the_drift_check_names_a_modified_resource(target: Target) -> None:
    undo = TAMPERINGS["a log group loses its retention time"][1](target)
    (finding,) = verify(target.stage, target.client, checks=[drift()])
    undo()
    assert not finding.ok
    assert "AuthorizerLogs is modified" in finding.detail
