"""docs/controls.md has one row for each control. The tests that it names exist, and name the control."""

import ast
import re
from pathlib import Path

from infra.package import PROJECT
from tests.infra.controls import APPLICATION, IDENTITY

PAGE = (PROJECT / "docs/controls.md").read_text(encoding="utf-8")
ROWS = {int(number): row for number, row in re.findall(r"^\| (\d+) \|(.+)\|$", PAGE, re.MULTILINE)}
HERE = Path(__file__).parent


def held_by(row: str) -> list[tuple[str, str]]:
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)


def controls_in(file: str) -> dict[str, int]:
    """Returns the tests of a file that name a control, with its number."""
    functions = [
        it for it in ast.parse((HERE / file).read_text(encoding="utf-8")).body if isinstance(it, ast.FunctionDef)
    ]
    named = {it.name: re.match(r"Control (\d+)\. .", ast.get_docstring(it) or "") for it in functions}
    return {name: int(match[1]) for name, match in named.items() if match}


def test_every_control_has_one_row() -> None:
    assert list(ROWS) == list(range(1, 36))
    assert set(IDENTITY) | set(APPLICATION) <= set(ROWS)


def test_every_row_names_a_source_a_test_and_a_remaining_risk() -> None:
    for number, row in ROWS.items():
        control, source, tests, remains = (cell.strip() for cell in row.split("|"))
        assert all((control, source, remains)), number
        assert held_by(tests), number


def test_every_named_test_exists() -> None:
    for number, row in ROWS.items():
        for file, name in held_by(row):
            source = (PROJECT / file).read_text(encoding="utf-8")
            assert re.search(rf"^ *(async )?def {name}\(", source, re.MULTILINE), f"{number}: {file}::{name}"


def test_every_rule_has_a_test_that_its_row_names() -> None:
    for file, controls in (("test_controls.py", IDENTITY), ("test_application_controls.py", APPLICATION)):
        tests = controls_in(file)
        assert set(controls) <= set(tests.values())
        for name, number in tests.items():
            assert (f"tests/infra/{file}", name) in held_by(ROWS[number]), name


def test_the_scores_have_the_form_that_the_command_writes() -> None:
    (scores,) = re.findall(r"<!-- written by python -m tests\.infra\.score -->\n(.+?)<!-- until", PAGE, re.DOTALL)
    line = r"- .+: \d+\. The rules report \d+ of them, .*cfn-lint reports \d+.*\. Together, they report \d+\."
    assert [bool(re.fullmatch(line, score)) for score in scores.splitlines()] == [True] * 3
