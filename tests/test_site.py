"""Builds the documentation site and checks what it contains, and that it loads nothing from another server."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from website import record

PROJECT = Path(__file__).resolve().parents[1]
PYTHON = PROJECT / "build/site-packages/bin/python"
if not PYTHON.exists():
    pytest.skip("`make test` installs requirements/site.txt", allow_module_level=True)

ENVIRONMENT = {"PATH": os.environ["PATH"], "NO_MKDOCS_2_WARNING": "1"}
LOADED = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"?([^\" >]+)|<link\b[^>]*\bhref=\"?([^\" >]+)")


def build(project: Path, target: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    script = target.parent / "mermaid.min.js"
    script.write_text("// the real one comes from npm\n", "utf-8")
    command = [str(PYTHON), "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)]
    settings = {**ENVIRONMENT, "SITE_MERMAID": str(script), **environment}
    return subprocess.run(command, cwd=project, env=settings, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site. MkDocs stops at a broken link, a broken anchor, or a page outside the navigation."""
    target = tmp_path_factory.mktemp("site") / "site"
    built = build(PROJECT, target)
    assert built.returncode == 0, built.stdout + built.stderr
    return target


def test_the_site_contains_every_page_of_the_documentation(site: Path) -> None:
    names = [path.relative_to(PROJECT / "docs").with_suffix("") for path in PROJECT.glob("docs/**/*.md")]
    built = {path.relative_to(site).parent.as_posix() for path in site.glob("**/index.html")}
    expected = {str(name.parent if name.name in ("README", "index") else name) for name in names}
    assert expected | {"contributing", "changelog", "security"} == built


def test_no_page_loads_anything_from_another_server(site: Path) -> None:
    pages = list(site.glob("**/*.html"))
    loaded = {a or b for page in pages for a, b in LOADED.findall(page.read_text("utf-8"))}
    assert len(loaded) > 10
    assert {address for address in loaded if re.match(r"(?:https?:)?//", address)} == set()


def test_a_page_with_a_diagram_has_the_script_before_that_of_the_theme(site: Path) -> None:
    for page in site.glob("**/*.html"):
        text = page.read_text("utf-8")
        scripts = [a for a, _ in LOADED.findall(text) if a.endswith(".js")]
        has_diagram = 'class="mermaid"' in text
        assert ("mermaid" in scripts[0]) is has_diagram, f"{page}: otherwise the theme loads Mermaid from a server"


def test_a_query_in_a_table_has_no_backslashes(site: Path) -> None:
    page = (site / "runbook/alarms/index.html").read_text("utf-8")
    assert "| stats count(*) by code, bin(1m)</code></td>" in page
    assert "\\|" not in page


def test_a_page_with_a_wide_table_gives_the_table_its_space(site: Path) -> None:
    page = (site / "controls/index.html").read_text("utf-8")
    assert 'data-md-type="toc" hidden' in page
    assert '<td class="long">' in page
    assert "tests/<wbr>infra/<wbr>test_<wbr>controls.py" in page
    assert 'data-md-type="toc" hidden' not in (site / "runbook/index.html").read_text("utf-8")


def test_names_options_and_figures_stay_whole(site: Path) -> None:
    changes = (site / "changelog/index.html").read_text("utf-8")
    assert '<code class="name"><span class="option">--group</span></code>' in changes
    assert '<code>deploy <span class="option">--plan</span></code>' in changes
    performance = (site / "performance/index.html").read_text("utf-8")
    assert '<td class="name">97 → 119</td>' in performance
    scaling = (site / "scaling/index.html").read_text("utf-8")
    assert "<pre><span></span><code>decisions/s = R" in scaling, "a block is not marked"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A project with the settings and the hooks of the site, and two pages."""
    project = tmp_path / "small"
    shutil.copytree(PROJECT / "website/overrides", project / "website/overrides")
    for path in [PROJECT / "website/hooks.py", PROJECT / "app.py", *PROJECT.glob("*.md")]:
        shutil.copy(path, project / path.relative_to(PROJECT))
    settings = (PROJECT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[0]
    (project / "mkdocs.yml").write_text(
        f"{settings}\nnav: [index.md, how-to/*, contributing.md, changelog.md, security.md]\n", "utf-8"
    )
    for name in ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"):
        (project / name).write_text(f"# {name}\n", "utf-8")
    (project / "docs/how-to").mkdir(parents=True)
    (project / "docs/index.md").write_text("# Home\n", "utf-8")
    (project / "docs/how-to/stand.md").write_text("# Stand\n\n[the app](../../app.py)\n", "utf-8")
    return project


def test_an_output_with_columns_is_not_wrapped(site: Path) -> None:
    page = (site / "tutorial/operate/index.html").read_text("utf-8")
    classes = {
        words: cls
        for cls, words in re.findall(r'<div class="language-text ([^"]*)">.*?<code>(?:<[^>]*>)*(\w+)', page, re.DOTALL)
    }
    assert classes["revoked"] == "highlight"
    assert classes["route"] == "columns highlight"
    assert '<div class="language-text highlight">' not in (site / "reference/cli/index.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a](gone.md)", "'gone.md', but the target is not found"),
        ("[a](../gone.py)", "'../gone.py', but the target is not found"),
        ("[a](index.md#gone)", "'index.md#gone', but there is no such anchor"),
        ("", "- stray.md"),
    ],
)
def test_the_build_refuses_a_broken_link_a_broken_anchor_and_a_page_outside_the_navigation(
    small: Path, text: str, message: str
) -> None:
    (small / ("docs/index.md" if text else "docs/stray.md")).write_text(f"# A page\n\n{text}\n", "utf-8")
    built = build(small, small / "built")
    assert built.returncode != 0
    assert message in built.stdout + built.stderr


@pytest.mark.parametrize(
    ("repository", "expected"),
    [("", "<p>the app</p>"), ("https://forge.example/a/b", "forge.example/a/b/blob/main/app.py")],
)
def test_a_link_to_source_code_leads_to_the_repository_if_it_is_known(
    small: Path, repository: str, expected: str
) -> None:
    built = build(small, small / "built", SITE_REPOSITORY=repository)
    assert built.returncode == 0, built.stdout + built.stderr
    assert expected in (small / "built/how-to/stand/index.html").read_text("utf-8")
    assert 'href="how-to/stand/"' in (small / "built/index.html").read_text("utf-8"), "not in the navigation"


def test_a_picture_loads_nothing_from_another_server() -> None:
    pictures = sorted(PROJECT.glob("docs/**/*.svg"))
    assert {"run.svg", "demo.svg"} <= {picture.name for picture in pictures}
    for picture in pictures:
        text = picture.read_text("utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"url\(|@import|<image|href=|(?<!http:)//(?!localhost)", text), picture.name


def test_the_recording_hides_ids_and_ports_and_cuts_long_lines() -> None:
    line = record.masked(
        "  client abcdefghijklmnopqrstuvwx12; http://localhost:31234/_aws/execute-api/0a1b2c3d/local", 31234
    )
    assert line == "  client zyeefeFlAscdz2vBf6zpXZt6ub; http://localhost:4566/_aws/execute-api/38fe9e57/local"
    picture = record.picture(["$ make run", "a" * 200, "<b>"], "make run")
    assert "a" * 131 + "…" in picture
    assert "&lt;b&gt;" in picture
