"""Creates a checkout of this repository, forks it, and adds a route, a group and a policy to the fork."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.environment import child_environment

PROJECT = Path(__file__).resolve().parents[2]
NAME, TITLE = "harbour", "Harbour Office"
# Not part of a checkout: results of builds and runs. The environment is shared with the fork.
_LEFT_OUT = (
    ".git",
    ".venv",
    ".local",
    "build",
    "node_modules",
    "mutants",
    "deployments",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
)
_ROUTE = """

@app.route("/berths", authorizer=policy_authorizer)
def list_berths() -> Any:
    return {"berths": []}
"""
_GROUP = """  PilotsGroup:
    Type: AWS::Cognito::UserPoolGroup
    Properties: {UserPoolId: !Ref UserPool, GroupName: pilots, Precedence: 20, Description: May see berths}
"""
_POLICY = """group: pilots
statements:
  - sid: see-berths
    effect: Allow
    methods: [GET]
    paths: [/berths]
"""
_ENTRY = """
  - group: pilots
    may:
      - GET /berths
    may_not: everything else
"""


def checkout(folder: Path) -> Path:
    """Copies the files of this repository into a new git checkout and commits them."""
    shutil.copytree(PROJECT, folder, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    _git(folder, "init", "--quiet")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    _git(folder, "add", "--all")
    author = ("-c", "user.name=Clerk", "-c", "user.email=clerk@harbour.example")
    _git(folder, *author, "commit", "--quiet", "--message", "As it is")


def changed(folder: Path) -> list[str]:
    """Returns the files that differ from the last commit."""
    return _git(folder, "status", "--porcelain").split("\n")[:-1]


def fork(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "manage.py", "fork", *words)


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs Python in a checkout."""
    settings = {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=child_environment(**settings), capture_output=True, text=True
    )


def add_route(folder: Path) -> None:
    """Adds a route, a group, a policy and the rows of the tests, by the steps of "Add a route" in the README."""
    _append(folder / "app.py", _ROUTE)
    _insert_before(folder / "infra/identity.yaml", "  AdminsGroup:\n", _GROUP)
    (folder / "policies/pilots.yaml").write_text(_POLICY, encoding="utf-8")
    _append(folder / "policies/expected.yaml", _ENTRY)
    row = '    ("GET", "/berths", None, {}),\n'
    _insert_before(folder / "tests/infra/test_least_privilege.py", '    ("GET", "/whoami", None, {}),\n', row)
    shutil.copy(Path(__file__).with_name("berths.py"), folder / "tests/test_berths.py")


def _append(file: Path, text: str) -> None:
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")


def _insert_before(file: Path, place: str, text: str) -> None:
    before = file.read_text(encoding="utf-8")
    assert before.count(place) == 1, f"{file.name}: {place!r}"
    file.write_text(before.replace(place, text + place), encoding="utf-8")


def _git(folder: Path, *words: str) -> str:
    told = subprocess.run(
        ["git", *words],  # noqa: S607 - git is on the PATH of the tests
        cwd=folder,
        env=child_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout
