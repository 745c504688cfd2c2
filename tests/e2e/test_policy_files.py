"""Policy files, applied to the running cloud by the operator's command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest

from operations.command_line import main
from tests.configured import PRIVILEGED_GROUP
from tests.e2e.clients import UserGroup
from tests.e2e.cloud import PROJECT, Cloud

Apply = Callable[..., int]

# Settings of a shell that the command must ignore.
ELSEWHERE = {
    "AWS_PROFILE": "somebody",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
}


@pytest.fixture
def apply(tmp_path: Path, cloud: Cloud) -> Iterator[Apply]:
    """Applies the files of this repository and the given files (name and text), and returns the exit status."""
    folder = tmp_path / "policies"
    shutil.copytree(PROJECT / "policies", folder)
    (tmp_path / "infra").symlink_to(PROJECT / "infra")

    def applied(*options: str, **files: str | None) -> int:
        for name, text in files.items():
            path = folder / f"{name}.yaml"
            path.unlink() if text is None else path.write_text(text, encoding="utf-8")
        with pytest.MonkeyPatch.context() as environment:
            for name, value in {**ELSEWHERE, "GATEHOUSE_LOCAL": str(cloud.local_cloud.folder)}.items():
                environment.setenv(name, value)
            return main(["policies", "apply", "--yes", "--stage", "local", *options], tmp_path)

    yield applied
    shutil.rmtree(folder)
    shutil.copytree(PROJECT / "policies", folder)
    assert applied() == 0


def allowing(user_group: UserGroup, path: str) -> str:
    return f"group: {user_group.name}\nstatements: [{{effect: Allow, methods: [GET], paths: [{path}]}}]\n"


def test_an_applied_file_is_effective_at_the_next_request(
    apply: Apply, user_group: UserGroup, capsys: pytest.CaptureFixture[str]
) -> None:
    def status() -> int:
        return user_group.api.ask("GET", "/whoami", user_group.token).status

    statuses = [status()]
    for text in (
        allowing(user_group, "/whoami"),
        allowing(user_group, "/elsewhere"),
        allowing(user_group, "/whoami"),
        None,
    ):
        assert apply(user_group=text) == 0
        statuses.append(status())
    assert statuses == [403, 200, 403, 200, 403]
    said = capsys.readouterr()
    assert said.out.count(f"    written: group:{user_group.name}\n") == 3
    assert f"    deleted, because its file no longer exists: group:{user_group.name}\n" in said.out
    assert said.err == ""


def test_the_same_files_change_nothing(apply: Apply, capsys: pytest.CaptureFixture[str]) -> None:
    apply()
    capsys.readouterr()
    assert apply() == 0
    assert capsys.readouterr().out.endswith("nothing changed\n")


def test_a_policy_of_an_administrator_is_retained_unless_overwriting_is_requested(
    apply: Apply, user_group: UserGroup, capsys: pytest.CaptureFixture[str]
) -> None:
    assert user_group.write([]).status == 200
    assert apply(user_group=allowing(user_group, "/whoami")) == 0
    said = capsys.readouterr().out
    assert f"not changed: group:{user_group.name} (written by " in said
    assert "To replace it, use --overwrite-policies\n" in said
    assert user_group.read().body["statements"] == []
    assert apply("--overwrite-policies") == 0
    assert user_group.api.ask("GET", "/whoami", user_group.token).status == 200


def test_a_file_for_an_unknown_group_is_refused(apply: Apply, capsys: pytest.CaptureFixture[str]) -> None:
    assert apply(amdins="group: amdins\nstatements: []\n") == 1
    assert "the user pool has no group 'amdins'. Did you mean 'admins'?" in capsys.readouterr().err


# --- diff, explain and matrix ---


@pytest.fixture
def manage(tmp_path: Path, apply: Apply, cloud: Cloud) -> Callable[..., int]:
    """Runs a command for policies on the running cloud, in the folder of `apply`."""

    def managed(*words: str) -> int:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("GATEHOUSE_LOCAL", str(cloud.local_cloud.folder))
            return main(["policies", *words, "--stage", "local"], tmp_path)

    return managed


def test_a_diff_says_who_gains_and_loses_which_route(
    manage: Callable[..., int], apply: Apply, user_group: UserGroup, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    name = user_group.name
    apply(one=allowing(user_group, "/whoami"))
    (tmp_path / "policies/one.yaml").write_text(allowing(user_group, "/admin/matrix"), encoding="utf-8")
    capsys.readouterr()

    assert manage("diff") == 0
    assert capsys.readouterr().out == (
        f"group:{name}: write over version 1\n  {name} gain GET /admin/matrix\n  {name} lose GET /whoami\n"
    )
    assert manage("diff", "--json") == 0
    (change,) = json.loads(capsys.readouterr().out)["changes"]
    assert (change["action"], change["version"], len(change["reach"])) == ("write", 1, 2)
    assert user_group.api.ask("GET", "/whoami", user_group.token).status == 200, "a diff writes nothing"


@pytest.mark.parametrize(
    ("answer", "status", "reached"), [("y\n", 0, 200), ("n\n", 0, 403), ("\n", 0, 403), ("", 1, 403)]
)
def test_an_apply_asks_before_it_writes(
    manage: Callable[..., int],
    apply: Apply,
    user_group: UserGroup,
    answer: str,
    status: int,
    reached: int,
    tmp_path: Path,
) -> None:
    (tmp_path / "policies/one.yaml").write_text(allowing(user_group, "/whoami"), encoding="utf-8")
    with pytest.MonkeyPatch.context() as terminal:
        terminal.setattr("sys.stdin", StringIO(answer))
        assert manage("apply") == status
    assert user_group.api.ask("GET", "/whoami", user_group.token).status == reached


def test_an_apply_that_leaves_no_administrator_is_refused(
    manage: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], user_group: UserGroup
) -> None:
    file = tmp_path / f"policies/{PRIVILEGED_GROUP}.yaml"
    file.write_text(f"group: {PRIVILEGED_GROUP}\nstatements: []\n", encoding="utf-8")
    assert manage("apply", "--yes", "--overwrite-policies") == 1
    assert "no group could change policies through the API" in capsys.readouterr().err
    assert user_group.read().status == 404, "the administrator is not refused"


def test_a_token_is_explained_from_standard_input_and_never_printed(
    manage: Callable[..., int], user_group: UserGroup, capsys: pytest.CaptureFixture[str]
) -> None:
    user_group.write([])
    with pytest.MonkeyPatch.context() as terminal:
        terminal.setattr("sys.stdin", StringIO(f"{user_group.token}\n"))
        assert manage("explain", "GET", "/whoami", "--token") == 0
    said = capsys.readouterr().out
    assert said.startswith("GET /whoami is denied: not_permitted\n")
    assert f"policies in force: {user_group.subject}@1" in said
    assert user_group.token not in said
    assert manage("explain", "GET", "/whoami", "--user", user_group.member.username, "--json") == 0
    assert json.loads(capsys.readouterr().out)["policies"] == [f"{user_group.subject}@1"]


def test_the_matrix_of_the_stage_is_that_of_the_api(
    manage: Callable[..., int], user_group: UserGroup, capsys: pytest.CaptureFixture[str]
) -> None:
    assert manage("matrix", "--json") == 0
    assert json.loads(capsys.readouterr().out) == user_group.api.ask("GET", "/admin/matrix", user_group.admin).body
