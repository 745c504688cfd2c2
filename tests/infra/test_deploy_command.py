"""Chalice as a process, by hand and by us; and what is said of a step."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from chalicelib.core.errors import CannotDecide
from infra.chalice_command import SUPERVISED, run_chalice
from infra.chalice_said import reason
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
        ("\n", "it said nothing"),
    ],
)
def test_of_what_chalice_says_when_it_fails_the_sentence_is_shown(said, sentence):
    assert reason(said) == sentence


def finished(status: int, calls: list):
    def run(command, **arguments):
        calls.append((command, arguments))
        return subprocess.CompletedProcess(command, status, "", TRACEBACK)

    return run


def test_chalice_is_told_the_stage_and_its_region_and_that_it_is_supervised(tmp_path):
    calls: list = []
    run_chalice(tmp_path, TRIAL, "delete", finished(0, calls))
    ((command, arguments),) = calls
    assert command[1:] == ["--project-dir", str(tmp_path), "delete", "--stage", "trial"]
    assert arguments["env"]["AWS_DEFAULT_REGION"] == "mars-west-1"
    assert arguments["env"][SUPERVISED] == "trial"


def test_a_failure_of_chalice_is_one_of_the_deployment(tmp_path):
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
def test_a_deployment_by_hand_is_refused_where_nothing_is_known_of_the_stage(tmp_path, words):
    with pytest.raises(SystemExit, match=r"run `python manage\.py deploy --stage trial`"):
        refuse_a_second_api(["chalice", *words], {}, tmp_path)


def test_without_a_stage_it_is_chalices_own_default_that_is_looked_for(tmp_path):
    with pytest.raises(SystemExit, match="deploy --stage dev"):
        refuse_a_second_api(["chalice", "deploy"], {}, tmp_path)


@pytest.mark.parametrize(
    ("words", "environ", "known"),
    [
        pytest.param(["deploy", "--stage", "trial"], {}, "trial", id="what is deployed is known"),
        pytest.param(["deploy", "--stage", "trial"], {SUPERVISED: "trial"}, "other", id="somebody watches"),
        pytest.param(["package", "deploy"], {}, "other", id="another command, into a folder called deploy"),
        pytest.param(["delete", "--stage", "deploy"], {}, "other", id="another command, for a stage called deploy"),
    ],
)
def test_other_commands_are_let_pass(tmp_path: Path, words, environ, known):
    refuse_a_second_api(["chalice", *words], environ, knowing(tmp_path, known))


def knowing(folder: Path, stage: str, *described: str) -> Path:
    """A project on a machine that has deployed a stage, with a description of that one and others."""
    (folder / ".chalice/deployed").mkdir(parents=True)
    (folder / f".chalice/deployed/{stage}.json").touch()
    config = {"stages": {name: {} for name in described or [stage]}}
    (folder / ".chalice/config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def test_a_deployment_by_hand_is_refused_where_the_stages_description_is_gone(tmp_path):
    with pytest.raises(SystemExit, match=r"run `python manage\.py deploy --stage trial`"):
        refuse_a_second_api(
            ["chalice", "deploy", "--stage", "trial"], {}, knowing(tmp_path, "trial", "package", "other")
        )


def test_who_watches_one_stage_does_not_watch_another(tmp_path):
    with pytest.raises(SystemExit):
        refuse_a_second_api(["chalice", "deploy", "--stage", "trial"], {SUPERVISED: "dev"}, tmp_path)


def test_a_step_is_told_when_it_begins_and_when_it_ends():
    told: list[str] = []
    progress = Progress(told.append)
    with progress.step("carts") as step:
        assert "".join(told).startswith("carts ...")
        step.changed = True
        step.notes.append("two of them")
    assert "".join(told).endswith("... changed\n    two of them\n")
    assert progress.changed


def test_one_step_that_changed_something_is_enough_to_say_so():
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
def test_a_step_that_fails_is_named_with_the_reason_and_what_to_do(error):
    with pytest.raises(StepFailed) as failed, Progress(lambda _: None).step("carts"):
        raise error
    assert str(failed.value).startswith("The step “carts” failed: ")
    assert str(failed.value).endswith("not you. Give the same command again to go on.")


def test_a_fault_of_our_own_is_no_failed_step():
    with pytest.raises(ZeroDivisionError), Progress(lambda _: None).step("carts"):
        raise ZeroDivisionError
