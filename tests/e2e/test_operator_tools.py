"""The operator's tools tell what the gateway of the running stage decides, and check what its API checks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from chalicelib.matrix import MOST_CELLS
from operations.command_line import main
from tests.authorizers.test_policy_size import many_paths
from tests.e2e.clients import UserGroup
from tests.e2e.cloud import PROJECT, Cloud
from tests.e2e.test_upstream import Caller
from tests.fakes import allow, deny

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def manage(cloud: Cloud, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs a command on the running cloud, with a copy of the policy files. Returns the status and both streams."""
    (tmp_path / "infra").symlink_to(PROJECT / "infra")
    shutil.copytree(PROJECT / "policies", tmp_path / "policies")

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("GATEHOUSE_LOCAL", str(cloud.local_cloud.folder))
            status = main([*words, "--stage", "local"], tmp_path)
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_an_explanation_of_the_upstream_agrees_with_the_gateway(
    manage: Run, user_group: UserGroup, outputs: dict[str, Any]
) -> None:
    assert user_group.write([allow("/upstream/*"), deny("/upstream/secret", sid="secret")]).status == 200
    caller = Caller(outputs["api_url"], user_group.token)
    decided = {}
    for path, sid in (("/docs", "allow"), ("/secret", "secret"), ("/secret/", "secret"), ("/a;b", "ambiguous-path")):
        question = {"method": "GET", "path": f"/upstream{path}", "groups": [user_group.name]}
        shown = user_group.api.ask("POST", "/admin/explain", user_group.admin, question).body
        assert (shown["route"]["path"], [name["sid"] for name in shown["because"]]) == ("/upstream/{proxy+}", [sid])
        # No server is behind the upstream now: a request that is allowed gets 504.
        decided[path] = (shown["allowed"], caller.ask("GET", path).status)
    words = ("explain", "GET", "/upstream/a;b", "--group", user_group.name, "--json")
    status, out, err = manage("policies", *words)
    assert (status, err, json.loads(out)) == (0, "", shown)
    assert decided == {"/docs": (True, 504), "/secret": (False, 403), "/secret/": (False, 403), "/a;b": (False, 403)}


def test_the_matrix_shows_the_upstream_its_guard_and_a_step_up(manage: Run, user_group: UserGroup) -> None:
    step_up = allow("/admin/routes", sid="step-up", signed_in_within=900)
    assert user_group.write([step_up, allow("/upstream/docs/*", sid="docs")]).status == 200
    filtered = f"/admin/matrix?subject={user_group.subject}"
    shown = user_group.api.ask("GET", filtered, user_group.admin).body
    words = ("policies", "matrix", "--group", user_group.name)
    assert json.loads(manage(*words, "--json")[1]) == shown
    cells = {(cell["method"], cell["path"]): cell for cell in shown["cells"]}
    limited = cells["GET", "/admin/routes"]
    assert (limited["access"], limited["allowed"], limited["signed_in_within"]) == ("partly", False, 900)
    assert cells["GET", "/upstream/{proxy+}"]["access"] == "partly"
    assert [guard["sid"] for guard in shown["guards"]] == ["ambiguous-path"]
    for form in ("table", "csv", "svg"):
        status, out, err = manage(*words, "--format", form)
        assert (status, err) == (0, "")
        assert "signed in within 15 min" in out
        assert "*/upstream*%*" in out
    assert user_group.api.ask("GET", "/admin/matrix?subject=group:ghosts", user_group.admin).status == 404
    assert user_group.api.ask("GET", "/admin/matrix?path=/nowhere", user_group.admin).status == 400
    assert user_group.api.ask("GET", "/admin/matrix?most=1", user_group.admin).status == 400
    assert len(user_group.api.ask("GET", "/admin/matrix", user_group.admin).body["cells"]) <= MOST_CELLS


def test_a_policy_that_the_api_refuses_for_its_size_is_refused_on_the_command_line(
    manage: Run, user_group: UserGroup, tmp_path: Path
) -> None:
    """The stage has an upstream. Without its statement, the policy would fit."""
    rules = [allow(*many_paths(57), sid="large")]
    refused = user_group.write(rules)
    assert (refused.status, "more than the limit of 8192" in refused.body["message"]) == (400, True)
    file = tmp_path / f"policies/{user_group.name}.yaml"
    file.write_text(yaml.safe_dump({"group": user_group.name, "statements": rules}), encoding="utf-8")
    status, _, err = manage("policies", "apply", "--yes")
    assert (status, "more than the limit of 8192" in err) == (1, True)
    assert user_group.read().status == 404


def test_a_rollback_to_an_unknown_version_and_an_invitation_of_a_known_user_name_the_next_step(
    manage: Run, user_group: UserGroup
) -> None:
    assert user_group.write([allow("/whoami")]).status == 200
    status, _, err = manage("policies", "rollback", user_group.subject, "--to", "9", "--yes")
    assert (status, "The recorded versions are 1 to 1. `policies history` lists" in err) == (1, True), err
    answer = user_group.api.ask("POST", f"{user_group.policy_path}/rollback", user_group.admin, {"version": 9})
    assert (answer.status, "The recorded versions are 1 to 1" in answer.body["message"]) == (404, True)
    address = json.loads(manage("users", "show", user_group.member.username, "--json")[1])["email"]
    status, _, err = manage("users", "invite", address)
    command = f"`users groups {address} --group {user_group.name} --stage local`"
    assert (status, command in err) == (1, True), err
