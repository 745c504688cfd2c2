"""Packages the application for CloudFormation: writes the template and the bundle.

`chalice package` writes the template and merges `.chalice/package.json` into it. `infra/aliases.py` adds a version and
an alias for each function. The template's parameters have the names of the identity stack's outputs.

Chalice stores its bundles in the project and writes them in place. An interrupt would leave a damaged bundle for the
next run. So each run of Chalice uses its own copy of the project. `build/packages` caches complete packages.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.aliases import with_aliases
from infra.bundle import is_incomplete, rebuilt_with
from infra.chalice_output import reason
from infra.errors import PackagingFailed
from infra.files import replace_file
from infra.package_cache import PackageCache

PROJECT = Path(__file__).resolve().parent.parent
# Chalice ships only app.py, chalicelib/ and vendor/. It needs the others while it packages.
SOURCES = (
    *("app.py", "chalice_cli.py", "authorizers", "chalicelib", "vendor"),
    *(".chalice/config.json", ".chalice/package.json"),
)

_DEPENDENCIES_ONLY = {
    # Chalice packages only an application that has at least one function.
    "app.py": "import chalice\napp = chalice.Chalice('dependencies')\napp.lambda_function()(lambda *_: None)\n",
    ".chalice/config.json": '{"version": "2.0", "app_name": "dependencies", "stages": {"package": {}}}',
    ".chalice/package.json": "{}",
}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def package(out: Path) -> tuple[str, bytes]:
    """Writes sam.json and deployment.zip for functions that run on this machine. Returns both.

    The dependencies are built for Lambda's Linux. On another kind of machine, the bundle contains no dependencies: its
    functions use the same versions from the virtual environment.

    Raises:  PackagingFailed
    """
    return package_for_lambda(out) if bundle_runs_here() else package_without_dependencies(out)


def bundle_runs_here() -> bool:
    """Returns whether this machine can run code that is built for Lambda."""
    return (platform.system(), platform.machine()) == ("Linux", "x86_64")


def package_for_lambda(out: Path, project: Path = PROJECT, run: Run = subprocess.run) -> tuple[str, bytes]:
    return _package(out, project, _requirements(project), run)


def package_without_dependencies(out: Path, project: Path = PROJECT) -> tuple[str, bytes]:
    return _package(out, project, "", subprocess.run)


def package_as_chalice_does(out: Path) -> None:
    """Writes Chalice's bundle unchanged, for comparisons."""
    with _copy_of(PROJECT, _requirements(PROJECT)) as copy:
        template, code = _run_chalice(copy, subprocess.run)
    replace_file(out / "sam.json", template)
    replace_file(out / "deployment.zip", code)


def _requirements(project: Path) -> str:
    return (project / "requirements.txt").read_text(encoding="utf-8")


def _package(out: Path, project: Path, requirements: str, run: Run) -> tuple[str, bytes]:
    with _copy_of(project, "") as copy, _one_at_a_time(project):
        cache = PackageCache(project / "build/packages")
        fingerprint = _fingerprint(copy, requirements)
        made = cache.get(fingerprint)
        if made is None:
            template, code = _run_chalice(copy, run)
            dependencies = _dependencies(cache, requirements, run) if requirements else code
            bundle = rebuilt_with(code, dependencies)
            made = {"sam.json": _published(template, bundle), "deployment.zip": bundle}
            cache.put(fingerprint, made)
        for name, content in made.items():
            replace_file(out / name, content)
    return made["sam.json"].decode(), made["deployment.zip"]


def _published(template: bytes, bundle: bytes) -> bytes:
    published = with_aliases(json.loads(template), hashlib.sha256(bundle).hexdigest())
    return (json.dumps(published, indent=2) + "\n").encode()


def _dependencies(cache: PackageCache, requirements: str, run: Run) -> bytes:
    """Returns a bundle of the dependencies. Chalice would download them again after each change of the application."""
    name = "dependencies.zip"
    with TemporaryDirectory() as folder:
        (Path(folder) / ".chalice").mkdir()
        for file, text in _DEPENDENCIES_ONLY.items():
            (Path(folder) / file).write_text(text, encoding="utf-8")
        (Path(folder) / "requirements.txt").write_text(requirements, encoding="utf-8")
        fingerprint = _fingerprint(Path(folder), requirements)
        made = cache.get(fingerprint)
        if made is None:
            made = {name: _run_chalice(Path(folder), run)[1]}
            cache.put(fingerprint, made)
    return made[name]


@contextmanager
def _one_at_a_time(project: Path) -> Iterator[None]:
    with (project / ".chalice/package.json").open() as lock:
        flock(lock, LOCK_EX)  # a second process waits, then uses the package of the first
        yield


@contextmanager
def _copy_of(project: Path, requirements: str) -> Iterator[Path]:
    """Yields a copy of the project that contains only what packaging needs."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        for source in SOURCES:
            _copy(project / source, copy / source)
        (copy / "requirements.txt").write_text(requirements, encoding="utf-8")
        yield copy


def _copy(original: Path, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    if original.is_dir():
        shutil.copytree(original, copy, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(original, copy)


def _fingerprint(copy: Path, requirements: str) -> str:
    """Returns a hash of everything that a package depends on: files, packaging code, Python and Chalice.

    The application reads settings when Chalice imports it. So the hash includes the variables that its sources name.
    """
    names = ("package", "aliases", "alias_calls", "release_id", "traffic_shift", "bundle", "bytecode")
    code = [Path(__file__).parent / f"{name}.py" for name in names]
    files = {f"infra/{path.name}": path for path in code}
    files |= {f"project/{path.relative_to(copy)}": path for path in copy.rglob("*")}
    digest = hashlib.sha256(f"{sys.version}\0{metadata.version('chalice')}\0{requirements}\0".encode())
    words: set[str] = set()
    for name, path in sorted(files.items()):
        if path.is_symlink():
            content = os.fsencode(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        else:
            continue
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
        if path not in code:
            words.update(re.findall("[A-Z][A-Z0-9_]+", content.decode(errors="replace")))
    environment = _environment()
    for name in sorted(words & environment.keys()):
        digest.update(f"{name}={environment[name]}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _run_chalice(project: Path, run: Run) -> tuple[bytes, bytes]:
    """Returns the template and the bundle of `chalice package`, run as a process. Its function reports no failure."""
    with TemporaryDirectory() as out:
        script = str(Path(sys.executable).parent / "chalice")
        template = str(project / ".chalice/package.json")
        finished = run(
            [script, "--project-dir", str(project), "package", "--stage", "package", "--merge-template", template, out],
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        output = finished.stdout + finished.stderr
        if is_incomplete(output):
            raise PackagingFailed(" ".join(output.split()))
        if finished.returncode:
            raise PackagingFailed(reason(output))
        return (Path(out) / "sam.json").read_bytes(), (Path(out) / "deployment.zip").read_bytes()


def _environment() -> dict[str, str]:
    """Returns an environment without AWS settings: packaging calls no account.

    Chalice looks for credentials nevertheless. Without the last three settings it would read a profile, or ask the
    metadata service through a proxy.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **inherited,
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
