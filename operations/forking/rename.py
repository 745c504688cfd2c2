"""Renames the application wherever its name is a name of something that is deployed, or a title that people read."""

import html
import json
import re

from operations.forking.edits import replaced, substituted
from operations.forking.tree import Tree

CONFIG = ".chalice/config.json"
_NAMED_PAGES = ("docs/runbook/*.md", "docs/scaling.md")


def current_name(tree: Tree) -> str:
    return str(json.loads(tree.read(CONFIG))["app_name"])


def current_resource_server(tree: Tree) -> str:
    parameters = json.loads(tree.read(".chalice/package.json"))["Parameters"]
    return str(parameters["ResourceServerIdentifier"]["Default"])


def rename(tree: Tree, name: str, title: str, resource_server: str) -> None:
    """Gives the application a name, a title for people, and a resource server that its scopes begin with."""
    old = current_name(tree)
    tree.edit(CONFIG, replaced(f'"app_name": "{old}"', f'"app_name": "{name}"'))
    tree.edit("app.py", replaced(f'app_name="{old}"', f'app_name="{name}"'))
    tree.edit(".chalice/package.json", substituted(rf'("AppName": .*"Default": )"{old}"', rf'\1"{name}"'))
    tree.edit(
        "infra/identity.yaml", substituted(rf"(^  AppName:\n    Type: String\n    Default: ){old}$", rf"\1{name}")
    )
    _rename_resource_server(tree, current_resource_server(tree), resource_server)
    named = rf"(?<![\w.-]){re.escape(old)}(?=[-/])"
    for page in tree.names(*_NAMED_PAGES):  # commands to copy and names to look for: stacks, functions, alarms
        if re.search(named, tree.read(page)):
            tree.edit(page, substituted(named, name))
    _retitle(tree, title)


def _rename_resource_server(tree: Tree, old: str, new: str) -> None:
    deployed = ("infra/identity.yaml", ".chalice/package.json", "chalicelib/settings.py", "docs/settings.md")
    named = [path for path in tree.names("policies/*.yaml") if f"{old}/" in tree.read(path)]
    for path in (*deployed, *named):
        # what it begins is not renamed: https://gatehouse.example.org is another server
        tree.edit(path, substituted(rf"{re.escape(old)}(?![\w-]|\.\w)", new))


def _retitle(tree: Tree, title: str) -> None:
    tree.edit(
        "console/index.html",
        substituted(r"<title>.* console</title>", f"<title>{html.escape(title)} console</title>"),
        substituted(r"<h1>.*</h1>", f"<h1>{html.escape(title)}</h1>"),
    )
    tree.edit("app.py", substituted(r'("message": ")\w[^"]*? is open', rf"\1{title} is open"))
    tree.edit("mkdocs.yml", substituted(r"^site_name: .*$", f"site_name: {title}"))
    description = f"Description: {title}, identity and policies of one stage."
    tree.edit("infra/identity.yaml", substituted(r"^Description: .*$", description))
