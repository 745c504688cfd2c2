"""Measures the imports of a cold start: from Chalice's unchanged bundle, and from the shipped bundle.

Each import runs in a new interpreter. It can import only the standard library, the bundle, and the SDK of the Lambda
runtime. It cannot write bytecode, as in Lambda's read-only folder. In every round, each handler is imported from both
bundles in a random order. Only ratios within a round count.
"""

import json
import random
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import cold_start
from benchmarks.rounds import Ratio
from benchmarks.services import running
from infra.package import bundle_runs_here, package_as_chalice_does, package_for_lambda

ROUNDS = 15
AUTHORIZER = "authorizers.policy"
SDK = (
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "dateutil",
    "six.py",
    "urllib3",
)  # without the packages of the bundle
WITH_SDK, BESIDES_SDK = "with the SDK", "without the SDK"
# `tests/test_start.py` proves that these handlers do not import the SDK. For them, only the second figure counts.
NEED_NO_SDK = frozenset({AUTHORIZER, "chalicelib.triggers.pre_token"})

# Prints the processor time in seconds, with and without the SDK, which is imported first. Most handlers import the
# wiring at their first call.
IMPORT = """
import sys
from time import process_time
bundle, runtime, handler = sys.argv[1:]
sys.path[:0] = [bundle, runtime]
began = process_time()
import boto3, botocore.config
then = process_time()
__import__(handler)
__import__("chalicelib.wiring")
ended = process_time()
print(ended - began, ended - then)
"""


def measure(rounds: int = ROUNDS) -> dict[str, Any] | None:
    """Returns the import times relative to Chalice's bundle, by handler, and the figures of `cold_start`.

    Returns None on a machine that cannot run the bundle.
    """
    if not bundle_runs_here():
        return None
    with TemporaryDirectory() as name, running() as services:
        folder = Path(name)
        package_as_chalice_does(folder / "chalice")
        template, _ = package_for_lambda(folder / "ours")
        bundles = [_unzipped(folder / who) for who in ("chalice", "ours")]
        runtime = _lambda_packages(folder / "runtime")
        ratios = {handler: _race(bundles, runtime, handler, rounds) for handler in _handlers(template)}
        sizes = [(folder / who / "deployment.zip").stat().st_size for who in ("chalice", "ours")]
        start = bundles[1], runtime, services
        decision = cold_start.first_decision(*start, rounds)
        responses = cold_start.responses(*start, max(2, rounds // 3))
    return {
        "rounds": rounds,
        "zipped_bytes": sizes,
        "handlers": ratios,
        "first_decision": decision,
        "responses": responses,
    }


def _handlers(template: str) -> list[str]:
    """Returns the modules that Lambda imports, the authorizer's module first."""
    resources = [resource["Properties"] for resource in json.loads(template)["Resources"].values()]
    modules = {properties["Handler"].rpartition(".")[0] for properties in resources if "Handler" in properties}
    return sorted(modules, key=lambda module: (module != AUTHORIZER, module))


def _race(bundles: list[Path], runtime: Path, handler: str, rounds: int) -> dict[str, Ratio]:
    for bundle in bundles:  # not measured: loads the files into the page cache
        _seconds(bundle, runtime, handler)
    taken = []
    for _ in range(rounds):
        seconds = {bundle: _seconds(bundle, runtime, handler) for bundle in random.sample(bundles, len(bundles))}
        taken.append([seconds[bundle] for bundle in bundles])
    return {
        what: _ratio([ours[part] / chalice[part] for chalice, ours in taken])
        for part, what in enumerate((WITH_SDK, BESIDES_SDK))
    }


def _ratio(ratios: list[float]) -> Ratio:
    low, median, high = quantiles(ratios, n=4)
    return Ratio(median, low, high)


def _seconds(bundle: Path, runtime: Path, handler: str) -> tuple[float, float]:
    command = [sys.executable, "-I", "-S", "-B", "-c", IMPORT, str(bundle), str(runtime), handler]
    finished = subprocess.run(command, env={}, capture_output=True, text=True, check=True)  # noqa: S603
    whole, besides = finished.stdout.split()
    return float(whole), float(besides)


def _unzipped(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "deployment.zip") as archive:
        archive.extractall(folder / "unzipped")
    return folder / "unzipped"


def _lambda_packages(folder: Path) -> Path:
    folder.mkdir()
    for package in SDK:
        (folder / package).symlink_to(Path(sysconfig.get_path("purelib")) / package)
    return folder
