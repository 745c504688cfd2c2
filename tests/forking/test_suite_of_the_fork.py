"""A fork passes its tests. A route that the fork adds returns 200, 403 and 401."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.forking.harbour import NAME, TITLE, add_route, checkout, fork, run

pytestmark = pytest.mark.slow
# These tests do not depend on the configuration, so a fork cannot change their results.
INDEPENDENT = ("tests/core", "tests/oracle", "tests/tokens")


@pytest.fixture
def harbour(tmp_path: Path) -> Path:
    folder = checkout(tmp_path / NAME)
    assert fork(folder, NAME, "--title", TITLE).returncode == 0
    return folder


def pytest_in(folder: Path, *words: str) -> None:
    """Runs tests of a fork. Fails unless they pass."""
    told = run(folder, "-m", "pytest", "-q", "-x", *words)
    assert told.returncode == 0, told.stdout[-5000:]


def test_a_fork_passes_its_tests_and_the_ruff_checks(harbour: Path) -> None:
    pytest_in(harbour, "-m", "not slow", *(f"--ignore={folder}" for folder in INDEPENDENT))
    for words in (["check"], ["format", "--check"]):
        told = run(harbour, "-m", "ruff", *words, "--quiet", ".")
        assert (told.returncode, told.stdout) == (0, "")


def test_a_route_of_the_fork_is_allowed_only_for_its_group(harbour: Path) -> None:
    add_route(harbour)
    pytest_in(
        harbour,
        "tests/test_berths.py",
        "tests/test_app.py",
        "tests/test_policies.py",
        "tests/infra/test_least_privilege.py",
    )
