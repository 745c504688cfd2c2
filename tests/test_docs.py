"""Checks the documentation against the repository: links, make targets, files and reason codes."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from chalicelib.metrics import UNITS
from infra.templates import read_yaml
from operations.cli_reference import CLI_PAGE, cli_page
from operations.command_line import application

PROJECT = Path(__file__).parent.parent
PAGES = sorted(
    [*PROJECT.glob("*.md"), *PROJECT.glob(".github/*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("console/*.md")]
)
SHIPPED = sorted([*PROJECT.glob("chalicelib/**/*.py"), *PROJECT.glob("authorizers/*.py")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_target_exists(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def anchors(page: Path) -> set[str]:
    """Returns the anchors that GitHub gives to the headings of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_anchor_of_a_link_is_a_heading(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
        aim = page.parent / target if target else page
        assert anchor in anchors(aim), f"{page.name} links to {target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_a_list_begins_after_an_empty_line(page: Path) -> None:
    """The site shows other lists as one paragraph. GitHub shows them as lists."""
    text = re.sub(r"^( *)```.*?^\1```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"^(?!- |\d+\. |[ |#<]).+\n(?:- |1\. ).+", text, re.MULTILINE) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_make_target_in_the_pages_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    commands = re.findall(r"(?:`|^|\$\()make (?:-s )?([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(commands) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_file_in_the_pages_exists(page: Path) -> None:
    named = re.findall(r"`((?:[a-z_.]+/)+[A-Za-z_0-9.*-]+\.(?:py|yaml|json|js|md))`", page.read_text(encoding="utf-8"))
    made_at_run_time = {".local/outputs.json", ".chalice/deployed/dev.json"}
    made_at_run_time |= set(re.findall(r'title="([^"]+)"', page.read_text(encoding="utf-8")))  # the page creates it
    for name in set(named) - made_at_run_time:
        found = [*PROJECT.glob(name), *PROJECT.glob(f"chalicelib/{name}"), *page.parent.glob(name)]
        assert found, f"{page.name} names {name}"


def test_every_path_in_contributing_exists_and_every_count_is_correct() -> None:
    page = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = {name for name in re.findall(r"`([\w./*-]+)`", page) if "/" in name or name.endswith((".py", ".md", ".in"))}
    assert len(named) > 50
    assert [name for name in sorted(named) if not list(PROJECT.glob(name))] == []
    rows = dict(re.findall(r"^\| \[(?:an? )?(.+?)\]\(#.+?\) \| (.+?) \|", page, re.MULTILINE))
    for title, count in rows.items():
        section = re.split(rf"^### (?:An? )?{title}$", page, flags=re.MULTILINE)[1].split("\n### ")[0]
        numbered = max(map(int, re.findall(r"(?:^|\s)(\d+)\. (?=[A-Z`])", section)), default=0)
        listed = numbered or len(set(re.findall(r"`([\w./*-]+(?:/[\w.*-]+)+|app\.py)`", section)))
        assert str(listed) in re.findall(r"\d+", count) or title == "rule for a group", (title, listed, count)


def test_the_page_contains_exactly_the_reason_codes_of_the_code() -> None:
    documented = set(re.findall(r"^\| \w+ \| (.+?) \|", (PROJECT / "docs/reasons.md").read_text("utf-8"), re.MULTILINE))
    codes = {code for cell in documented for code in re.findall(r"`(\w+)`", cell)}
    source = "\n".join(path.read_text(encoding="utf-8") for path in SHIPPED)
    raised = set(
        re.findall(r"(?:TokenRejected|CannotDecide|InternalError|error_class|failures_named)\(\s*\"(\w+)\"", source)
    )
    given = set(re.findall(r"Decision\((?:True|False), \"(\w+)\"", source))
    elsewhere = {"unexpected_failure"}
    triggers_only = {"flush_failed", "group_not_added", "ledger_unreachable", "privileged_default_group"}
    service_only = {
        "groups_unreachable",
        "sample_unreachable",
        "sdk_outdated",
        "state_partly_written",
        "users_unreachable",
    }
    assert codes == (raised | given | elsewhere) - triggers_only - service_only


def test_the_page_of_the_command_line_is_current() -> None:
    assert (PROJECT / CLI_PAGE).read_text("utf-8") == cli_page(get_command(application())), "run `make docs`"


def rows(title: str) -> list[list[str]]:
    """Returns the names in the first cells of a section of the data page, and the second cells."""
    page = (PROJECT / "docs/reference/data.md").read_text("utf-8")
    section = page.split(f"## {title}\n")[1].split("\n## ")[0]
    found = re.findall(r"^\|([^|]*)\|([^|]*)\|", section, re.MULTILINE)
    return [[cell.strip() for cell in row] for row in found[2:]]


def test_the_data_page_has_every_table_and_its_key() -> None:
    resources = read_yaml(PROJECT, "infra/identity.yaml")["Resources"]
    keys = {
        name: [part["AttributeName"] for part in item["Properties"]["KeySchema"]]
        for name, item in resources.items()
        if item["Type"] == "AWS::DynamoDB::Table"
    }
    documented = {name.strip("`"): re.findall(r"`(\w+)`", key) for name, key in rows("Tables") if name}
    assert {name: documented[name][: len(key)] for name, key in keys.items()} == keys
    assert documented.keys() - keys.keys() <= {"SampleTable"}, "a fork has no sample"


def metrics(resources: dict[str, Any], namespace: str) -> set[str]:
    alarms = [item["Properties"] for item in resources.values() if item.get("Type") == "AWS::CloudWatch::Alarm"]
    return {alarm["MetricName"] for alarm in alarms if alarm["Namespace"].startswith(namespace)}


def test_the_data_page_has_every_metric() -> None:
    application = json.loads((PROJECT / ".chalice/package.json").read_text("utf-8"))["Resources"]
    resources = {**read_yaml(PROJECT, "infra/identity.yaml")["Resources"], **application}
    documented = {name.strip("`") for name, _ in rows("Metrics")}
    assert documented == set(UNITS) | metrics(resources, "Gatehouse")
    page = (PROJECT / "docs/reference/data.md").read_text("utf-8")
    assert [name for name in sorted(metrics(resources, "AWS/")) if f"`{name}`" not in page] == []


def test_the_data_page_has_every_field_of_the_outputs() -> None:
    tree = ast.parse((PROJECT / "local/outputs.py").read_text("utf-8"))
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "outputs_of")
    (returned,) = (node.value for node in function.body if isinstance(node, ast.Return))
    assert isinstance(returned, ast.Dict)
    written = {key.value for key in returned.keys if isinstance(key, ast.Constant)}
    assert {name for cell, _ in rows("outputs.json") for name in re.findall(r"`(\w+)`", cell)} == written


THREATS = (PROJECT / "docs/threat-model.md").read_text("utf-8")
LINES = [
    re.split(r"(?<!\\) \| ", line.strip("| ")) for line in re.findall(r"^\| [STRIDE] \|.*$", THREATS, re.MULTILINE)
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[1][:40])
def test_a_threat_names_tests_that_exist_or_says_that_nothing_holds_it(line: list[str]) -> None:
    _, _, control, held_by = line
    tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", held_by)
    assert bool(tests) is (held_by != "nothing"), held_by
    assert tests or "**Nothing" in control or "**nothing**" in control, "say that nothing holds it"
    for file, name in tests:
        assert f"def {name}(" in (PROJECT / file).read_text("utf-8"), f"{file} has no {name}"


def test_every_boundary_of_the_threat_model_has_all_six_kinds_of_threats() -> None:
    sections = re.split(r"^## \d\. ", THREATS, flags=re.MULTILINE)[1:]
    drawn = set(re.findall(r'"(\d) ', THREATS.partition("```mermaid")[2].partition("```")[0]))
    assert len(sections) == len(drawn) == 7
    assert [set(re.findall(r"^\| (\w) \|", section, re.MULTILINE)) for section in sections] == [set("STRIDE")] * 7


@pytest.mark.parametrize("page", sorted(PROJECT.glob("docs/how-to/*.md")), ids=lambda page: page.stem)
def test_a_how_to_page_has_less_than_800_words_and_ends_with_a_next_step(page: Path) -> None:
    text = page.read_text("utf-8")
    assert len(text.split()) < 800
    assert "Next step:" in text.rstrip().rpartition("\n\n")[2], "end the page with a next step"
