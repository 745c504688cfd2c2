"""Rehearses a trial stage, which `chalice deploy` deploys, against a simulated AWS account. Nothing has run on AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from infra.stacks import Stacks
from tests.configured import APP
from tests.rehearsal.account import Account, opened_account, statuses
from tests.rehearsal.checkout import STAGE, Checkout, Said

IDENTITY = f"{APP}-{STAGE}-identity"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with opened_account(tmp_path_factory.mktemp("account") / "cloud") as opened:
        yield opened


@pytest.fixture(scope="module")
def checkout(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    made = Checkout.new(tmp_path_factory.mktemp("trial") / APP, account.local_cloud)
    made.describe(MfaMode="OFF", DataProtection=False)
    return made


@pytest.fixture(scope="module")
def unconfigured(checkout: Checkout) -> Said:
    return checkout.chalice("deploy", "--stage", STAGE)


def test_chalice_deploy_of_an_unconfigured_stage_is_refused(unconfigured: Said) -> None:
    assert unconfigured.status == 1
    assert f"python manage.py configure --stage {STAGE}" in unconfigured.err


@pytest.fixture(scope="module")
def unconnected(unconfigured: Said, checkout: Checkout) -> tuple[Said, Said]:
    return checkout.manage("configure"), checkout.manage("connect")


def test_a_stage_is_configured_and_cannot_be_connected_before_chalice_deploy(unconnected: tuple[Said, Said]) -> None:
    configured, connected = unconnected
    assert configured.trouble == ""
    assert connected.status == 1
    assert f"run `chalice deploy --stage {STAGE}`" in connected.err


@pytest.fixture(scope="module")
def deployed(unconnected: tuple[Said, Said], checkout: Checkout) -> tuple[Said, Said]:
    return checkout.chalice("deploy", "--stage", STAGE), checkout.manage("connect")


def test_three_commands_deploy_a_stage_that_answers_as_its_policies_say(
    deployed: tuple[Said, Said], account: Account
) -> None:
    assert [said.trouble for said in deployed] == ["", ""]
    outputs = Stacks(account.client("cloudformation")).outputs(IDENTITY)
    url = deployed[1].out.rpartition("API: ")[2].strip()
    assert statuses(account, {**outputs, "ApiUrl": url}) == {
        "no token, GET /": 200,
        "no token, GET /whoami": 401,
        "reader, GET /whoami": 200,
        "reader, POST /admin/revocations": 403,
    }


def test_a_trial_stage_has_the_stream_settings_and_the_error_responses_of_the_template(
    deployed: tuple[Said, Said], account: Account
) -> None:
    (mapping,) = account.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert (mapping["MaximumRetryAttempts"], mapping["BisectBatchOnFunctionError"]) == (10, True)
    (api,) = account.inventory()["rest APIs"]
    refused = account.client("apigateway").get_gateway_response(restApiId=api, responseType="UNAUTHORIZED")
    assert refused["responseParameters"]["gatewayresponse.header.WWW-Authenticate"] == "'Bearer'"


@pytest.mark.parametrize("name", ["post_confirmation", "pre_token"])
def test_only_the_user_pool_can_invoke_a_trigger_of_a_trial_stage(
    deployed: tuple[Said, Said], account: Account, name: str
) -> None:
    policy = account.client("lambda").get_policy(FunctionName=f"{APP}-{STAGE}-{name}")["Policy"]
    (statement,) = json.loads(policy)["Statement"]
    pool = Stacks(account.client("cloudformation")).outputs(IDENTITY)["UserPoolArn"]
    assert statement["Principal"] == {"Service": "cognito-idp.amazonaws.com"}
    assert pool in json.dumps(statement["Condition"])


def test_a_trial_stage_can_be_deployed_and_connected_again(
    deployed: tuple[Said, Said], checkout: Checkout, account: Account
) -> None:
    before = account.inventory()
    assert [said.trouble for said in (checkout.chalice("deploy", "--stage", STAGE), checkout.manage("connect"))] == [
        "",
        "",
    ]
    assert account.inventory() == before


def test_a_second_configuration_changes_nothing(deployed: tuple[Said, Said], checkout: Checkout) -> None:
    config = checkout.file(".chalice/config.json")
    before = config.read_bytes()
    assert checkout.manage("configure").changed == []
    assert config.read_bytes() == before
    assert {"package", STAGE} <= json.loads(before)["stages"].keys()


@pytest.mark.parametrize("command", ["deploy", "deploy --plan", "destroy"])
def test_a_command_of_cloudformation_refuses_a_trial_stage(
    deployed: tuple[Said, Said], checkout: Checkout, account: Account, command: str
) -> None:
    before = account.inventory()
    said = checkout.manage(*command.split())
    assert said.status == 1
    assert f"first run `chalice delete --stage {STAGE}`" in said.err
    assert account.inventory() == before


@pytest.fixture(scope="module")
def another_checkout(
    deployed: tuple[Said, Said], account: Account, tmp_path_factory: pytest.TempPathFactory
) -> Checkout:
    """A fresh clone. Its .chalice/config.json does not name the stage."""
    made = Checkout.new(tmp_path_factory.mktemp("another") / APP, account.local_cloud)
    made.describe(MfaMode="OFF", DataProtection=False)
    return made


@pytest.mark.parametrize("command", ["deploy", "deploy --plan", "destroy"])
def test_another_checkout_recognizes_the_functions_of_a_trial_stage(
    another_checkout: Checkout, account: Account, command: str
) -> None:
    before = account.inventory()
    said = another_checkout.manage(*command.split())
    assert said.status == 1
    assert f"no stack manages its functions {APP}-{STAGE}, " in said.err
    assert f"first run `chalice delete --stage {STAGE}` in the checkout that deployed it" in said.err
    assert account.inventory() == before
