"""Finds and ends the processes that a test run leaves behind. Linux only: elsewhere it finds no process.

The run marks its environment. Every process that a test starts inherits the mark, and so do its children.
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

MARK = "GATEHOUSE_TEST_RUN"
_END_SECONDS = 3  # from the request to end until the kernel ends a process


class Processes:
    """A pytest plugin: ends the processes of an interrupted run and says so. A process that a finished run leaves
    behind fails the run."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._interrupted = False

    def pytest_keyboard_interrupt(self) -> None:
        self._interrupted = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """Runs around the end of the fixtures and of pytest-xdist's workers."""
        if self._interrupted:
            self._say(session, f"\nInterrupted: ended {len(end(self._mark))} processes of this test run.")
        result = yield
        _wait_until_ended(self._mark, _END_SECONDS)
        if (left := end(self._mark)) and not self._interrupted:
            self._say(session, f"\nThe tests left processes running, which are ended now: {', '.join(left)}")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return result

    def _say(self, session: pytest.Session, sentence: str) -> None:
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            terminal.write_line(sentence)


def watch(config: pytest.Config) -> None:
    """Marks the processes of this run; does nothing in a worker, whose run is watched by the process that began it."""
    if not hasattr(config, "workerinput"):
        os.environ[MARK] = uuid.uuid4().hex
        config.pluginmanager.register(Processes(os.environ[MARK]))


def running(mark: str) -> list[Path]:
    """Returns the /proc folders of the run's processes. The process that made the mark is not among them."""
    wanted = f"{MARK}={mark}\0".encode()
    return [process for process in Path("/proc").glob("[0-9]*") if wanted in _environment(process)]


def end(mark: str, seconds: float = _END_SECONDS) -> list[str]:
    """Asks the run's processes to end, waits, and kills those that have not ended by then. Returns their commands."""
    commands = [_command(process) for process in running(mark)]
    _signal(running(mark), signal.SIGTERM)
    _wait_until_ended(mark, seconds)
    _signal(running(mark), signal.SIGKILL)
    return commands


def _wait_until_ended(mark: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while running(mark) and time.monotonic() < deadline:
        time.sleep(0.05)


def _signal(processes: list[Path], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(int(process.name), number)


def _environment(process: Path) -> bytes:
    with suppress(OSError):  # it has ended meanwhile, or belongs to another user
        return (process / "environ").read_bytes()
    return b""


def _command(process: Path) -> str:
    with suppress(OSError):
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return process.name
