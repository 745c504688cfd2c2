"""Checks the bundle with its dependencies: its size, its versions, and that it runs on Lambda on its own.

The bundle is built once. The first build downloads wheels. Without a network, the tests are skipped with pip's message.
"""

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.errors import PackagingFailed
from infra.package import PROJECT, bundle_runs_here, package
from tests.packaging.bundles import Bundle, folder_of, needed_by, required, unzipped

MEGABYTE = 1_000_000
VERIFY_A_SIGNATURE = """
import sys
sys.path.insert(0, sys.argv[1])
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
algorithm, private = jwt.algorithms.get_default_algorithms()["RS256"], rsa.generate_private_key(65537, 2048)
public = jwt.PyJWK.from_json(algorithm.to_jwk(private.public_key()), "RS256")
signature = algorithm.sign(b"shop", private)
for message in (b"shop", b"shoq"):
    print("verified" if algorithm.verify(message, public.key, signature) else "refused")
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    if not bundle_runs_here():
        pytest.skip(f"the bundle for Lambda runs only on Linux on x86_64, not on {platform.platform()}")
    folder = tmp_path_factory.mktemp("full")
    try:
        packaged = package(folder)
    except PackagingFailed:
        skip_without_network(folder)
        raise
    return unzipped(packaged, folder / "unzipped")


def skip_without_network(folder: Path) -> None:
    """Skips the test if pip has no network. Chalice does not report why a package is missing."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--retries", "1", "--dest", str(folder / "wheels")]
    asked = subprocess.run([*command, required()[0]], capture_output=True, text=True, check=False)
    if "connection broken by" in asked.stderr:
        pytest.skip(f"no network for the download of wheels: {asked.stderr.strip().splitlines()[0]}")


def test_the_bundle_is_below_seven_megabytes(bundle: Bundle) -> None:
    assert bundle.zipped_bytes < 7 * MEGABYTE


def test_every_handler_imports_from_the_bundle_and_lambdas_packages(bundle: Bundle, tmp_path: Path) -> None:
    lambda_packages = folder_of(needed_by("boto3"), tmp_path / "lambda")
    imported = bundle.imported(lambda_packages)
    outside = [name for name, file in imported.items() if not Path(file).is_relative_to(bundle.folder)]
    assert outside == []
    assert {"app", "authorizers.policy", "chalice", "jwt", "cryptography", "aws_lambda_powertools"} <= set(imported)


def test_every_handler_and_its_dependencies_import_from_bytecode(bundle: Bundle, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bundle.folder, copy)
    for name in bundle.sources():
        (copy / name).write_text("raise SystemError('the source was read')\n", encoding="utf-8")
    lambda_packages = folder_of(needed_by("boto3"), tmp_path / "lambda")
    assert "cryptography" in Bundle(bundle.template, copy, 0).imported(lambda_packages)


def test_the_reduced_dependencies_verify_signatures(bundle: Bundle) -> None:
    command = [sys.executable, "-I", "-S", "-B", "-c", VERIFY_A_SIGNATURE, str(bundle.folder)]
    finished = subprocess.run(command, env={}, capture_output=True, text=True, check=False)
    assert finished.stdout.split() == ["verified", "refused"], finished.stderr


def test_every_source_of_the_dependencies_has_its_bytecode(bundle: Bundle) -> None:
    assert set(bundle.bytecode()) == bundle.sources()


def test_the_bundle_has_the_pinned_version_of_every_requirement_and_no_other_package(bundle: Bundle) -> None:
    lines = (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = {tuple(match.groups()) for line in lines if (match := re.match(r"([\w.-]+)(?:\[\w+\])?==([\w.]+)", line))}
    infos = {name.split("/")[0].removesuffix(".dist-info") for name in bundle.files() if ".dist-info/" in name}
    shipped = {normal(f"{name}-{version}") for name, version in pinned if name != "pycparser"}  # it never runs
    assert {normal(info) for info in infos} == shipped


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_bundle_contains_no_tests_and_no_local_cloud(bundle: Bundle) -> None:
    tops = {name.split("/")[0] for name in bundle.files()}
    assert tops.isdisjoint({"tests", "local", "infra", "console", "benchmarks", "boto3", "botocore", "moto", "pytest"})
