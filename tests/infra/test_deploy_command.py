"""Running Chalice as a process, a direct `chalice deploy`, and the report of a step."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from chalicelib.core.errors import CannotDecide
from infra.chalice_command import SUPERVISED, run_chalice
from infra.chalice_output import reason
from infra.direct_deployment import refuse_a_second_api
from infra.errors import DeploymentFailed, StepFailed
from infra.progress import Progress
from tests.infra.stages import TRIAL

REPORT = """Creating lambda function: gatehouse-trial
Traceback (most recent call last):
  File "chalice/deploy/deployer.py", line 376, in deploy
    return self._deploy(config, chalice_stage_name)
chalice.deploy.deployer.ChaliceDeploymentError: ERROR - While deploying your chalice application, received the following
error:

 An error occurred (AccessDenied) when calling
 the CreateFunction operation: not you
"""
TRACEBACK = """Traceback (most recent call last):
  File "app.py", line 3, in <module>
    import nothing
ModuleNotFoundError: No module named 'nothing'
"""


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            REPORT,
            "While deploying your chalice application, received the following error:"
            " An error occurred (AccessDenied) when calling the CreateFunction operation: not you",
        ),
        (TRACEBACK, "ModuleNotFoundError: No module named 'nothing'"),
        ("\n", "it gave no reason"),
    ],
)
def test_the_reason_of_a_failure_is_extracted_from_the_output_of_chalice(said, sentence):
    assert reason(said) == sentence


def finished(status: int, calls: list):
    def run(command, **arguments):
        calls.append((command, arguments))
        return subprocess.CompletedProcess(command, status, "", TRACEBACK)

    return run


def test_chalice_gets_the_stage_the_region_and_the_supervision_mark(tmp_path):
    calls: list = []
    run_chalice(tmp_path, TRIAL, "delete", finished(0, calls))
    ((command, arguments),) = calls
    assert command[1:] == ["--project-dir", str(tmp_path), "delete", "--stage", "trial"]
    assert arguments["env"]["AWS_DEFAULT_REGION"] == "mars-west-1"
    assert arguments["env"][SUPERVISED] == "trial"


def test_a_failure_of_chalice_raises_deployment_failed(tmp_path):
    with pytest.raises(DeploymentFailed, match=r"chalice delete: ModuleNotFoundError: No module named 'nothing'"):
        run_chalice(tmp_path, TRIAL, "delete", finished(1, []))


@pytest.mark.parametrize(
    "words",
    [
        ["deploy", "--stage", "trial"],
        ["deploy", "--stage=trial"],
        ["--debug", "deploy", "--stage", "trial"],
        ["--project-dir", "deploy", "deploy", "--profile", "p", "--stage", "trial"],
    ],
)
def test_a_direct_deployment_without_state_is_refused(tmp_path, words):
    with pytest.raises(SystemExit, match=r"Run `python manage\.py deploy --stage trial`"):
        refuse_a_second_api(["chalice", *words], {}, tmp_path)


def test_a_direct_deployment_without_a_stage_means_the_stage_dev(tmp_path):
    with pytest.raises(SystemExit, match="deploy --stage dev"):
        refuse_a_second_api(["chalice", "deploy"], {}, tmp_path)


@pytest.mark.parametrize(
    ("words", "environ", "known"),
    [
        pytest.param(["deploy", "--stage", "trial"], {}, "trial", id="the state exists"),
        pytest.param(["deploy", "--stage", "trial"], {SUPERVISED: "trial"}, "other", id="this program runs Chalice"),
        pytest.param(["package", "deploy"], {}, "other", id="another command with a folder called deploy"),
        pytest.param(["delete", "--stage", "deploy"], {}, "other", id="another command for a stage called deploy"),
    ],
)
def test_other_commands_and_supervised_deployments_are_allowed(tmp_path: Path, words, environ, known):
    refuse_a_second_api(["chalice", *words], environ, knowing(tmp_path, known))


def knowing(folder: Path, stage: str, *described: str) -> Path:
    """Returns a project with Chalice's state of one stage and a configuration of the described stages."""
    (folder / ".chalice/deployed").mkdir(parents=True)
    (folder / f".chalice/deployed/{stage}.json").touch()
    config = {"stages": {name: {} for name in described or [stage]}}
    (folder / ".chalice/config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def test_a_direct_deployment_without_an_entry_in_the_configuration_is_refused(tmp_path):
    with pytest.raises(SystemExit, match=r"Run `python manage\.py deploy --stage trial`"):
        refuse_a_second_api(
            ["chalice", "deploy", "--stage", "trial"], {}, knowing(tmp_path, "trial", "package", "other")
        )


def test_supervision_of_one_stage_does_not_allow_another_stage(tmp_path):
    with pytest.raises(SystemExit):
        refuse_a_second_api(["chalice", "deploy", "--stage", "trial"], {SUPERVISED: "dev"}, tmp_path)


def test_a_step_is_reported_at_its_start_and_at_its_end():
    told: list[str] = []
    progress = Progress(told.append)
    with progress.step("carts") as step:
        assert "".join(told).startswith("carts ...")
        step.changed = True
        step.notes.append("two of them")
    assert "".join(told).endswith("... changed\n    two of them\n")
    assert progress.changed


def test_progress_is_changed_if_one_step_changed_something():
    progress = Progress(lambda _: None)
    for changed in (False, True, False):
        with progress.step("carts") as step:
            step.changed = changed
    assert progress.changed


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "CreateStack"),
        DeploymentFailed("trial: ROLLBACK_COMPLETE: not you."),
        CannotDecide("policies_unreachable", "not you"),
    ],
)
def test_a_failed_step_is_reported_with_its_name_the_reason_and_the_retry(error):
    with pytest.raises(StepFailed) as failed, Progress(lambda _: None).step("carts"):
        raise error
    assert str(failed.value).startswith("The step “carts” failed: ")
    assert str(failed.value).endswith("not you. To retry, run the same command again.")


def test_a_programming_error_is_not_reported_as_a_failed_step():
    with pytest.raises(ZeroDivisionError), Progress(lambda _: None).step("carts"):
        raise ZeroDivisionError
