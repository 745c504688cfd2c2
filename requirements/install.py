"""Installs a lock file into a virtual environment and reports the progress in a few lines.

    python3 -I requirements/install.py FOLDER LOCK

Writes the file FOLDER/installed last. An environment without this file is deleted and created again, because an
interrupted installation can leave half a package behind. Uses the standard library only: it runs before any package
is installed.
"""

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

STAMP = "installed"
_STEP = 25  # packages for each line of progress
_MADE_BY_VENV = {"bin", "include", "lib", "lib64", "pyvenv.cfg", "share", ".gitignore", STAMP}
_PIP = ("-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off")


class InstallationFailed(Exception):
    """The environment is incomplete. The message names the reason and the remedy."""


def install(folder: Path, lock: Path) -> None:
    """Brings the environment in `folder` to the versions of `lock`. Raises InstallationFailed."""
    started = time.monotonic()
    packages = len(re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?==", lock.read_text(encoding="utf-8"), re.MULTILINE))
    _say(f"Installing {lock} into {folder}: {packages} packages. This can take a few minutes.")
    if not _is_usable(folder):
        _create(folder)
    (folder / STAMP).unlink(missing_ok=True)
    _install_packages(folder, lock)
    (folder / STAMP).touch()
    _say(f"Installed in {time.monotonic() - started:.0f} s.")


def is_current(folder: Path, lock: Path) -> bool:
    """Returns whether `folder` was completed after `lock` was written."""
    stamp = folder / STAMP
    return stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime


def progress(output: Iterable[str]) -> Iterator[str]:
    """Turns the output of pip into a few lines of progress."""
    collected = 0
    for line in output:
        if line.startswith(("Collecting ", "Processing ")):
            collected += 1
            if collected % _STEP == 0:
                yield f"  {collected} packages found"
        elif line.startswith("Installing collected packages"):
            yield "  writing files"


def _is_usable(folder: Path) -> bool:
    """Returns whether an earlier installation was completed here and its pip still runs."""
    python = folder / "bin/python"
    if not (folder / STAMP).exists() or not python.exists():
        return False
    return subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def _create(folder: Path) -> None:
    foreign = {path.name for path in folder.iterdir()} - _MADE_BY_VENV if folder.exists() else set()
    if foreign:
        raise InstallationFailed(f"{folder} contains other files, for example {min(foreign)}. Name another folder.")
    if folder.exists():
        _empty(folder)
    made = subprocess.run([sys.executable, "-m", "venv", folder], capture_output=True, text=True, check=False)
    if made.returncode:
        raise InstallationFailed(
            f"{made.stdout}{made.stderr}\nThe virtual environment {folder} could not be created. "
            "On Debian and Ubuntu, install the package python3-venv."
        )


def _empty(folder: Path) -> None:
    """Deletes the contents of `folder`, the stamp first. Keeps the folder: it may be a symbolic link."""
    (folder / STAMP).unlink(missing_ok=True)
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _install_packages(folder: Path, lock: Path) -> None:
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        command = [str(folder / "bin/python"), *_PIP, "--require-hashes", "-r", str(lock)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8", errors="replace"
        ) as pip:
            try:
                for line in progress(pip.stdout or ()):
                    _say(line)
            except BaseException:
                pip.kill()  # leave no pip behind that writes into the environment of the next run
                pip.wait()
                raise
        if pip.returncode:
            errors.seek(0)
            raise InstallationFailed(
                f"{errors.read()}\nThe packages of {lock} could not be installed. pip gives the reason above. "
                "The installation needs a network connection to a package index. To try again, repeat the command."
            )


def _wait_for(held: IO[str]) -> None:
    """Lets a second `make` wait for the first one. It then finds a complete environment."""
    try:
        flock(held, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        _say("Another `make` is installing packages. Waiting for it to finish.")
        flock(held, LOCK_EX)


def _say(line: str) -> None:
    print(line, flush=True)


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main(arguments: Sequence[str]) -> int:
    folder, lock = map(Path, arguments)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        with lock.open() as held:
            _wait_for(held)
            if not is_current(folder, lock):
                install(folder, lock)
    except InstallationFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("The installation was interrupted. The next `make` starts it again.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
