"""Checks the files for GitHub, editors and pre-commit: everything that they name exists."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra.test_scan import LOCKS, versions

PROJECT = Path(__file__).resolve().parents[1]
FORMS = [path for path in sorted(PROJECT.glob(".github/ISSUE_TEMPLATE/*.yml")) if path.name != "config.yml"]
MANIFESTS = {"uv": "*.in", "npm": "package.json", "github-actions": ".github/workflows/*.yml"}


def read(name: str) -> Any:
    return yaml.safe_load((PROJECT / name).read_text(encoding="utf-8"))


def test_every_hook_runs_a_locked_tool() -> None:
    tools = versions((PROJECT / "requirements/dev.txt").read_text(encoding="utf-8"))
    hooks = [hook for repository in read(".pre-commit-config.yaml")["repos"] for hook in repository["hooks"]]
    assert [hook["entry"].split()[0] for hook in hooks] == [".venv/bin/ruff", ".venv/bin/ruff", ".venv/bin/mypy"]
    assert {"ruff", "mypy"} <= tools.keys()


def test_dependabot_watches_every_manifest() -> None:
    watched = {
        (update["package-ecosystem"], folder.strip("/"))
        for update in read(".github/dependabot.yml")["updates"]
        for folder in update.get("directories", [update.get("directory")])
    }
    for ecosystem, folder in watched:
        assert list((PROJECT / folder).glob(MANIFESTS[ecosystem])), (ecosystem, folder)
    locks = {("uv", str(lock.parent.relative_to(PROJECT)).removeprefix(".")) for lock in LOCKS}
    node = {("npm", "benchmarks/node"), ("npm", "tests/e2e/node"), ("npm", "website")}
    assert watched == locks | node | {("github-actions", "")}


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.name)
def test_every_issue_form_has_the_fields_that_github_requires(form: Path) -> None:
    fields = yaml.safe_load(form.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= fields.keys()
    inputs = [field for field in fields["body"] if field["type"] != "markdown"]
    assert all(field["attributes"]["label"] for field in inputs)
    assert len({field["id"] for field in inputs}) == len(inputs)
