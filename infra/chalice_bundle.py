"""Rebuilds the bundle that `chalice deploy` uploads.

Chalice caches bundles in `.chalice/deployments/`, finds one by a hash of the project's files, and uploads it unchanged.
This module replaces the cached bundle by a complete and reproducible one with bytecode. Chalice writes a bundle in
place, so an interrupt leaves a damaged one. Damaged bundles are deleted first.
"""

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.bundle import is_incomplete, rebuilt
from infra.errors import DeploymentFailed
from infra.files import replace_file

_SHIPPED = {"app.py": "app.py", "chalicelib": "chalicelib", "vendor/authorizers": "authorizers"}  # where in the bundle

Chalice = Callable[..., str]  # runs Chalice with these arguments and returns its output


def prepare_bundle(project: Path, chalice: Chalice) -> None:
    """Builds the bundle and stores it where the next `chalice deploy` finds it. Raises DeploymentFailed."""
    _delete_damaged(project / ".chalice/deployments")
    bundle = _bundle(project, chalice)
    if _names(bundle) != _shipped(project):
        # Chalice's hash ignores file names. It confuses two projects with the same contents under different names.
        bundle.unlink()
        bundle = _bundle(project, chalice)
    replace_file(bundle, rebuilt(bundle.read_bytes()))


def _delete_damaged(cache: Path) -> None:
    for bundle in cache.glob("*.zip"):
        if not _is_sound(bundle):
            bundle.unlink()


def _is_sound(bundle: Path) -> bool:
    try:
        with zipfile.ZipFile(bundle) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return False


def _bundle(project: Path, chalice: Chalice) -> Path:
    with TemporaryDirectory() as out:
        output = chalice("package", out)
        made = (Path(out) / "deployment.zip").read_bytes()
    bundle = next(path for path in (project / ".chalice/deployments").glob("*.zip") if path.read_bytes() == made)
    if is_incomplete(output):
        bundle.unlink()  # the next run would use it without a message
        raise DeploymentFailed(f"chalice package: {' '.join(output.split())}")
    return bundle


def _names(bundle: Path) -> set[str]:
    with zipfile.ZipFile(bundle) as archive:
        ours = [name for name in archive.namelist() if name.split("/")[0] in _SHIPPED.values()]
    return {name for name in ours if not name.endswith(".pyc")}


def _shipped(project: Path) -> set[str]:
    files = ((project / source, place) for source, place in _SHIPPED.items())
    return {
        place + str(path).removeprefix(str(source))
        for source, place in files
        for path in (source.rglob("*") if source.is_dir() else [source])
        if path.is_file() and "__pycache__" not in path.parts
    }
