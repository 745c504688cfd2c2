"""`make package`: the application as AWS gets it, a template for CloudFormation and the code that it names.

The template is what `chalice package` writes, with `.chalice/package.json` merged in. Its parameters bear the names of
the identity stack's outputs.
"""

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.bundle import is_incomplete, rebuilt

PROJECT = Path(__file__).resolve().parent.parent
SOURCES = ("app.py", "authorizers", "chalicelib", "vendor", ".chalice/config.json", ".chalice/package.json")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


class PackagingFailed(Exception):
    """There is no bundle; the message says why."""


def package(out: Path) -> tuple[str, bytes]:
    """Write sam.json and deployment.zip, for functions that run on this machine; give both. Raises PackagingFailed.

    The dependencies are built for Lambda's Linux. A machine of another kind, which could not run them, gets the bundle
    without them: its functions find the same versions in the virtual environment.
    """
    return package_for_lambda(out) if bundle_runs_here() else package_without_dependencies(out)


def bundle_runs_here() -> bool:
    """Say whether this machine can run what is built for Lambda."""
    return (platform.system(), platform.machine()) == ("Linux", "x86_64")


def package_for_lambda(out: Path, project: Path = PROJECT, run: Run = subprocess.run) -> tuple[str, bytes]:
    return _package(out, project, _requirements(project), run)


def package_without_dependencies(out: Path, project: Path = PROJECT) -> tuple[str, bytes]:
    return _package(out, project, "", subprocess.run)


def package_as_chalice_does(out: Path) -> None:
    """Leave the bundle as it comes from Chalice, to see what the difference is worth."""
    _chalice_package(out, PROJECT, _requirements(PROJECT), subprocess.run)


def _requirements(project: Path) -> str:
    return (project / "requirements.txt").read_text(encoding="utf-8")


def _package(out: Path, project: Path, requirements: str, run: Run) -> tuple[str, bytes]:
    _chalice_package(out, project, requirements, run)
    code = rebuilt((out / "deployment.zip").read_bytes())
    (out / "deployment.zip").write_bytes(code)
    return (out / "sam.json").read_text(encoding="utf-8"), code


def _chalice_package(out: Path, project: Path, requirements: str, run: Run) -> None:
    with _copy_of(project, requirements) as copy, (project / ".chalice/package.json").open() as lock:
        flock(lock, LOCK_EX)  # all copies share one cache: two at once would write one file together
        _run_chalice(copy, out, run)


@contextmanager
def _copy_of(project: Path, requirements: str) -> Iterator[Path]:
    """Give a project with what ships and nothing else, and the original's cache of Chalice's bundles.

    Chalice finds a bundle in its cache by its requirements and by what its files hold, not by what they are called: a
    module that was renamed would ship under its old name. So the requirements say in a comment which files there are.
    """
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        for source in SOURCES:
            _copy(project / source, copy / source)
        names = sorted(str(path.relative_to(copy)) for path in copy.rglob("*"))
        (copy / "requirements.txt").write_text(f"{requirements}\n# {' '.join(names)}\n", encoding="utf-8")
        cache = project / ".chalice/deployments"
        cache.mkdir(exist_ok=True)
        (copy / ".chalice/deployments").symlink_to(cache)
        yield copy


def _copy(original: Path, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    if original.is_dir():
        shutil.copytree(original, copy, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(original, copy)


def _run_chalice(project: Path, out: Path, run: Run) -> None:
    """Run the console script: called as a function, Chalice would not say whether it failed."""
    command = [str(Path(sys.executable).parent / "chalice"), "--project-dir", str(project), "package"]
    cache = project / ".chalice/deployments"
    bundles = set(cache.iterdir())
    finished = run(
        [
            *command,
            "--stage",
            "package",
            "--merge-template",
            str(project / ".chalice/package.json"),
            str(out.resolve()),
        ],
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = (finished.stdout + finished.stderr).strip()
    incomplete = is_incomplete(said)
    if incomplete:
        for bundle in set(cache.iterdir()) - bundles:
            bundle.unlink()  # the next run would take it, and say nothing
    if finished.returncode or incomplete:
        raise PackagingFailed(said)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.package", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/package"), help="default: %(default)s")
    out = parser.parse_args(arguments).out
    try:
        _, code = package_for_lambda(out)
    except PackagingFailed as failure:
        print(f"The application could not be packaged: {failure}", file=sys.stderr)
        return 1
    print(f"{out / 'sam.json'} and {out / 'deployment.zip'}: Python {platform.python_version()}, {len(code):,} bytes")
    print(f"sha256 {hashlib.sha256(code).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
