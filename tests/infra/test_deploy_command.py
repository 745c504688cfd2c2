"""The reason of a failure of Chalice, a direct `chalice deploy`, and the report of a step."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from chalicelib.core.errors import CannotDecide
from infra.chalice_output import reason
from infra.errors import DeploymentFailed, StepFailed
from infra.progress import Progress
from infra.trial_configuration import refuse_unconfigured

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
def test_the_reason_of_a_failure_is_extracted_from_the_output_of_chalice(said: str, sentence: str) -> None:
    assert reason(said) == sentence


@pytest.mark.parametrize(
    ("words", "stage"),
    [
        (["deploy", "--stage", "trial"], "trial"),
        (["deploy", "--stage=trial"], "trial"),
        (["--debug", "deploy", "--stage", "trial"], "trial"),
        (["--project-dir", "deploy", "deploy", "--profile", "p", "--stage", "trial"], "trial"),
        (["deploy", "--stage", "package"], "package"),
        (["deploy"], "dev"),
    ],
)
def test_a_direct_deployment_of_a_stage_that_is_not_configured_is_refused(
    tmp_path: Path, words: list[str], stage: str
) -> None:
    with pytest.raises(SystemExit, match=rf"run `python manage\.py configure --stage {stage}` first"):
        refuse_unconfigured(["chalice", *words], configured(tmp_path, "package", "other"))


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["deploy", "--stage", "trial"], id="a configured stage"),
        pytest.param(["package", "deploy"], id="another command with a folder called deploy"),
        pytest.param(["delete", "--stage", "deploy"], id="another command for a stage called deploy"),
    ],
)
def test_other_commands_and_configured_stages_are_allowed(tmp_path: Path, words: list[str]) -> None:
    refuse_unconfigured(["chalice", *words], configured(tmp_path, "package", "trial"))


def configured(folder: Path, *stages: str) -> Path:
    """Returns a project whose configuration has these stages."""
    (folder / ".chalice").mkdir()
    config: dict[str, dict[str, dict[str, str]]] = {"stages": {name: {} for name in stages}}
    (folder / ".chalice/config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def test_a_step_is_reported_at_its_start_and_at_its_end() -> None:
    told: list[str] = []
    progress = Progress(told.append)
    with progress.step("carts") as step:
        assert "".join(told).startswith("carts ...")
        step.changed = True
        step.notes.append("two of them")
    assert "".join(told).endswith("... changed\n    two of them\n")
    assert progress.changed


def test_progress_is_changed_if_one_step_changed_something() -> None:
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
def test_a_failed_step_is_reported_with_its_name_the_reason_and_the_retry(error: Exception) -> None:
    with pytest.raises(StepFailed) as failed, Progress(lambda _: None).step("carts"):
        raise error
    assert str(failed.value).startswith("The step “carts” failed: ")
    assert str(failed.value).endswith("not you. To retry, run the same command again.")


def test_a_programming_error_is_not_reported_as_a_failed_step() -> None:
    with pytest.raises(ZeroDivisionError), Progress(lambda _: None).step("carts"):
        raise ZeroDivisionError
