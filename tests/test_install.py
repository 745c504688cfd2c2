"""Checks `requirements/install.py`: an incomplete environment is built again, and the output is short."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest

from tests.wheels import METADATA, lock_of, pip_settings, write_wheel

PROJECT = Path(__file__).resolve().parents[1]
INSTALL = [sys.executable, "-I", str(PROJECT / "requirements/install.py")]
TIMEOUT = 60  # seconds; only a busy machine needs that long


def installed(folder: Path, lock: Path, index: Path) -> subprocess.CompletedProcess[str]:
    command, environment = [*INSTALL, str(folder), str(lock)], {"PATH": os.environ["PATH"], **pip_settings(index)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT * 3)


def balance(folder: Path) -> str:
    command = [str(folder / "bin/python"), "-c", "import ledger; print(ledger.BALANCE)"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def test_a_failed_installation_leaves_no_stamp_and_the_next_one_recovers(
    tmp_path: Path,
) -> None:
    folder, index, lock = tmp_path / "a folder with spaces", tmp_path / "index", tmp_path / "lock.txt"
    digest = write_wheel(index)
    lock.write_text(lock_of("0" * 64), encoding="utf-8")
    failed = installed(folder, lock, index)
    assert failed.returncode == 1
    assert "DO NOT MATCH THE HASHES" in failed.stderr
    assert not (folder / "installed").exists()

    # A killed pip leaves this behind. pip would treat the package as complete.
    [packages] = folder.glob("lib/python*/site-packages")
    half = packages / "ledger-1.0.dist-info"
    half.mkdir()
    (half / "METADATA").write_text(METADATA, encoding="utf-8")

    lock.write_text(lock_of(digest), encoding="utf-8")
    repeated = installed(folder, lock, index)
    assert repeated.returncode == 0, repeated.stderr
    assert (folder / "installed").exists()
    assert balance(folder) == "7"
    assert len(repeated.stdout.splitlines()) <= 4


@pytest.fixture
def silent_index() -> Iterator[tuple[socket.socket, str]]:
    """An index that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(TIMEOUT)
        yield server, f"http://127.0.0.1:{server.getsockname()[1]}/simple"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_installation_leaves_no_stamp_and_no_process(
    tmp_path: Path, silent_index: tuple[socket.socket, str], number: signal.Signals
) -> None:
    server, address = silent_index
    (tmp_path / "lock.txt").write_text(lock_of("0" * 64), encoding="utf-8")
    folder = tmp_path / "venv"
    pip = {"PIP_INDEX_URL": address, "PIP_CONFIG_FILE": os.devnull, "PIP_TIMEOUT": "600", "PIP_RETRIES": "0"}
    environment = {"PATH": os.environ["PATH"], **pip}
    command = [*INSTALL, str(folder), str(tmp_path / "lock.txt")]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as started:
        connection, _ = server.accept()
        with connection:
            started.send_signal(number)
            _, errors = started.communicate(timeout=TIMEOUT)
            connection.settimeout(TIMEOUT)
            while connection.recv(4096):  # ends when pip has closed the connection
                pass
    assert started.returncode == 130
    assert "The next `make` starts it again." in errors
    assert not (folder / "installed").exists()


def test_a_folder_with_other_files_is_not_changed(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_text(lock_of("0" * 64), encoding="utf-8")
    (tmp_path / "home").mkdir()
    (tmp_path / "home/diary.txt").touch()
    refused = installed(tmp_path / "home", tmp_path / "lock.txt", tmp_path)
    assert refused.returncode == 1
    assert "contains other files, for example diary.txt" in refused.stderr
    assert (tmp_path / "home/diary.txt").exists()


def test_a_complete_environment_is_not_installed_again(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_text(lock_of("0" * 64), encoding="utf-8")
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv/installed").touch()
    finished = installed(tmp_path / "venv", tmp_path / "lock.txt", tmp_path)
    assert (finished.returncode, finished.stdout) == (0, "")


def test_a_second_installation_waits_for_the_first_one(tmp_path: Path) -> None:
    lock, folder = tmp_path / "lock.txt", tmp_path / "venv"
    lock.write_text(lock_of("0" * 64), encoding="utf-8")
    with lock.open() as held:
        flock(held, LOCK_EX)
        command = [*INSTALL, str(folder), str(lock)]
        second = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert second.stdout is not None
        assert second.stdout.readline() == "Another `make` is installing packages. Waiting for it to finish.\n"
        folder.mkdir()
        (folder / "installed").touch()
    rest, _ = second.communicate(timeout=TIMEOUT)
    assert (second.returncode, rest) == (0, "")


def test_every_make_rule_of_an_environment_uses_the_installer() -> None:
    rules = re.findall(r"^\$\((\w+)\)/installed: (\S+)\n((?:\t.*\n)+)", (PROJECT / "Makefile").read_text("utf-8"), re.M)
    assert {environment for environment, _, _ in rules} == {"VENV", "BENCH", "SITE", "SCAN", "LOCK"}
    for _, lock, recipe in rules:
        assert (PROJECT / lock).is_file()
        assert recipe.endswith("\t@$(PYTHON) -I requirements/install.py $(@D) $<\n")
