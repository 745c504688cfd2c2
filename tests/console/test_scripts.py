"""The scripts of the console: their syntax, their pure parts, and the sinks that they must not use."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from chalicelib.policy_forms import StatementForm
from tests.environment import child_environment
from tests.node import find_node

PROJECT = Path(__file__).resolve().parents[2]
CONSOLE = PROJECT / "console"
SCRIPTS = sorted([*CONSOLE.glob("*.js"), *CONSOLE.glob("pages/*.js")])

# Sinks that parse markup or run code, places that outlive the tab, and names of other hosts.
FORBIDDEN = re.compile(
    r"https?://|innerHTML|outerHTML|insertAdjacentHTML|srcdoc|createContextualFragment|DOMParser|document\.write"
    r"|\beval\b|Function\(|setTimeout\(|setInterval\(\"|javascript:|localStorage|indexedDB|document\.cookie|console\.\w"
    r"|postMessage|\.style\b|window\.open"
)

# The files after `from`, `import`, `import(` and in the table of pages.
IMPORTED = re.compile(r"""\b(?:from|import|module:)\s*\(?\s*["'`]([^"'`]+)["'`]""")


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that Node reads as modules."""
    folder = tmp_path_factory.mktemp("modules") / "console"
    shutil.copytree(CONSOLE, folder)
    shutil.copy(Path(__file__).with_name("pure.test.js"), folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def test_every_script_is_valid_and_the_pure_parts_work(modules: Path) -> None:
    node = find_node()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command, env = [node, *arguments], child_environment()
        return subprocess.run(command, cwd=modules, env=env, capture_output=True, text=True, check=False, timeout=60)

    for script in SCRIPTS:
        checked = run("--check", script.relative_to(CONSOLE).as_posix())
        assert checked.returncode == 0, checked.stderr
    tested = run("--test", "pure.test.js")
    assert tested.returncode == 0, tested.stdout


def test_the_form_of_a_statement_has_every_field_of_the_api() -> None:
    """A field that the form does not know would be lost when an administrator saves the policy."""
    read = set(re.findall(r"\bstatement\.(\w+)", (CONSOLE / "statement-form.js").read_text("utf-8")))
    assert read == set(StatementForm.__annotations__)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_never_turns_text_into_markup_or_code(script: Path) -> None:
    assert FORBIDDEN.findall(script.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_imports_only_files_of_the_console(script: Path) -> None:
    for name in IMPORTED.findall(script.read_text(encoding="utf-8")):
        assert (script.parent / name).resolve() in SCRIPTS, name


def test_every_script_is_small() -> None:
    assert {path.name: lines for path in SCRIPTS if (lines := len(path.read_text("utf-8").splitlines())) > 200} == {}
