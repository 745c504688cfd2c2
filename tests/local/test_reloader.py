"""Chalice's reloader restarts `chalice local` for changed source files, and for no generated file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from chalice.cli.filewatch.stat import StatFileWatcher

from infra.package import PROJECT
from local.reloader import GENERATED, ignore_generated_files


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("app.py", "old.py", ".local/state/snapshot.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("before")
    return tmp_path


@pytest.fixture
def restarts(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Polls once, and returns the number of restarts so far."""
    monkeypatch.setattr(StatFileWatcher, "_single_pass_poll", StatFileWatcher._single_pass_poll)  # restored afterwards
    ignore_generated_files()
    watcher, calls = StatFileWatcher(), list[str]()
    watcher._seed_mtime_cache(str(project))

    def poll() -> int:
        watcher._single_pass_poll(str(project), lambda: calls.append("restart"))
        return len(calls)

    return poll


def changed(file: Path) -> None:
    file.write_text("after")
    os.utime(file, (2_000_000_000, 2_000_000_000))


def test_a_saved_state_of_the_local_cloud_causes_no_restart(project: Path, restarts: Callable[[], int]) -> None:
    changed(project / ".local/state/snapshot.json")
    (project / ".local/state/snapshot.json.draft").touch()
    assert restarts() == 0
    (project / ".local/state/snapshot.json.draft").unlink()
    assert restarts() == 0


@pytest.mark.parametrize("folder", sorted(GENERATED))
def test_a_new_generated_file_causes_no_restart(project: Path, restarts: Callable[[], int], folder: str) -> None:
    (project / "chalicelib" / folder).mkdir(parents=True)
    (project / "chalicelib" / folder / "file").touch()
    assert restarts() == 0


def test_a_changed_source_file_causes_one_restart(project: Path, restarts: Callable[[], int]) -> None:
    changed(project / "app.py")
    assert [restarts(), restarts()] == [1, 1]


def test_a_new_and_a_removed_source_file_cause_a_restart_each(project: Path, restarts: Callable[[], int]) -> None:
    (project / "new.py").touch()
    assert restarts() == 1
    (project / "old.py").unlink()
    assert restarts() == 2


def test_no_package_of_the_virtual_environment_brings_another_reloader() -> None:
    """With watchdog, Chalice's reloader restarts `chalice local` without end."""
    locks = [PROJECT / "requirements" / f"{name}.txt" for name in ("dev", "browser", "api", "mutation")]
    assert [lock.name for lock in locks if re.search("^watchdog==", lock.read_text("utf-8"), re.MULTILINE)] == []
