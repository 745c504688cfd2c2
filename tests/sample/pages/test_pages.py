"""Follows README and the pages of docs/ that contain commands, and compares what the commands print.

`blocks.py` describes the kinds of blocks. Each page is followed in its order, as a reader does.
"""

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.sample.pages.blocks import Block, blocks, difference
from tests.sample.pages.reader import Reader

PROJECT = Path(__file__).resolve().parents[3]
# The tutorial comes last: it changes the application.
PAGES = [
    PROJECT / "README.md",
    PROJECT / "docs/index.md",
    *sorted(PROJECT.glob("docs/how-to/*.md")),
    PROJECT / "docs/use-from.md",
    *(PROJECT / f"docs/tutorial/{part}.md" for part in ("your-own-route", "company-sign-in", "operate", "to-aws")),
]
COMMANDS = {"bash", "sh", "console", "shell", "powershell"}


def name(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader with a running local cloud."""
    reader = Reader(tmp_path_factory.mktemp("reader"))
    reader.follow(Block("bash", "", "make run", 0))
    yield reader
    reader.close()


@pytest.mark.parametrize("page", [page for page in PAGES if any(it.runs for it in blocks(page))], ids=name)
def test_every_command_of_the_page_runs_and_prints_what_the_page_shows(page: Path, cloud: Reader) -> None:
    cloud.begin_page()
    for block in blocks(page):
        cloud.follow(block)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_command_that_no_test_runs_has_a_reason(page: Path) -> None:
    for block in blocks(page):
        if block.language in COMMANDS - {"bash"}:
            assert block.reason, f"line {block.line}: use `bash`, or write <!-- not run: reason --> before the block"
            assert block.language == "sh", f"line {block.line}: use `sh`"
        assert not (block.runs and block.reason), f"line {block.line}: the block is run"


_CHECKED: dict[str, Callable[[str], object]] = {
    "python": ast.parse,
    "json": json.loads,
    "yaml": lambda text: list(yaml.compose_all(text, yaml.SafeLoader)),
}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_other_snippet_of_the_page_has_a_correct_syntax(page: Path) -> None:
    for block in blocks(page):
        if block.language in _CHECKED:
            _CHECKED[block.language](block.text)


def test_most_command_blocks_run() -> None:
    commands = [block for page in PAGES for block in blocks(page) if block.language in COMMANDS]
    runs = sum(block.runs for block in commands)
    print(f"{runs} blocks with commands run, {len(commands) - runs} do not")
    assert runs > len(commands) / 2


@pytest.mark.parametrize(
    ("expected", "actual", "missing"),
    [
        ("a\n", "a\n", ""),
        ("a\n", "b\n", "a"),
        ("a\n", "a\nb\n", "(the end of the output)"),
        ("b\n", "a\nb\n", "b"),
        ("a\n…\nc\n", "a\nb\nb\nc\n", ""),
        ("a\n…\nc\n", "a\nc\n", ""),
        ("a\n…\nd\n", "a\nc\n", "d"),
        ("id …, n 1\n", "id 7, n 1\n", ""),
        ("id …, n 1\n", "id 7, n 2\n", "id …, n 1"),
        ("id …\n", "id 7\n8\n", "(the end of the output)"),
        ("id …      yes\n", "id 7391  yes\n", ""),
        ("id …      yes\n", "id 7391 yes\n", "id …      yes"),
        ("id …      yes\n", "id 7391  no\n", "id …      yes"),
        ("a     yes\n", "a  yes\n", ""),
        ("a  yes\n", "a    yes\n", "a  yes"),
        ("    a\n", "  a\n", "    a"),
    ],
)
def test_an_output_is_compared_line_by_line(expected: str, actual: str, missing: str) -> None:
    assert difference(expected, actual) == missing


def test_a_reader_reports_a_failed_command_and_a_wrong_output(cloud: Reader) -> None:
    cloud.begin_page()
    cloud.follow(Block("bash", "", "NAME=kept", 1))
    cloud.follow(Block("bash", "", 'echo "$NAME"', 2, output="kept\n"))
    with pytest.raises(AssertionError, match="line 3: exit status 1"):
        cloud.follow(Block("bash", "", "false\necho no", 3))
    with pytest.raises(AssertionError, match="line 4: the output has no line 'lost'"):
        cloud.follow(Block("bash", "", "echo found", 4, output="lost\n"))
