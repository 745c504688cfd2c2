"""`manage.py fork` renames the application and removes the sample. If it is refused, it changes no file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from operations.forking.pages import SECTIONS
from tests.configured import APP, RESOURCE_SERVER
from tests.forking.harbour import NAME, PROJECT, TITLE, changed, checkout, commit, fork

DEPLOYED = ("app.py", ".chalice/*.json", "chalicelib/**/*.py", "infra/*.yaml", "policies/*.yaml")
SEEN = (
    *("app.py", ".chalice/*.json", "chalicelib/*.py", "infra/*.yaml", "infra/*.py", "policies/*.yaml"),
    *(f"local/{name}.py" for name in ("demo", "install", "outputs", "run", "seed")),
    *("console/**/*.js", "console/*.html"),
)
OF_THE_SAMPLE = (
    r"/files\b|/reports\b|(?<!_)file\.(?:read|write)\b(?!_)|\beditors?\b|[Ss]ample_?(?:[Tt]able|blueprint|story)|SAMPLE"
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout for commands that are refused."""
    return checkout(tmp_path_factory.mktemp("base") / "gatehouse")


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = checkout(tmp_path_factory.mktemp("fork") / NAME)
    forked = fork(folder, NAME, "--title", TITLE)
    assert (forked.returncode, forked.stderr) == (0, "")
    assert f"{APP} is now {NAME}" in forked.stdout
    return folder


def lines_with(folder: Path, pattern: str, *files: str) -> list[str]:
    """Returns the matching lines of the files, each after the name of its file."""
    return [
        f"{path.relative_to(folder)}: {line.strip()}"
        for glob in files
        for path in sorted(folder.glob(glob))
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(pattern, line)
    ]


def test_no_deployed_file_of_a_fork_contains_the_old_name(harbour: Path) -> None:
    old_name = rf'"{APP}"|: {APP}$|{re.escape(RESOURCE_SERVER)}'
    assert lines_with(PROJECT, old_name, *DEPLOYED)
    assert lines_with(harbour, old_name, *DEPLOYED) == []


def test_no_page_of_a_fork_shows_the_old_title(harbour: Path) -> None:
    pages = ("console/index.html", "app.py")
    assert lines_with(harbour, r">Gatehouse|\"Gatehouse", *pages) == []
    assert len(lines_with(harbour, TITLE, *pages)) == 3


def test_no_file_of_a_fork_mentions_the_sample(harbour: Path) -> None:
    assert lines_with(PROJECT, OF_THE_SAMPLE, *SEEN)
    assert lines_with(harbour, OF_THE_SAMPLE, *SEEN) == []
    assert not list(harbour.glob("**/sample*"))


def test_a_fork_has_a_new_readme_and_a_new_changelog(harbour: Path) -> None:
    readme = (harbour / "README.md").read_text(encoding="utf-8")
    assert readme.startswith(f"# {TITLE}\n")
    assert re.findall(r"^## (.+)$", readme, re.MULTILINE) == list(SECTIONS)
    assert (harbour / "CHANGELOG.md").read_text(encoding="utf-8").count("\n- ") == 1


def test_a_fork_with_keep_sample_keeps_the_sample(tmp_path: Path) -> None:
    folder = checkout(tmp_path / NAME)
    assert fork(folder, NAME, "--keep-sample", "--resource-server", "https://api.example").returncode == 0
    assert lines_with(folder, re.escape(RESOURCE_SERVER), *DEPLOYED) == []
    assert lines_with(folder, r"https://api\.example/file\.read", "policies/machine.yaml")
    assert (folder / "chalicelib/sample").is_dir()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["Harbour"], "NAME: 'Harbour' is not a name", id="a capital letter"),
        pytest.param(["h"], "NAME: 'h' is not a name", id="one letter"),
        pytest.param(["h" * 32], "NAME: 'hhh", id="32 letters"),
        pytest.param(["har bour"], "NAME: 'har bour' is not a name", id="a space"),
        pytest.param([NAME, "--title", "<b>"], "--title: '<b>' is not a title", id="markup in the title"),
        pytest.param([NAME, "--title", 'a"'], "--title: 'a\"' is not a title", id="a quotation mark in the title"),
        pytest.param(
            [NAME, "--resource-server", "https://a.example/"],
            "--resource-server: ",
            id="a server with a trailing slash",
        ),
        pytest.param([NAME, "--resource-server", "a b"], "--resource-server: 'a b'", id="a server with a space"),
    ],
)
def test_an_invalid_argument_is_refused_with_one_message_and_no_file_is_changed(
    base: Path, words: list[str], message: str
) -> None:
    refused = fork(base, *words)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(message)
    assert refused.stderr.count("\n") == 1
    assert changed(base) == []


def test_a_checkout_with_uncommitted_changes_is_refused(tmp_path: Path) -> None:
    folder = checkout(tmp_path / NAME)
    (folder / "notes.txt").write_text("buy rope", encoding="utf-8")
    refused = fork(folder, NAME)
    expected = "The checkout has changes that are not committed: commit or stash them, and fork again.\n"
    assert (refused.returncode, refused.stderr) == (1, expected)
    assert changed(folder) == ["?? notes.txt"]


def test_a_file_without_the_expected_line_is_refused_and_no_file_is_changed(tmp_path: Path) -> None:
    folder = checkout(tmp_path / NAME)
    settings = folder / "docs/settings.md"
    settings.write_text(settings.read_text(encoding="utf-8").replace("`SAMPLE_TABLE`", "`OTHER`"), encoding="utf-8")
    commit(folder)
    refused = fork(folder, NAME)
    assert refused.returncode == 1
    assert refused.stderr.startswith("docs/settings.md: expected a line with '`SAMPLE_TABLE`'.")
    assert changed(folder) == []
