"""The application as AWS would get it: what `chalice package` writes, with `.chalice/package.json` merged in."""

import os
import platform
import shutil
import subprocess
import sys
from fcntl import LOCK_EX, flock
from pathlib import Path

from local.place import REGION

PROJECT = Path(__file__).resolve().parent.parent
SOURCES = ("app.py", "authorizers", "chalicelib", "vendor", ".chalice/config.json", ".chalice/package.json")


class PackagingFailed(Exception):
    """`chalice package` did not come to an end; the message holds what it said."""


def package(out: Path) -> tuple[str, bytes]:
    """Give the template and the code. Raises PackagingFailed.

    The dependencies in it are built for Lambda's Linux. A machine of another kind, which could not run them, gets the
    bundle without them: its functions find the same versions in the virtual environment.
    """
    if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        return run_chalice(PROJECT, out)
    return package_without_dependencies(out)


def package_without_dependencies(out: Path) -> tuple[str, bytes]:
    project = out / "project"
    shutil.rmtree(project, ignore_errors=True)
    for source in SOURCES:
        original, copy = PROJECT / source, project / source
        copy.parent.mkdir(parents=True, exist_ok=True)
        if original.is_dir():
            shutil.copytree(original, copy, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(original, copy)
    (project / "requirements.txt").write_text("", encoding="utf-8")
    return run_chalice(project, out)


def run_chalice(project: Path, out: Path) -> tuple[str, bytes]:
    """Run the console script: called as a function, Chalice would not say whether it failed."""
    command = [str(Path(sys.executable).parent / "chalice"), "--project-dir", str(project), "package"]
    template = project / ".chalice/package.json"
    with template.open() as lock:
        flock(lock, LOCK_EX)  # Chalice keeps its bundles in the project: two at once would write one file together
        finished = subprocess.run(
            [*command, "--stage", "package", "--merge-template", str(template), str(out)],
            env={**os.environ, "AWS_DEFAULT_REGION": REGION, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    if finished.returncode:
        raise PackagingFailed((finished.stdout + finished.stderr).strip())
    return (out / "sam.json").read_text(encoding="utf-8"), (out / "deployment.zip").read_bytes()
