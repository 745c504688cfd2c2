"""The operators' command line: what it refuses, and in which words."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)

from chalicelib.core.errors import CannotDecide
from infra.errors import DeploymentFailed, Refused
from operations.aws import connect
from operations.command_line import main
from tests.infra.account import Account, gone
from tests.infra.stages import PROJECT, TRIAL, project_in

STAGE = "region: eu-central-1\naccount: '123456789012'\n"


def typed(project, capsys, *words: str, account: Any = None) -> tuple[int, str, str]:
    status = main([*words, "--stage", "trial"], project, lambda _stage: Account() if account is None else account)
    said = capsys.readouterr()
    return status, said.out, said.err


def owned_by(account: str, **services: Any) -> Account:
    return Account(sts={"get_caller_identity": {"Account": account}}, **services)


def answered(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetCallerIdentity")


COMMANDS = ["deploy", "destroy", "verify", "outputs", "policies apply", "policies lint"]


@pytest.mark.parametrize("command", COMMANDS)
def test_in_somebody_elses_account_nothing_is_done(tmp_path, capsys, command):
    stranger = owned_by("210987654321")
    status, _, err = typed(project_in(tmp_path, STAGE), capsys, *command.split(), account=stranger)
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
@pytest.mark.parametrize("command", COMMANDS)
def test_without_credentials_the_sentence_says_what_to_do(tmp_path, capsys, command, stage):
    def nobody() -> Any:
        raise NoCredentialsError

    account = Account(sts={"get_caller_identity": lambda: nobody()})
    status, _, err = typed(project_in(tmp_path, stage), capsys, *command.split(), account=account)
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


@pytest.mark.parametrize("command", ["verify", "verify --drift", "outputs", "policies apply", "policies lint"])
def test_of_a_stage_that_is_not_deployed_one_sentence_is_said(tmp_path, capsys, command):
    no_stack = ClientError({"Error": {"Code": "ValidationError", "Message": "trial does not exist"}}, "DescribeStacks")

    def describe(**_: Any) -> Any:
        raise no_stack

    account = owned_by("123456789012", cloudformation={"describe_stacks": describe}, ssm={"get_parameter": gone})
    status, out, err = typed(project_in(tmp_path, STAGE), capsys, *command.split(), account=account)
    assert (status, out) == (1, "")
    assert err == "The stage trial is not deployed: run `python manage.py deploy --stage trial`\n"


@pytest.mark.parametrize("typed_again", ["dev", "", "Trial"])
def test_the_name_for_a_purge_is_compared_before_anybody_is_asked_for_credentials(tmp_path, capsys, typed_again):
    def connect(_stage: Any) -> Any:
        raise AssertionError("nobody is to be asked")

    words = ["destroy", "--stage", "trial", "--purge-data", typed_again]
    assert main(words, project_in(tmp_path, STAGE), connect) == 1
    assert capsys.readouterr().err.startswith("--purge-data: type the name of the stage again, trial")


def trouble(tmp_path, capsys, error: Exception, stage: str = STAGE) -> str:
    """What is said when the first call of a command fails."""

    def refuse() -> Any:
        raise error

    account = Account(sts={"get_caller_identity": refuse})
    status, out, err = typed(project_in(tmp_path, stage), capsys, "outputs", account=account)
    assert (status, out, err.count("\n")) == (1, "", 1)
    return err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(PartialCredentialsError(provider="env", cred_var="the secret"), "set AWS_PROFILE", id="one half"),
        pytest.param(ProfileNotFound(profile="acme"), "AWS_PROFILE: The config profile (acme) ", id="unknown profile"),
        pytest.param(UnauthorizedSSOTokenError(), "The AWS credentials have expired: sign in", id="old SSO session"),
        pytest.param(answered("ExpiredToken"), "The AWS credentials have expired: sign in again.", id="old token"),
        pytest.param(answered("InvalidClientTokenId"), "AWS does not accept the credentials", id="foreign key"),
        pytest.param(answered("Throttling", "a\n  b"), "An error occurred (Throttling) when", id="several lines"),
        pytest.param(PermissionError(13, "Permission denied", "a.pem"), "a.pem: Permission denied", id="no permission"),
        pytest.param(DeploymentFailed("the stack is stuck"), "the stack is stuck", id="CloudFormation"),
        pytest.param(CannotDecide("policies_unreachable", "no answer"), "no answer", id="a table that is away"),
        pytest.param(ConnectTimeoutError(endpoint_url="https://sts"), "check the network.", id="no answer in time"),
    ],
)
def test_whatever_stands_between_a_command_and_aws_is_said_in_one_sentence(tmp_path, capsys, error, said):
    assert said in trouble(tmp_path, capsys, error)


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ("eu-central-1", "check the network.\n"),
        ("eu-centrl-1", "eu-centrl-1 is not a region that boto3 knows. Did you mean eu-central-1?\n"),
        ("qq-nowhere-1", "qq-nowhere-1 is not a region that boto3 knows.\n"),
    ],
)
def test_without_a_connection_a_region_that_nobody_knows_is_named(tmp_path, capsys, region, said):
    error = EndpointConnectionError(endpoint_url=f"https://sts.{region}.amazonaws.com")
    assert said in trouble(tmp_path, capsys, error, f"region: {region}\n")


def test_an_endpoint_that_is_no_address_is_refused_by_the_name_of_its_variable(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nowhere")
    with pytest.raises(Refused, match=r"^AWS_ENDPOINT_URL: Invalid endpoint: nowhere"):
        connect(TRIAL)("sts")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["deploi", "--stage", "trial"],
        ["deploy"],
        ["deploy", "--stage"],
        ["deploy", "--stage", "trial", "--overwrite"],
        ["destroy", "--stage", "trial", "--purge", "trial"],
        ["destroy", "--stage", "trial", "--purge-data"],
        ["verify", "trial"],
        ["policies"],
        ["policies", "--stage", "trial"],
        ["policies", "aply", "--stage", "trial"],
        ["policies", "apply"],
        ["outputs", "--stage", "trial", "--json"],
    ],
    ids=" ".join,
)
def test_words_that_are_no_command_are_answered_in_one_sentence(capsys, words):
    with pytest.raises(SystemExit) as ended:
        main(words)
    said = capsys.readouterr()
    assert (ended.value.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert said.err.endswith(" --help`.\n")


@pytest.mark.parametrize("command", ["deploy", "destroy", "verify", "outputs"])
def test_a_command_for_aws_says_what_to_use_for_the_local_cloud(tmp_path, capsys, command):
    assert main([command, "--stage", "local"], project_in(tmp_path)) == 1
    assert "'local' is reserved for the cloud on this machine: use `make run`" in capsys.readouterr().err


@pytest.mark.parametrize(
    "left",
    [
        pytest.param(None, id="never started"),
        pytest.param("{}", id="of another version"),
        pytest.param("[]", id="no object"),
        pytest.param('{"endpoint', id="cut off"),
        pytest.param('{"endpoint_url": "http://localhost:1"}', id="killed"),
        pytest.param('{"endpoint_url": "http://localhost:nowhere"}', id="no port"),
    ],
)
@pytest.mark.parametrize("command", ["apply", "lint"])
def test_a_local_cloud_that_does_not_run_is_said_to_be_down(tmp_path, capsys, monkeypatch, command, left):
    monkeypatch.setenv("GATEHOUSE_LOCAL", str(tmp_path))
    if left is not None:
        (tmp_path / "outputs.json").write_text(left, encoding="utf-8")
    assert main(["policies", command, "--stage", "local"], project_in(tmp_path)) == 1
    assert capsys.readouterr().err == (
        "The local cloud is not running: start it with `make run` in another terminal.\n"
    )


def test_a_local_cloud_of_an_older_version_is_to_be_started_again(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("GATEHOUSE_LOCAL", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as cloud:
        described = {"endpoint_url": f"http://localhost:{cloud.getsockname()[1]}"}
        (tmp_path / "outputs.json").write_text(json.dumps(described), encoding="utf-8")
        assert main(["policies", "apply", "--stage", "local"], project_in(tmp_path)) == 1
    assert capsys.readouterr().err == (
        "The local cloud was started by another version of this program: stop it, and start it with `make run`.\n"
    )


# --- policies lint ---


def project_with(folder, **files: str):
    project = project_in(folder, STAGE)
    (project / "policies").mkdir()
    for name, holder in files.items():
        text = f"{holder}\nstatements: [{{effect: Allow, methods: [GET], paths: [/reports]}}]\n"
        (project / f"policies/{name}.yaml").write_text(text, encoding="utf-8")
    return project


def test_lint_is_content_with_the_policies_of_this_repository(capsys):
    assert main(["policies", "lint"]) == 0
    assert capsys.readouterr().out.endswith(" policy files, compared with infra/identity.yaml: no fault\n")


def test_lint_names_every_fault_and_needs_no_account(tmp_path, capsys):
    project = project_with(
        tmp_path, editors="group: editros", machine="client: MachinClientId", readers="group: readers"
    )
    assert main(["policies", "lint"], project, lambda _stage: pytest.fail("nobody is to be asked")) == 1
    assert capsys.readouterr().out == (
        "FAIL policies/editors.yaml: group: infra/identity.yaml has no group 'editros'. Did you mean 'editors'?"
        " Correct the name, or add the group to infra/identity.yaml.\n"
        "FAIL policies/machine.yaml: client: 'MachinClientId' is not an app client's output."
        " Use one of MachineClientId, SsoClientId, WebClientId\n"
        "3 policy files, compared with infra/identity.yaml: 2 with a fault\n"
    )


@pytest.mark.parametrize(("group", "status"), [("dragoons", 0), ("readers", 1)])
def test_lint_of_a_stage_asks_its_user_pool(tmp_path, capsys, group, status):
    stack = {"StackStatus": "UPDATE_COMPLETE", "Outputs": [{"OutputKey": "UserPoolId", "OutputValue": "p1"}]}
    account = owned_by(
        "123456789012",
        cloudformation={"describe_stacks": {"Stacks": [stack]}},
        cognito_idp={"list_groups": {"Groups": [{"GroupName": "dragoons"}]}},
    )
    project = project_with(tmp_path, one=f"group: {group}")
    assert typed(project, capsys, "policies", "lint", account=account)[0] == status


# --- deploy ---


def test_a_deployment_is_refused_for_an_unknown_group_before_it_begins(tmp_path, capsys):
    def describe(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks")

    account = owned_by("123456789012", cloudformation={"describe_stacks": describe})
    project = project_with(tmp_path, editors="group: editros")
    status, out, err = typed(project, capsys, "deploy", account=account)
    assert (status, out, account.calls) == (1, "", [])
    assert err.startswith("policies/editors.yaml: group: infra/identity.yaml has no group 'editros'. Did you mean")
    assert "--allow-unknown-group" in err


# --- outside of the virtual environment ---


@pytest.mark.parametrize("words", [[], ["policies", "lint"]])
def test_without_its_packages_manage_names_the_way_that_has_them(words):
    bare = [sys.executable, "-S", "-E", "manage.py", *words]  # -S: without site-packages
    ended = subprocess.run(bare, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert re.match(r"The Python package \w+ is missing: run `\.venv/bin/python manage\.py`, or `make`", ended.stderr)
