"""Finds and ends the processes that a test run leaves behind. Works on Linux only: elsewhere it finds no process.

The run sets a variable with its id. Every process that a test starts inherits the variable, also indirectly.
"""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

RUN_ID = "GATEHOUSE_TEST_RUN"
_END_SECONDS = 3  # from SIGTERM to SIGKILL


class Processes:
    """A pytest plugin that ends the processes of an interrupted run and reports them.

    A process that a finished run leaves behind fails the run.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._interrupted = False

    def pytest_keyboard_interrupt(self) -> None:
        self._interrupted = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """Runs around the end of the fixtures and of pytest-xdist's workers."""
        if self._interrupted:
            self._say(session, f"\nInterrupted: ended {len(end(self._run_id))} processes of this test run.")
        result = yield
        _wait_until_ended(self._run_id, _END_SECONDS)
        if (left := end(self._run_id)) and not self._interrupted:
            self._say(session, f"\nThe tests left processes running. Ended: {', '.join(left)}")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return result

    def _say(self, session: pytest.Session, message: str) -> None:
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            terminal.write_line(message)


def watch(config: pytest.Config) -> None:
    """Sets the id of this run. Does nothing in a worker, because the main process watches it."""
    if not hasattr(config, "workerinput"):
        os.environ[RUN_ID] = uuid.uuid4().hex
        config.pluginmanager.register(Processes(os.environ[RUN_ID]))


def running(run_id: str) -> list[Path]:
    """Returns the /proc folders of the run's processes. The main process itself is not among them."""
    variable = f"{RUN_ID}={run_id}\0".encode()
    return [process for process in Path("/proc").glob("[0-9]*") if variable in _environment(process)]


def end(run_id: str, seconds: float = _END_SECONDS) -> list[str]:
    """Asks the run's processes to end, waits, and kills the processes that have not ended. Returns their commands."""
    commands = [_command(process) for process in running(run_id)]
    _signal(running(run_id), signal.SIGTERM)
    _wait_until_ended(run_id, seconds)
    _signal(running(run_id), signal.SIGKILL)
    return commands


def _wait_until_ended(run_id: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while running(run_id) and time.monotonic() < deadline:
        time.sleep(0.05)


def _signal(processes: list[Path], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(int(process.name), number)


def _environment(process: Path) -> bytes:
    with suppress(OSError):  # the process has ended, or belongs to another user
        return (process / "environ").read_bytes()
    return b""


def _command(process: Path) -> str:
    with suppress(OSError):
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return process.name
