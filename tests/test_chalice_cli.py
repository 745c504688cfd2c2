"""The hook for Chalice's command line runs for `local` and `deploy`, and loads nothing for other commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import child_environment

PROJECT = Path(__file__).resolve().parents[1]
LOADED = "import sys, chalice_cli; {call}; print(*sorted({{'local', 'infra'}} & sys.modules.keys()))"


def run(call: str, folder: Path) -> subprocess.CompletedProcess[str]:
    # GATEHOUSE_LOCAL names a folder without a running cloud.
    return subprocess.run(
        [sys.executable, "-c", LOADED.format(call=call)],
        cwd=PROJECT,
        env=child_environment(GATEHOUSE_LOCAL=str(folder)),
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize("words", ["package out", "delete --stage dev", "--help"])
def test_another_command_loads_neither_the_local_cloud_nor_the_deploy_program(words: str, tmp_path: Path) -> None:
    ended = run(f"chalice_cli.prepare({['chalice', *words.split()]})", tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "\n", "")


def test_chalice_local_is_refused_without_a_running_cloud(tmp_path: Path) -> None:
    ended = run("chalice_cli.prepare(['chalice', 'local', '--port', '0'])", tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("chalice local needs the local cloud: ")


def test_chalice_deploy_is_refused_for_a_stage_without_state(tmp_path: Path) -> None:
    ended = run("chalice_cli.prepare(['chalice', 'deploy', '--stage', 'unknown'])", tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "python manage.py deploy --stage unknown" in ended.stderr


@pytest.mark.parametrize("words", ["package --stage local out", "package deploy"])
def test_a_stage_or_folder_named_like_a_command_does_not_load_the_hook_of_that_command(
    words: str, tmp_path: Path
) -> None:
    ended = run(f"chalice_cli.prepare({['chalice', *words.split()]})", tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
