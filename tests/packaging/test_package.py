"""Checks that packaging is reproducible, ships the current files, and fails if the bundle is incomplete."""

import os
import shutil
import subprocess
import sys
import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pytest

from infra.bundle import rebuilt
from infra.errors import PackagingFailed
from infra.package import PROJECT, SOURCES, package_for_lambda, package_without_dependencies
from infra.package_cache import PackageCache
from tests.configured import SCOPES
from tests.environment import child_environment
from tests.packaging.bundles import names_in
from tests.scoped_route import needs_scoped_route
from tests.wheels import lock_of, pip_settings, write_wheel

PACKAGE = """
import sys
from pathlib import Path
from infra.package import package_without_dependencies
package_without_dependencies(Path(sys.argv[1]))
"""


def clone(folder: Path, time: int) -> Path:
    """Copies the files that packaging needs, with this modification time."""
    for source in (*SOURCES, "infra", "requirements.txt"):
        (folder / source).parent.mkdir(parents=True, exist_ok=True)
        if (PROJECT / source).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(PROJECT / source, folder / source, symlinks=True, ignore=ignored)
        else:
            shutil.copy(PROJECT / source, folder / source)
    for path in folder.rglob("*"):
        os.utime(path, (time, time), follow_symlinks=False)
    return folder


def test_two_clones_give_the_same_bytes_at_any_path_and_time(tmp_path: Path) -> None:
    made = []
    for name, time in (("here", 1_000_000_000), ("some/where else", 1_700_000_000)):
        project, out = clone(tmp_path / name, time), tmp_path / name / "out"
        subprocess.run(
            [sys.executable, "-c", PACKAGE, str(out) if name == "here" else "out"],
            cwd=tmp_path if name == "here" else project,
            env=child_environment(PYTHONPATH=str(project), PYTHONHASHSEED=str(time % 1000)),
            umask=0o022 if name == "here" else 0o077,
            check=True,
        )
        made.append([(out / file).read_bytes() for file in ("sam.json", "deployment.zip")])
    assert made[0] == made[1]


def zipped(files: dict[str, bytes], seed: int) -> bytes:
    """Returns an archive as Chalice could write it: any order, any time, any permissions."""
    random, content = Random(seed), BytesIO()  # noqa: S311
    with zipfile.ZipFile(content, "w") as archive:
        for name in random.sample(sorted(files), len(files)):
            entry = zipfile.ZipInfo(name, (random.randint(1980, 2030), 1, 1, 0, 0, 0))
            entry.external_attr = random.choice((0o100600, 0o100755)) << 16
            archive.writestr(entry, files[name])
    return content.getvalue()


FILES = {"app.py": b"import shop\n", "shop/__init__.py": b"", "shop/prices.json": b"{}", "shop/fast.so": b"\x7fELF"}


def test_order_times_and_permissions_do_not_change_the_bundle() -> None:
    assert rebuilt(zipped(FILES, seed=1)) == rebuilt(zipped(FILES, seed=2))


def test_rebuilding_a_bundle_twice_changes_nothing() -> None:
    assert rebuilt(rebuilt(zipped(FILES, seed=1))) == rebuilt(zipped(FILES, seed=1))


def test_lambda_can_read_every_file_of_the_bundle() -> None:
    with zipfile.ZipFile(BytesIO(rebuilt(zipped(FILES, seed=1)))) as archive:
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}


def test_data_and_libraries_ship_and_unused_files_do_not() -> None:
    unused = {
        "shop/__pycache__/old.cpython-311.pyc": b"stale",
        "shop/__init__.pyi": b"",
        "shop/py.typed": b"",
        "shop-1.0.dist-info/RECORD": b"",
        "shop-1.0.data/scripts/shop": b"",
        "pycparser/ply/yacc.py": b"",
    }
    metadata = {"shop-1.0.dist-info/METADATA": b"Name: shop", "shop-1.0.dist-info/licenses/LICENSE": b"free"}
    shipped = names_in(rebuilt(zipped({**FILES, **metadata, **unused}, seed=1)))
    assert {name for name in shipped if not name.endswith(".pyc")} == set(FILES) | set(metadata)
    assert {Path(name).name.split(".")[0] for name in shipped if name.endswith(".pyc")} == {"app", "__init__"}


def test_a_renamed_module_ships_only_under_its_new_name(tmp_path: Path) -> None:
    project = clone(tmp_path / "project", time=1_700_000_000)
    alone = project / "chalicelib/alone"  # a new folder, so that the rename changes no other position
    alone.mkdir()
    (alone / "old_name.py").write_text("SHOP = 'open'\n", encoding="utf-8")
    _, before = package_without_dependencies(tmp_path / "out", project)
    (alone / "old_name.py").rename(alone / "new_name.py")
    _, after = package_without_dependencies(tmp_path / "out", project)
    assert "chalicelib/alone/old_name.py" in names_in(before) - names_in(after)
    assert "chalicelib/alone/new_name.py" in names_in(after) - names_in(before)


def test_a_bundle_without_a_dependency_is_refused_and_not_cached(tmp_path: Path) -> None:
    project = clone(tmp_path / "project", time=1_700_000_000)

    def run(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        cache = Path(command[command.index("--project-dir") + 1]) / ".chalice/deployments"
        assert not cache.exists()
        cache.mkdir()
        (cache / "incomplete.zip").write_bytes(b"")
        return subprocess.CompletedProcess(command, 0, "Could not install dependencies:\ncryptography==50.0.2\n", "")

    for _ in range(2):
        with pytest.raises(PackagingFailed, match=r"cryptography==50\.0\.2"):
            package_for_lambda(tmp_path / "out", project, run)


def test_a_packaging_failure_contains_chalices_message(tmp_path: Path) -> None:
    project = clone(tmp_path / "project", time=1_700_000_000)
    (project / "app.py").write_text("import no_such_module\n", encoding="utf-8")
    with pytest.raises(PackagingFailed, match="no_such_module"):
        package_without_dependencies(tmp_path / "out", project)


def test_a_package_with_a_wrong_hash_is_refused(tmp_path: Path) -> None:
    project, index = clone(tmp_path / "project", time=1_700_000_000), tmp_path / "index"
    digest = write_wheel(index)

    def run(command: list[str], env: dict[str, str], **options: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command, env={**env, **pip_settings(index)}, **options)

    (project / "requirements.txt").write_text(lock_of("0" * 64), encoding="utf-8")
    with pytest.raises(PackagingFailed, match="DO NOT MATCH THE HASHES"):
        package_for_lambda(tmp_path / "out", project, run)
    (project / "requirements.txt").write_text(lock_of(digest), encoding="utf-8")
    _, code = package_for_lambda(tmp_path / "out", project, run)
    assert "ledger.py" in names_in(code)


def test_a_failure_of_chalice_is_reported_in_one_line(tmp_path: Path) -> None:
    project = clone(tmp_path / "project", time=1_700_000_000)
    (project / "app.py").write_text("import no_such_module\n", encoding="utf-8")
    with pytest.raises(PackagingFailed) as failed:
        package_without_dependencies(tmp_path / "out", project)
    assert str(failed.value) == "ModuleNotFoundError: No module named 'no_such_module'"


# --- the package cache ---


class Counted:
    """Runs Chalice and counts the runs."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, *words: Any, **options: Any) -> "subprocess.CompletedProcess[str]":
        self.runs += 1
        return subprocess.run(*words, **options)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project without dependencies, so that nothing is downloaded."""
    project = clone(tmp_path / "project", time=1_700_000_000)
    (project / "requirements.txt").write_text("", encoding="utf-8")
    return project


def test_an_unchanged_project_is_packaged_once(project: Path, tmp_path: Path) -> None:
    chalice = Counted()
    first = package_for_lambda(tmp_path / "first", project, chalice)
    assert package_for_lambda(tmp_path / "second", project, chalice) == first
    assert chalice.runs == 1
    for name in ("sam.json", "deployment.zip"):
        assert (tmp_path / "second" / name).read_bytes() == (tmp_path / "first" / name).read_bytes()


def test_a_changed_file_is_packaged_again(project: Path, tmp_path: Path) -> None:
    package_for_lambda(tmp_path / "out", project)
    (project / "app.py").write_text("# changed\n" + (project / "app.py").read_text(encoding="utf-8"), encoding="utf-8")
    _, code = package_for_lambda(tmp_path / "out", project)
    with zipfile.ZipFile(BytesIO(code)) as archive:
        assert archive.read("app.py").startswith(b"# changed")


def test_a_changed_file_does_not_rebuild_the_dependencies(tmp_path: Path) -> None:
    project = clone(tmp_path / "project", time=1_700_000_000)
    (project / "requirements.txt").write_text("aws-lambda-powertools\n", encoding="utf-8")
    built: list[str] = []

    def run(command: list[str], **options: Any) -> "subprocess.CompletedProcess[str]":
        requirements = Path(command[command.index("--project-dir") + 1]) / "requirements.txt"
        if content := requirements.read_text(encoding="utf-8"):
            built.append(content)
            requirements.write_text("", encoding="utf-8")  # nothing is downloaded
        return subprocess.run(command, **options)

    package_for_lambda(tmp_path / "out", project, run)
    (project / "authorizers/policy.py").touch()
    (project / "chalicelib/added.py").write_text("", encoding="utf-8")
    _, code = package_for_lambda(tmp_path / "out", project, run)
    assert "chalicelib/added.py" in names_in(code)
    assert built == ["aws-lambda-powertools\n"]


@needs_scoped_route
def test_a_changed_setting_is_packaged_again(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package_for_lambda(tmp_path / "out", project)
    monkeypatch.setenv("RESOURCE_SERVER", "https://other.example")
    template, _ = package_for_lambda(tmp_path / "out", project)
    assert f"https://other.example/{SCOPES[0]}" in template


def test_damaged_files_of_an_interrupted_run_are_replaced(project: Path, tmp_path: Path) -> None:
    complete = package_for_lambda(tmp_path / "out", project)
    for folder in (".chalice/deployments", "build/packages", "../out"):
        for path in (project / folder).glob("*"):
            path.write_bytes(path.read_bytes()[:1000])
    assert package_for_lambda(tmp_path / "out", project) == complete
    assert (tmp_path / "out/deployment.zip").read_bytes() == complete[1]


@pytest.mark.parametrize("left", [0, 60, -1])
def test_a_damaged_package_is_not_returned(tmp_path: Path, left: int) -> None:
    cache = PackageCache(tmp_path)
    cache.put("a", {"deployment.zip": b"code"})
    entry = tmp_path / "a.zip"
    entry.write_bytes(entry.read_bytes()[:left])
    assert cache.get("a") is None


def test_a_killed_run_does_not_damage_the_next_one(project: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from infra.package import package_for_lambda;"
        "package_for_lambda(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    random = Random(8)  # noqa: S311
    for seconds in [random.uniform(0.2, 3) for _ in range(4)]:
        running = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "out"), str(project)], cwd=PROJECT)
        with suppress(subprocess.TimeoutExpired):
            running.wait(seconds)
        running.kill()
        running.wait()
    expected = package_for_lambda(tmp_path / "expected", clone_of(project, tmp_path / "untouched"))
    assert package_for_lambda(tmp_path / "out", project) == expected
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"sam.json", "deployment.zip"}


def clone_of(project: Path, folder: Path) -> Path:
    shutil.copytree(project, folder, symlinks=True, ignore=shutil.ignore_patterns("deployments", "build"))
    return folder


def test_only_the_most_recently_used_packages_are_retained(tmp_path: Path) -> None:
    cache = PackageCache(tmp_path / "packages", largest=2)
    for moment, name in enumerate("abc"):
        cache.put(name, {"sam.json": name.encode()})
        os.utime(tmp_path / f"packages/{name}.zip", (moment, moment))
    assert [cache.get(name) for name in "abc"] == [None, {"sam.json": b"b"}, {"sam.json": b"c"}]
