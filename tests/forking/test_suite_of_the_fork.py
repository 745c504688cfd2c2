"""A fork passes its own tests, and with a route of its own it answers 200, 403 and 401."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.forking.harbour import NAME, TITLE, add_route, checkout, fork, run

pytestmark = pytest.mark.slow
# Pure rules and verifiers: nothing in them comes from the configuration, so a fork cannot change what they prove.
UNTOUCHED = ("tests/core", "tests/oracle", "tests/tokens")


@pytest.fixture
def harbour(tmp_path: Path) -> Path:
    folder = checkout(tmp_path / NAME)
    assert fork(folder, NAME, "--title", TITLE).returncode == 0
    return folder


def pytest_in(folder: Path, *words: str) -> None:
    """Runs tests of a fork, which must pass."""
    told = run(folder, "-m", "pytest", "-q", "-x", *words)
    assert told.returncode == 0, told.stdout[-5000:]


def test_a_fork_passes_its_own_tests_and_is_in_the_one_form(harbour: Path) -> None:
    pytest_in(harbour, "-m", "not slow", *(f"--ignore={folder}" for folder in UNTOUCHED))
    for words in (["check"], ["format", "--check"]):
        told = run(harbour, "-m", "ruff", *words, "--quiet", ".")
        assert (told.returncode, told.stdout) == (0, "")


def test_a_route_of_the_fork_is_open_to_its_group_and_to_nobody_else(harbour: Path) -> None:
    add_route(harbour)
    pytest_in(harbour, "tests/test_berths.py", "tests/test_app.py", "tests/infra/test_least_privilege.py")
