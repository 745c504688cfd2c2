"""Policy files, applied to the running cloud by the operator's command line."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from operations.command_line import main
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
