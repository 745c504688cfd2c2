"""Runs Chalice's command line as a process. Its function does not report whether it failed."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from infra.chalice_bundle import prepare_bundle
from infra.chalice_output import reason
from infra.errors import DeploymentFailed
from infra.stage import Stage

# This variable tells infra/direct_deployment.py that this program runs Chalice, so no second API can be created.
SUPERVISED = "GATEHOUSE_DEPLOYS"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def run_chalice(project: Path, stage: Stage, command: str, run: Run = subprocess.run) -> None:
    """Runs `chalice deploy` or `chalice delete` for a stage. Raises DeploymentFailed with Chalice's message."""

    def chalice(*words: str) -> str:
        return _run(project, stage, words, run)

    if command == "deploy":
        prepare_bundle(project, chalice)
    chalice(command)


def _run(project: Path, stage: Stage, words: Sequence[str], run: Run) -> str:
    script = Path(sys.executable).parent / "chalice"
    if not script.exists():
        raise DeploymentFailed(
            f"Chalice is not installed for {sys.executable}. Use the Python of .venv, as `make deploy` does"
        )
    command, *more = words
    finished = run(
        [str(script), "--project-dir", str(project), command, "--stage", stage.name, *more],
        cwd=project,
        env=_environment(stage),
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise DeploymentFailed(f"chalice {command}: {reason(finished.stdout + finished.stderr)}")
    return str(finished.stdout + finished.stderr)


def _environment(stage: Stage) -> dict[str, str]:
    return {
        **os.environ,
        "AWS_DEFAULT_REGION": stage.region,
        "AWS_REGION": stage.region,
        "PYTHONDONTWRITEBYTECODE": "1",  # Chalice would ship compiled files
        SUPERVISED: stage.name,
    }
