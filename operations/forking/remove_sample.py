"""Removes the sample service: its folder, table, group, policies, scopes, console entries and tests."""

from operations.forking.edits import replaced, substituted, without_block, without_item, without_lines
from operations.forking.tree import Tree

SAMPLE = "chalicelib/sample"
# The tests that are about the sample, and those that fork it.
TESTS = ("tests/sample", "tests/e2e/sample", "tests/forking")


def remove_sample(tree: Tree) -> None:
    tree.remove(SAMPLE, *TESTS, "local/sample_story.py", "policies/editors.yaml")
    tree.edit("app.py", without_lines("sample_blueprint"))
    _remove_from_templates(tree)
    _remove_from_policies(tree)
    _remove_setting(tree)
    tree.edit("local/demo.py", without_lines("sample_story"))
    tree.edit("local/run.py", without_lines("/files"))
    tree.edit("docs/architecture.md", without_lines("`chalicelib/sample/`"))


def _remove_from_templates(tree: Tree) -> None:
    tree.edit(
        "infra/identity.yaml",
        without_block("  SampleTable:"),
        without_item("!GetAtt SampleTable.Arn"),
        without_lines("SampleTableName:"),
        without_block("  EditorsGroup:"),
        substituted(r"ScopeName: file\.(\w+), ScopeDescription: (\w+) files", r"ScopeName: \1, ScopeDescription: \2"),
        replaced("${ResourceServer}/file.", "${ResourceServer}/"),
    )
    tree.edit(".chalice/package.json", without_lines("SampleTableName"))
    tree.edit("infra/retained.py", replaced(', "SampleTable"', ""))


def _remove_from_policies(tree: Tree) -> None:
    table = "policies/expected.yaml"
    tree.edit(table, without_block("- group: editors"), without_block("- scopes:"), without_lines("/reports"))
    for name in tree.names("policies/*.yaml"):
        if name != table and "/reports" in tree.read(name):
            tree.edit(name, without_block("- sid: read-reports"))


def _remove_setting(tree: Tree) -> None:
    tree.edit("chalicelib/settings.py", without_lines("SAMPLE_TABLE"))
    tree.edit("docs/settings.md", without_lines("`SAMPLE_TABLE`"))
