"""The command `fork`: makes this checkout the start of another application."""

import re
import subprocess
from pathlib import Path
from typing import Annotated

from typer import Argument, Context, Option

from infra.errors import Refused
from infra.templates import read_yaml
from operations.forking.pages import rewrite_pages
from operations.forking.remove_sample import SAMPLE, remove_sample
from operations.forking.rename import current_name, rename
from operations.forking.tree import Tree
from operations.invocation import Invocation

_RESOURCE_SERVER = re.compile(r"[A-Za-z][A-Za-z0-9:/._~-]{0,254}[A-Za-z0-9._~-]")
_TITLE = re.compile(r"\w[\w .,&'()-]{0,63}")


def fork(
    context: Context,
    name: Annotated[str, Argument(metavar="NAME", help="Prefix of the names of stacks and functions.")],
    title: Annotated[
        str | None, Option(metavar="TITLE", help="Title for users. The default is NAME, capitalized.")
    ] = None,
    resource_server: Annotated[
        str | None,
        Option(metavar="URL", help="Prefix of the custom scopes. The default is https://NAME.example."),
    ] = None,
    keep_sample: Annotated[bool, Option("--keep-sample", help="Only rename, and keep the files and reports.")] = False,
) -> int:
    """Make this checkout the start of another application.

    It renames the application and removes the sample. It makes all changes or none.
    """
    invocation: Invocation = context.obj
    title = title or name.replace("-", " ").capitalize()
    resource_server = resource_server or f"https://{name}.example"
    _check(invocation.project, name, title, resource_server)
    tree = Tree(invocation.project)
    base = current_name(tree)
    rename(tree, name, title, resource_server)
    if tree.exists(SAMPLE) and not keep_sample:
        remove_sample(tree)
    rewrite_pages(tree, title)
    tree.write()
    invocation.output.say(_next_steps(base, name, resource_server))
    return 0


def _check(project: Path, name: str, title: str, resource_server: str) -> None:
    parameter = read_yaml(project, "infra/identity.yaml")["Parameters"]["AppName"]
    if not re.fullmatch(parameter["AllowedPattern"].strip("^$"), name):
        raise Refused(
            f"NAME: {name!r} is not a name for an application: use 2 to 31 small letters, digits and hyphens,"
            " and begin with a letter."
        )
    if not _TITLE.fullmatch(title):
        raise Refused(f"--title: {title!r} is not a title: use 1 to 64 letters, digits, spaces and .,&'()-")
    if not _RESOURCE_SERVER.fullmatch(resource_server):
        raise Refused(
            f"--resource-server: {resource_server!r} cannot begin a scope: use an address such as https://api.example,"
            " without a slash at its end."
        )
    _check_git(project)


def _check_git(project: Path) -> None:
    """Refuses a checkout with changes: after a fork, `git diff` shows the fork and nothing else."""
    try:
        told = subprocess.run(
            ["git", "status", "--porcelain"],  # noqa: S607  # git is where the user's shell finds it
            cwd=project,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise Refused("This folder is not a git checkout: clone the repository, and fork the clone.") from error
    if told.stdout.strip():
        raise Refused("The checkout has changes that are not committed: commit or stash them, and fork again.")


def _next_steps(base: str, name: str, resource_server: str) -> str:
    return f"""Forked: {base} is now {name}. Its scopes begin with {resource_server}/.

Next:
  1. git add --all && git commit -m "Fork Gatehouse as {name}"
  2. make run: the whole system on this machine. The users of an earlier `make run` are gone after `make reset`.
  3. Add a route, a group and a policy: README.md, "Add a route".
  4. make test
  5. Describe your stages in infra/stages/, and deploy: docs/runbook/."""
