"""The operators' command line: what it refuses, and in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from operations.command_line import main
from tests.infra.account import Account, gone
from tests.infra.stages import project_in

STAGE = "region: eu-central-1\naccount: '123456789012'\n"


def typed(project, capsys, *words: str, account: Any = None) -> tuple[int, str, str]:
    status = main([*words, "--stage", "trial"], project, lambda _stage: account or Account())
    said = capsys.readouterr()
    return status, said.out, said.err


def owned_by(account: str, **services: Any) -> Account:
    return Account(sts={"get_caller_identity": {"Account": account}}, **services)


@pytest.mark.parametrize("command", ["deploy", "destroy", "verify", "outputs", "policies"])
def test_in_somebody_elses_account_nothing_is_done(tmp_path, capsys, command):
    stranger = owned_by("210987654321")
    status, _, err = typed(project_in(tmp_path, STAGE), capsys, command, account=stranger)
    assert status == 1
    assert err == (
        "infra/stages/trial.yaml: account: the stage belongs to 123456789012,"
        " and the credentials belong to 210987654321\n"
    )
    assert stranger.calls == []


def test_without_a_region_nobody_is_asked_anything(tmp_path, capsys):
    status, _, err = typed(project_in(tmp_path, "identity: {}"), capsys, "deploy")
    assert (status, err.splitlines()[0][:38]) == (1, "infra/stages/trial.yaml: region: name ")


@pytest.mark.parametrize("stage", [STAGE, "region: eu-central-1"], ids=["of one account", "of any account"])
@pytest.mark.parametrize("command", ["deploy", "destroy", "verify", "outputs", "policies"])
def test_without_credentials_the_sentence_says_what_to_do(tmp_path, capsys, command, stage):
    def nobody() -> Any:
        raise NoCredentialsError

    account = Account(sts={"get_caller_identity": lambda: nobody()})
    status, _, err = typed(project_in(tmp_path, stage), capsys, command, account=account)
    assert (status, err) == (1, "There are no AWS credentials: set AWS_PROFILE, or sign in as your account wants it.\n")


def test_what_aws_refuses_outside_of_any_step_is_said_without_a_traceback(tmp_path, capsys):
    def denied(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "DescribeStacks")

    account = owned_by("123456789012", cloudformation={"describe_stacks": denied})
    status, _, err = typed(project_in(tmp_path, STAGE), capsys, "outputs", account=account)
    assert status == 1
    assert err.startswith("An error occurred (AccessDenied)")


@pytest.mark.parametrize("typed_again", ["dev", "", "Trial"])
def test_data_is_purged_only_by_its_stages_name(tmp_path, capsys, typed_again):
    account = owned_by("123456789012")
    project = project_in(tmp_path, STAGE)
    status, _, err = typed(project, capsys, "destroy", "--purge-data", typed_again, account=account)
    assert (status, err[:13]) == (1, "--purge-data:")


@pytest.mark.parametrize("identity", ["", "identity: {DataProtection: true}\n"])
@pytest.mark.parametrize("more", [[], ["--purge-data", "trial"]])
def test_a_protected_stage_is_not_taken_down(tmp_path, capsys, identity, more):
    account = owned_by("123456789012", cloudformation={})
    status, out, err = typed(project_in(tmp_path, STAGE + identity), capsys, "destroy", *more, account=account)
    assert (status, out, account.calls) == (1, "", [])
    assert err.startswith("infra/stages/trial.yaml: identity.DataProtection: ")
    assert "Say `DataProtection: false` there" in err


@pytest.mark.parametrize("packaged", ["gatehouse-trial-application", "gatehouse-trial"])
def test_an_application_that_is_a_stacks_own_is_not_taken_down_behind_its_back(tmp_path, capsys, packaged):
    def describe(StackName: str) -> Any:
        if StackName == packaged:
            return {"Stacks": [{"StackStatus": "UPDATE_COMPLETE"}]}
        raise ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks")

    account = owned_by("123456789012", cloudformation={"describe_stacks": describe})
    project = project_in(tmp_path, f"{STAGE}identity: {{DataProtection: false}}\n")
    status, out, err = typed(project, capsys, "destroy", account=account)
    assert (status, out, account.calls) == (1, "", [])
    assert f"belongs to the stack {packaged}: " in err


def test_the_outputs_are_those_of_the_stack_and_the_apis_address(tmp_path, capsys):
    deployed = {"resources": [{"resource_type": "rest_api", "rest_api_id": "api1"}]}
    parameter = {"Parameter": {"Value": json.dumps({"deployed": deployed, "fingerprint": ""})}}
    stack = {"StackStatus": "UPDATE_COMPLETE", "Outputs": [{"OutputKey": "UserPoolId", "OutputValue": "p1"}]}
    account = owned_by(
        "123456789012", cloudformation={"describe_stacks": {"Stacks": [stack]}}, ssm={"get_parameter": parameter}
    )
    status, out, _ = typed(project_in(tmp_path, STAGE), capsys, "outputs", account=account)
    assert status == 0
    assert json.loads(out) == {
        "UserPoolId": "p1",
        "ApiUrl": "https://api1.execute-api.eu-central-1.amazonaws.com/trial/",
    }


def test_a_stage_that_is_not_deployed_has_no_outputs(tmp_path, capsys):
    no_stack = ClientError({"Error": {"Code": "ValidationError", "Message": "trial does not exist"}}, "DescribeStacks")

    def describe(**_: Any) -> Any:
        raise no_stack

    account = owned_by("123456789012", cloudformation={"describe_stacks": describe}, ssm={"get_parameter": gone})
    status, out, err = typed(project_in(tmp_path, STAGE), capsys, "outputs", account=account)
    assert (status, out) == (1, "")
    assert "run `python manage.py deploy --stage trial`" in err
