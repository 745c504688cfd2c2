"""Control 25: what is installed is known to the last version, and what a scanner leaves out has a reason."""

import re
from pathlib import Path

import pytest

from infra.package import PROJECT

REQUIREMENTS = sorted([*PROJECT.glob("requirements*.txt"), PROJECT / "constraints.txt"])


def pinned(text: str) -> tuple[list[str], list[str]]:
    """The lines that name a package at one version, and those that do not."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    named = [line for line in lines if line and not line.startswith("-")]
    good = [line for line in named if re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==[\w.]+( ; .+)?", line)]
    return good, [line for line in named if line not in good]


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_every_requirement_is_pinned_to_one_version(path: Path) -> None:
    good, loose = pinned(path.read_text(encoding="utf-8"))
    assert good
    assert loose == []


@pytest.mark.parametrize(
    "line", ["cryptography", "cryptography>=50", "cryptography==50.*", "git+https://example.com/x"]
)
def test_a_requirement_that_is_not_is_noticed(line: str) -> None:
    assert pinned(line) == ([], [line])


def test_what_ships_is_tested_at_the_versions_at_which_it_ships() -> None:
    shipped, _ = pinned((PROJECT / "requirements.txt").read_text(encoding="utf-8"))
    tested, _ = pinned((PROJECT / "constraints.txt").read_text(encoding="utf-8"))
    names = {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower(): line.split("==")[1] for line in tested}
    for line in shipped:
        name, version = re.split(r"(?:\[.*\])?==", line.split(" ;")[0])
        assert names[re.sub(r"[-_.]+", "-", name).lower()] == version


def test_no_check_of_checkov_is_left_out_without_a_reason() -> None:
    skipped = re.findall(r"^  - (\w+)(.*)$", (PROJECT / ".checkov.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    assert skipped
    for check, reason in skipped:
        assert re.fullmatch(r" # .{30,}", reason), check
