"""Checks the test suite itself: isolation from the shell, distribution over workers, and the end of processes.

Each test runs a small suite with the configuration of this one.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.browser import browser
from tests.environment import child_environment, isolate
from tests.processes import RUN_ID

pytestmark = pytest.mark.slow
PROJECT = Path(__file__).resolve().parents[1]
SECONDS = 60  # a small suite needs much less on an idle machine
SHELL = {
    "AWS_PROFILE": "accountant",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "real",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "GATEHOUSE_PORT": "4566",
    "GATEHOUSE_LOCAL": "/somewhere",
    "PYTHONHASHSEED": "7",
}
WHERE = """
import os
import pathlib
import pytest

@pytest.mark.parametrize("number", range(8))
def test_where(number):
    pathlib.Path(__file__).with_suffix(f".{number}").write_text(os.environ["PYTEST_XDIST_WORKER"])
"""
WAITING = """
import subprocess
import time
from pathlib import Path
from tests.environment import child_environment

def test_a_process_that_continues():
    child = subprocess.Popen(["sh", "-c", {script!r}], env=child_environment(), start_new_session=True)
    draft = Path(__file__).with_suffix(".draft")
    draft.write_text(str(child.pid))
    draft.rename(draft.with_suffix(".pid"))
    {then}
"""
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the environment of a process")


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Makes a project that contains only the configuration of this one."""
    for name in ("__init__.py", "conftest.py", "environment.py", "processes.py", "scheduling.py"):
        (tmp_path / "tests").mkdir(exist_ok=True)
        shutil.copy(PROJECT / "tests" / name, tmp_path / "tests" / name)
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    return tmp_path


def add(suite: Path, name: str, text: str) -> None:
    (suite / "tests" / name).parent.mkdir(exist_ok=True)
    (suite / "tests" / name).write_text(text, encoding="utf-8")


@contextmanager
def running(suite: Path, *options: str, **shell: str) -> Iterator[subprocess.Popen[str]]:
    """Runs pytest in its own process group, as a shell does."""
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", *options],
        cwd=suite,
        env=child_environment(**shell),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def workers(suite: Path, folder: str) -> set[str]:
    return {file.read_text("utf-8") for file in (suite / "tests" / folder).glob("*.[0-9]")}


def test_each_worker_runs_whole_groups_and_both_workers_are_used(suite: Path) -> None:
    for name in ("e2e/test_a.py", "e2e/test_b.py", "rehearsal/test_a.py", "rehearsal/test_b.py"):
        add(suite, name, WHERE)
    add(suite, "core/test_a.py", WHERE)

    with running(suite, "-n", "2") as process:
        output, _ = process.communicate(timeout=SECONDS)

    assert "40 passed" in output, output
    assert len(workers(suite, "e2e")) == len(workers(suite, "rehearsal")) == 1
    assert workers(suite, "e2e") != workers(suite, "rehearsal")


def test_no_setting_of_the_shell_reaches_a_test(suite: Path) -> None:
    text = f"import os\ndef test_shell():\n    assert {SHELL!r}.items() & os.environ.items() == set()\n"
    add(suite, "test_shell.py", text)

    with running(suite, **SHELL) as process:
        output, _ = process.communicate(timeout=SECONDS)

    assert "1 passed" in output, output


def test_a_test_process_retains_variables_of_pip_and_programs() -> None:
    environ = {**SHELL, "PATH": "/bin", "HOME": "/home/clerk", "PIP_INDEX_URL": "https://packages.example"}
    isolate(environ)
    assert (
        environ.items() >= {"PATH": "/bin", "HOME": "/home/clerk", "PIP_INDEX_URL": "https://packages.example"}.items()
    )
    assert environ["AWS_CONFIG_FILE"] == os.devnull


def test_a_child_process_gets_only_the_given_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SHELL.items():
        monkeypatch.setenv(name, value)
    environment = child_environment(GATEHOUSE_PORT="1")
    assert environment.keys() & SHELL.keys() == {"GATEHOUSE_PORT"}
    assert environment["GATEHOUSE_PORT"] == "1"


@linux_only
@pytest.mark.parametrize("options", [("-n", "2"), ()], ids=["two workers", "one process"])
def test_an_interrupted_run_ends_and_reports_its_processes(suite: Path, options: tuple[str, ...]) -> None:
    add(suite, "test_one.py", WAITING.format(script="sleep 600; true", then="time.sleep(600)"))
    ignores_signals = 'trap "" TERM INT; while true; do sleep 1; done'
    add(suite, "test_two.py", WAITING.format(script=ignores_signals, then="time.sleep(600)"))
    started = [suite / "tests/test_one.pid", suite / "tests/test_two.pid"][: 2 if options else 1]

    with running(suite, *options) as process:
        wait_for_all(started)
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=SECONDS)

    assert [file for file in started if is_alive(int(file.read_text("utf-8")))] == []
    assert "Interrupted: ended " in output


@linux_only
def test_a_run_that_leaves_a_process_fails_and_reports_the_process(suite: Path) -> None:
    add(suite, "test_one.py", WAITING.format(script="sleep 600; true", then="pass"))

    with running(suite) as process:
        output, _ = process.communicate(timeout=SECONDS)

    assert process.returncode == 1
    assert "The tests left processes running. Ended: sh -c sleep 600; true" in output
    assert not is_alive(int((suite / "tests/test_one.pid").read_text("utf-8")))


def wait_for_all(files: list[Path]) -> None:
    deadline = time.monotonic() + SECONDS
    while not all(file.exists() for file in files):
        assert time.monotonic() < deadline, "the small suite has not started its processes"
        time.sleep(0.05)


def is_alive(process: int) -> bool:
    """Returns whether a process of a small suite still runs. Another process may have reused its number."""
    try:
        return f"{RUN_ID}=".encode() in Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return False


@pytest.mark.parametrize("installed", [True, False])
def test_ci_runs_the_checks_in_a_minimal_environment(tmp_path: Path, installed: bool) -> None:
    (tmp_path / "make").write_text('#!/bin/sh\necho "$@"\nenv\n', encoding="utf-8")
    for program in ("chromium", "node", "npm"):
        (tmp_path / program).write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "npm").write_text(f"#!/bin/sh\nexit {int(not installed)}\n", encoding="utf-8")
    for program in ("make", "chromium", "node", "npm"):
        (tmp_path / program).chmod(0o755)
    path = f"{tmp_path}:{Path(sys.executable).parent}:/usr/bin:/bin"
    shell = {**SHELL, "HOME": "/home/clerk", "PIP_INDEX_URL": "https://packages.example"}

    finished = subprocess.run(
        [PROJECT / ".ci/run"],
        env={**child_environment(**shell), "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )

    lines = finished.stdout.splitlines()
    skipped = [] if installed else [lines.pop(0)]
    command, *variables = lines
    names = {name for name in (line.partition("=")[0] for line in variables) if not name.startswith("PIP_")}
    assert command.startswith("check PYTHON=")
    expected = {"GATEHOUSE_CHROMIUM", "HOME", "LANG", "PATH", *(["GATEHOUSE_NODE"] if installed else [])}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == expected
    assert f"GATEHOUSE_CHROMIUM={tmp_path}/chromium" in variables
    assert (f"GATEHOUSE_NODE={tmp_path}/node" in variables) is installed
    assert all("are skipped" in line for line in skipped)
    assert "PIP_INDEX_URL=https://packages.example" in variables


def test_a_missing_browser_fails_the_tests_of_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_CHROMIUM", "/a/browser/that/does/not/exist")

    with pytest.raises(pytest.fail.Exception, match="GATEHOUSE_CHROMIUM names /a/browser"), browser():
        pass
