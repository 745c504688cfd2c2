"""The operators' command line: what it refuses, and in which words."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
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
from tests.configured import DEFAULT_GROUP, function
from tests.infra.account import Account
from tests.infra.stages import PROJECT, TRIAL, project_in

STAGE = "region: eu-central-1\naccount: '123456789012'\n"


def typed(project: Path, capsys: pytest.CaptureFixture[str], *words: str, account: Any = None) -> tuple[int, str, str]:
    status = main([*words, "--stage", "trial"], project, lambda _stage: Account() if account is None else account)
    said = capsys.readouterr()
    return status, said.out, said.err


def owned_by(account: str, **services: Any) -> Account:
    return Account(sts={"get_caller_identity": {"Account": account}}, **services)


def answered(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetCallerIdentity")


COMMANDS = [
    "deploy",
    "rollback",
    "destroy",
    "configure",
    "connect",
    "verify",
    "outputs",
    *(f"policies {name}" for name in ("apply", "diff", "lint", "matrix")),
    "users list",
    *(
        f"users {name} clio@olympus.example"
        for name in ("show", "invite", "groups --none", "disable", "enable", "sign-out", "reset-mfa")
    ),
    "revoke --user clio@olympus.example",
    "revocations",
    "restrictions",
    "shards",
    *(f"{name} --reason leak" for name in ("freeze", "lockdown")),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_refused_in_another_account(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    stranger = owned_by("210987654321")
    status, _, err = typed(project_in(tmp_path, STAGE), capsys, *command.split(), account=stranger)
    assert status == 1
    assert err == (
        "infra/stages/trial.yaml: account: the stage belongs to the account 123456789012, but the credentials belong to"
        " 210987654321. Sign in to 123456789012.\n"
    )
    assert stranger.calls == []


def test_a_stage_without_a_region_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = typed(project_in(tmp_path, "identity: {}"), capsys, "deploy")
    assert (status, err[:42]) == (1, "infra/stages/trial.yaml: region: expected ")


@pytest.mark.parametrize("stage", [STAGE, "region: eu-central-1"], ids=["of one account", "of any account"])
@pytest.mark.parametrize("command", COMMANDS)
def test_missing_credentials_are_reported_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, stage: str
) -> None:
    def nobody() -> Any:
        raise NoCredentialsError

    account = Account(sts={"get_caller_identity": lambda: nobody()})
    status, _, err = typed(project_in(tmp_path, stage), capsys, *command.split(), account=account)
    assert (status, err) == (
        1,
        "There are no AWS credentials. Set AWS_PROFILE, or sign in with the method of your account.\n",
    )


def test_an_error_of_aws_outside_a_step_is_reported_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def denied(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "DescribeStacks")

    account = owned_by("123456789012", cloudformation={"describe_stacks": denied})
    status, _, err = typed(project_in(tmp_path, STAGE), capsys, "outputs", account=account)
    assert status == 1
    assert err.startswith("An error occurred (AccessDenied)")


@pytest.mark.parametrize("typed_again", ["dev", "", "Trial"])
def test_a_purge_with_another_name_than_the_stages_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], typed_again: str
) -> None:
    account = owned_by("123456789012")
    project = project_in(tmp_path, STAGE)
    status, _, err = typed(project, capsys, "destroy", "--purge-data", typed_again, account=account)
    assert (status, err[:13]) == (1, "--purge-data:")


@pytest.mark.parametrize("identity", ["", "identity: {DataProtection: true}\n"])
@pytest.mark.parametrize("more", [[], ["--purge-data", "trial"]])
def test_a_protected_stage_cannot_be_destroyed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], identity: str, more: list[str]
) -> None:
    account = owned_by("123456789012", cloudformation={})
    status, out, err = typed(project_in(tmp_path, STAGE + identity), capsys, "destroy", *more, account=account)
    assert (status, out, account.calls) == (1, "", [])
    assert err.startswith("infra/stages/trial.yaml: identity.DataProtection: ")
    assert "set `DataProtection: false` in this file" in err


URL = "https://api.olympus.example/"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], f"output           value\nUserPoolId       p1\nApiUrl           {URL}\nApiDomainTarget  d-1.example\n"),
        (
            ["--json"],
            json.dumps({"UserPoolId": "p1", "ApiUrl": URL, "ApiDomainTarget": "d-1.example"}, indent=2) + "\n",
        ),
    ],
)
def test_outputs_prints_the_outputs_of_both_stacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], expected: str
) -> None:
    outputs = {
        function("trial", "identity"): {"UserPoolId": "p1"},
        function("trial", "application"): {"ApiUrl": URL, "ApiDomainTarget": "d-1.example"},
    }

    def describe(StackName: str) -> Any:
        described = [{"OutputKey": key, "OutputValue": value} for key, value in outputs[StackName].items()]
        return {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "Outputs": described}]}

    account = owned_by("123456789012", cloudformation={"describe_stacks": describe})
    assert typed(project_in(tmp_path, STAGE), capsys, "outputs", *options, account=account) == (0, expected, "")


def test_a_package_that_does_not_exist_is_refused_before_anything_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = {"StackStatus": "UPDATE_COMPLETE", "Outputs": []}
    account = owned_by("123456789012", cloudformation={"describe_stacks": {"Stacks": [stack]}})
    status, _, err = typed(project_with(tmp_path), capsys, "deploy", "--package", str(tmp_path), account=account)
    assert (status, account.calls) == (1, [])
    assert err.startswith("--package: ")
    assert "sam.json: No such file or directory. Run `make package` first." in err


@pytest.mark.parametrize("command", ["verify", "verify --drift", "outputs", "policies apply", "policies lint"])
def test_a_stage_that_is_not_deployed_is_reported_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    no_stack = ClientError({"Error": {"Code": "ValidationError", "Message": "trial does not exist"}}, "DescribeStacks")

    def describe(**_: Any) -> Any:
        raise no_stack

    account = owned_by("123456789012", cloudformation={"describe_stacks": describe})
    status, out, err = typed(project_in(tmp_path, STAGE), capsys, *command.split(), account=account)
    assert (status, out) == (1, "")
    assert err == "The stage trial is not deployed. Run `python manage.py deploy --stage trial`.\n"


@pytest.mark.parametrize("typed_again", ["dev", "", "Trial"])
def test_the_name_for_a_purge_is_checked_before_the_credentials(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], typed_again: str
) -> None:
    def connect(_stage: Any) -> Any:
        raise AssertionError("the command must not connect")

    words = ["destroy", "--stage", "trial", "--purge-data", typed_again]
    assert main(words, project_in(tmp_path, STAGE), connect) == 1
    assert capsys.readouterr().err.startswith(
        f"--purge-data: got {typed_again!r}, expected the name of the stage, trial."
    )


def trouble(tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception, stage: str = STAGE) -> str:
    """Returns the message of a command whose first call fails."""

    def refuse() -> Any:
        raise error

    account = Account(sts={"get_caller_identity": refuse})
    status, out, err = typed(project_in(tmp_path, stage), capsys, "outputs", account=account)
    assert (status, out, err.count("\n")) == (1, "", 1)
    return err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(
            PartialCredentialsError(provider="env", cred_var="the secret"),
            "Set AWS_PROFILE",
            id="half of the credentials",
        ),
        pytest.param(ProfileNotFound(profile="acme"), "AWS_PROFILE: The config profile (acme) ", id="unknown profile"),
        pytest.param(
            UnauthorizedSSOTokenError(), "The AWS credentials have expired. Sign in", id="expired SSO session"
        ),
        pytest.param(answered("ExpiredToken"), "The AWS credentials have expired. Sign in again.", id="expired token"),
        pytest.param(
            answered("InvalidClientTokenId"), "AWS rejected the credentials. Set AWS_PROFILE", id="unknown key"
        ),
        pytest.param(answered("Throttling", "a\n  b"), "An error occurred (Throttling) when", id="several lines"),
        pytest.param(PermissionError(13, "Permission denied", "a.pem"), "a.pem: Permission denied", id="no permission"),
        pytest.param(DeploymentFailed("the stack is stuck"), "the stack is stuck", id="CloudFormation"),
        pytest.param(CannotDecide("policies_unreachable", "no answer"), "no answer", id="an unreachable table"),
        pytest.param(ConnectTimeoutError(endpoint_url="https://sts"), "Check the network.", id="a timeout"),
    ],
)
def test_a_failed_connection_or_call_is_reported_on_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception, said: str
) -> None:
    assert said in trouble(tmp_path, capsys, error)


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ("eu-central-1", "Check the network.\n"),
        ("eu-centrl-1", "eu-centrl-1 is not a region that boto3 knows. Did you mean eu-central-1?\n"),
        ("qq-nowhere-1", "qq-nowhere-1 is not a region that boto3 knows.\n"),
    ],
)
def test_a_failed_connection_reports_an_unknown_region(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], region: str, said: str
) -> None:
    error = EndpointConnectionError(endpoint_url=f"https://sts.{region}.amazonaws.com")
    assert said in trouble(tmp_path, capsys, error, f"region: {region}\n")


def test_an_invalid_endpoint_is_refused_with_the_name_of_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
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
        ["outputs", "--stage", "trial", "--yaml"],
        ["deploy", "--stage", "trial", "--json"],
    ],
    ids=" ".join,
)
def test_invalid_arguments_are_refused_with_one_message(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    status = main(words)
    said = capsys.readouterr()
    assert (status, said.out, said.err.count("\n")) == (2, "", 1)
    assert said.err.endswith(" --help`.\n")


@pytest.mark.parametrize("command", ["deploy", "destroy", "verify", "outputs"])
def test_a_command_for_aws_refuses_the_stage_local_and_names_make_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
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
def test_a_local_cloud_that_is_not_running_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, left: str | None
) -> None:
    monkeypatch.setenv("GATEHOUSE_LOCAL", str(tmp_path))
    if left is not None:
        (tmp_path / "outputs.json").write_text(left, encoding="utf-8")
    assert main(["policies", command, "--stage", "local"], project_in(tmp_path)) == 1
    assert capsys.readouterr().err == (
        "The local cloud is not running: start it with `make run` in another terminal.\n"
    )


def test_a_local_cloud_of_another_version_must_be_restarted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEHOUSE_LOCAL", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as cloud:
        described = {"endpoint_url": f"http://localhost:{cloud.getsockname()[1]}"}
        (tmp_path / "outputs.json").write_text(json.dumps(described), encoding="utf-8")
        assert main(["policies", "apply", "--stage", "local"], project_in(tmp_path)) == 1
    assert capsys.readouterr().err == (
        "Another version of this program started the local cloud. Stop it and start it again with `make run`.\n"
    )


# --- policies lint ---

ASSUMED = "Assumed: AuthorizerCacheSeconds 0, no upstream. To use the values of a stage, pass --stage."


def project_with(folder: Path, **files: str) -> Path:
    project = project_in(folder, STAGE)
    (project / "policies").mkdir()
    for name, holder in files.items():
        text = f"{holder}\nstatements: [{{effect: Allow, methods: [GET], paths: [/whoami]}}]\n"
        (project / f"policies/{name}.yaml").write_text(text, encoding="utf-8")
    return project


def project_of(folder: Path, group: str) -> Path:
    """The policies of this repository. The file of the default group is for another group."""
    project = project_in(folder, STAGE)
    shutil.copytree(PROJECT / "policies", project / "policies")
    default = project / f"policies/{DEFAULT_GROUP}.yaml"
    text = default.read_text(encoding="utf-8")
    default.write_text(text.replace(f"group: {DEFAULT_GROUP}", f"group: {group}"), encoding="utf-8")
    return project


def test_lint_finds_no_fault_in_the_policies_of_this_repository(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies", "lint"]) == 0
    assert capsys.readouterr().out.endswith(f" files, compared with infra/identity.yaml: no fault\n{ASSUMED}\n")


def test_lint_reports_every_fault_without_connecting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = project_with(tmp_path, admins="group: amdins", machine="client: MachinClientId", readers="group: readers")
    assert main(["policies", "lint"], project, lambda _stage: pytest.fail("the command must not connect")) == 1
    assert capsys.readouterr().out == (
        "FAIL policies/admins.yaml: group: infra/identity.yaml has no group 'amdins'. Did you mean 'admins'?"
        " Correct the name, or add the group to infra/identity.yaml.\n"
        "FAIL policies/machine.yaml: client: got 'MachinClientId', expected one of the outputs"
        " MachineClientId, SsoClientId, WebClientId.\n"
        "3 files, compared with infra/identity.yaml: 2 faults\n"
        f"{ASSUMED}\n"
    )


@pytest.mark.parametrize(("group", "status"), [("readers", 0), ("raeders", 1)])
def test_lint_prints_its_faults_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], group: str, status: int
) -> None:
    project = project_of(tmp_path, group)
    assert main(["policies", "lint", "--json"], project) == status
    told, files = json.loads(capsys.readouterr().out), len(list((PROJECT / "policies").glob("*.yaml")))
    assert (told["ok"], told["files"], told["compared_with"]) == (not status, files, "infra/identity.yaml")
    assert [fault.partition(" Did")[0] for fault in told["faults"] if fault.startswith("policies/readers.yaml: ")] == (
        ["policies/readers.yaml: group: infra/identity.yaml has no group 'raeders'."] if status else []
    )


@pytest.mark.parametrize("group", ["riders", "readers"])
def test_lint_of_a_stage_reads_the_groups_of_its_user_pool(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], group: str
) -> None:
    stack = {"StackStatus": "UPDATE_COMPLETE", "Outputs": [{"OutputKey": "UserPoolId", "OutputValue": "p1"}]}
    account = owned_by(
        "123456789012",
        cloudformation={"describe_stacks": {"Stacks": [stack]}},
        cognito_idp={"list_groups": {"Groups": [{"GroupName": "dragoons"}]}},
    )
    project = project_of(tmp_path, group)
    assert f"the user pool has no group '{group}'" in typed(project, capsys, "policies", "lint", account=account)[1]


# --- deploy ---


def test_a_deployment_with_an_unknown_group_is_refused_before_its_first_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def describe(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks")

    account = owned_by("123456789012", cloudformation={"describe_stacks": describe})
    project = project_with(tmp_path, admins="group: amdins")
    status, out, err = typed(project, capsys, "deploy", account=account)
    assert (status, out, account.calls) == (1, "", [])
    assert err.startswith("policies/admins.yaml: group: infra/identity.yaml has no group 'amdins'. Did you mean")
    assert "--allow-unknown-group" in err


# --- outside of the virtual environment ---


@pytest.mark.parametrize("words", [[], ["policies", "lint"]])
def test_manage_without_its_packages_names_the_virtual_environment(words: list[str]) -> None:
    bare = [sys.executable, "-S", "-E", "manage.py", *words]  # -S: without site-packages
    ended = subprocess.run(bare, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert re.match(r"The Python package \w+ is missing: run `\.venv/bin/python manage\.py`, or `make`", ended.stderr)
