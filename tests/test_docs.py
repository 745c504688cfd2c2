"""Checks the documentation against the repository: links, make targets, files and reason codes."""

import re
from pathlib import Path

import pytest

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
def test_every_make_target_in_the_pages_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    commands = re.findall(r"(?:`|^|\$\()make (?:-s )?([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(commands) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_file_in_the_pages_exists(page: Path) -> None:
    named = re.findall(r"`((?:[a-z_.]+/)+[A-Za-z_0-9.*-]+\.(?:py|yaml|json|js|md))`", page.read_text(encoding="utf-8"))
    made_at_run_time = {".local/outputs.json", ".chalice/deployed/dev.json"}
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
    service_only = {"groups_unreachable", "sample_unreachable", "sdk_outdated", "users_unreachable"}
    assert codes == (raised | given | elsewhere) - triggers_only - service_only
