"""The bundle that `chalice deploy` uploads is complete, has bytecode, and belongs to this project."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.chalice_bundle import prepare_bundle
from infra.chalice_command import run_chalice
from infra.errors import DeploymentFailed
from tests.infra.stages import TRIAL

APP = b"app = 1\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("app.py", "chalicelib/settings.py", "authorizers/policy.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(APP)
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor/authorizers").symlink_to("../authorizers")
    (tmp_path / ".chalice/deployments").mkdir(parents=True)
    return tmp_path


class Chalice:
    """Packages like Chalice: uses a cached bundle unchanged."""

    def __init__(self, project: Path, says: str = "Creating deployment package.") -> None:
        self.cached = project / ".chalice/deployments/0a1b-python3.11.zip"
        self._project, self._says = project, says

    def __call__(self, command: str, out: str) -> str:
        assert command == "package"
        if not self.cached.exists():
            bundle(self.cached, ["app.py", "chalicelib/settings.py", "authorizers/policy.py", "jwt/api_jws.py"])
        (Path(out) / "deployment.zip").write_bytes(self.cached.read_bytes())
        return self._says


def bundle(path: Path, names: list[str]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, APP)


def files(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def test_the_cached_bundle_contains_bytecode_for_its_sources(project):
    chalice = Chalice(project)
    prepare_bundle(project, chalice)
    sources = {name for name in files(chalice.cached) if name.endswith(".py")}
    compiled = {name.split("/")[-1].split(".")[0] for name in files(chalice.cached) if name.endswith(".pyc")}
    assert sources == {"app.py", "chalicelib/settings.py", "authorizers/policy.py", "jwt/api_jws.py"}
    assert compiled == {"app", "settings", "policy", "api_jws"}


def test_a_second_run_gives_the_same_bundle(project):
    chalice = Chalice(project)
    prepare_bundle(project, chalice)
    first = chalice.cached.read_bytes()
    prepare_bundle(project, chalice)
    assert chalice.cached.read_bytes() == first


def test_a_cached_bundle_with_a_renamed_module_is_not_used(project):
    chalice = Chalice(project)
    bundle(chalice.cached, ["app.py", "chalicelib/configuration.py", "authorizers/policy.py", "jwt/api_jws.py"])
    prepare_bundle(project, chalice)
    assert "chalicelib/settings.py" in files(chalice.cached)
    assert "chalicelib/configuration.py" not in files(chalice.cached)


@pytest.mark.parametrize("left", [0, 100, -30])
def test_a_damaged_bundle_of_an_interrupted_run_is_replaced(project, left):
    chalice = Chalice(project)
    prepare_bundle(project, chalice)
    sound = chalice.cached.read_bytes()
    chalice.cached.write_bytes(sound[:left])
    prepare_bundle(project, chalice)
    assert chalice.cached.read_bytes() == sound


def test_a_bundle_without_a_dependency_is_refused_and_deleted(project):
    chalice = Chalice(project, "Could not install dependencies:\ncryptography==50.0.2\nYou will have to build these")
    with pytest.raises(DeploymentFailed, match=r"cryptography==50\.0\.2"):
        prepare_bundle(project, chalice)
    assert not chalice.cached.exists()


def test_a_deployment_packages_first_and_a_deletion_does_not(project):
    calls: list[str] = []
    chalice = Chalice(project)

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        calls.append(command[3])
        said = chalice("package", command[-1]) if command[3] == "package" else ""
        return subprocess.CompletedProcess(command, 0, said, "")

    runner: Callable[..., subprocess.CompletedProcess[str]] = run
    run_chalice(project, TRIAL, "deploy", runner)
    run_chalice(project, TRIAL, "delete", runner)
    assert calls == ["package", "deploy", "delete"]
