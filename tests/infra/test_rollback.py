"""A rollback moves the aliases of all functions or of no function, and refuses while something else moves them.

tests/local/test_releases.py runs rollbacks in the local cloud.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.errors import DeploymentFailed, Refused
from infra.releases import delete_old_versions
from infra.rollback import Move, execute, plan_rollback, plan_undo
from infra.templates import read_json
from operations.command_line import main
from tests.infra.account import Account
from tests.infra.stages import PROJECT, project_in

STACK = "gatehouse-trial-application"
STAGE = "region: eu-central-1\n"


class Lambdas:
    """The functions of a stack. Each has the versions 1 to 3, and an alias.

    live       function → version of its alias
    locked     a function whose alias cannot be changed
    stuck      a function whose alias can be changed once
    racing     a function whose alias another command changes after it was read
    weights    the weights of other versions in every alias
    odd        a function that has one release fewer, so that its version 2 is of another release
    variables  version → the environment of every function
    copies     the copies of the state that can be read
    """

    def __init__(
        self,
        live: Mapping[str, str],
        locked: str = "",
        weights: Mapping[str, float] | None = None,
        odd: str = "",
        stuck: str = "",
        racing: str = "",
        variables: Mapping[str, Mapping[str, str]] | None = None,
        copies: Sequence[int] = (),
    ) -> None:
        self._copies = copies
        self.live, self._locked, self._weights, self._odd = dict(live), locked, weights or {}, odd
        self._stuck, self._racing, self._variables = stuck, racing, variables or {}
        self._revisions = dict.fromkeys(live, 1)
        self.deleted: list[str] = []

    def account(self, status: str = "UPDATE_COMPLETE") -> Account:
        resources = [
            self._resource(kind, f"arn:aws:lambda:mars-west-1:123456789012:function:{name}:{qualifier}")
            for name in self.live
            for kind, qualifier in (("Version", "3"), ("Alias", "live"))
        ]
        left = self._resource("Version", "arn:aws:lambda:mars-west-1:123456789012:function:carter:2", "DELETE_FAILED")
        cloudformation = {
            "describe_stacks": {
                "Stacks": [
                    {"StackStatus": status, "Outputs": [{"OutputKey": "StateTableName", "OutputValue": "StateTable"}]}
                ]
            },
            "list_stack_resources": {
                "StackResourceSummaries": [*resources, left, self._resource("Function", "carter")]
            },
        }
        functions = {
            "get_alias": self._alias,
            "get_function_configuration": lambda Qualifier, **_: {
                "Environment": {"Variables": self._variables.get(Qualifier, {})}
            },
            "list_versions_by_function": self._versions,
            "update_alias": self._update,
            "delete_function": self._delete,
        }
        return Account(
            sts={"get_caller_identity": {"Account": "123456789012"}},
            cloudformation=cloudformation,
            dynamodb={"batch_get_item": self._read_state},
            **{"lambda": functions},
        )

    def _read_state(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the original, which names 8 copies, and the copies that can be read."""
        stored = {
            "generation": {"state_shards": {"N": "8"}},
            **{f"shard:{it}": {"n": {"N": "1"}} for it in self._copies},
        }
        ids = [key["id"]["S"] for key in RequestItems["StateTable"]["Keys"]]
        found = [{"id": {"S": id_}, **stored[id_]} for id_ in ids if id_ in stored]
        return {"Responses": {"StateTable": found}, "UnprocessedKeys": {}}

    @staticmethod
    def _resource(kind: str, identifier: str, status: str = "UPDATE_COMPLETE") -> dict[str, str]:
        named = {"ResourceType": f"AWS::Lambda::{kind}", "PhysicalResourceId": identifier}
        return {**named, "ResourceStatus": status}

    def _versions(self, FunctionName: str) -> dict[str, Any]:
        releases = {"$LATEST": "c", "1": "a", "2": "a" if FunctionName == self._odd else "b", "3": "c"}
        return {
            "Versions": [
                {
                    "Version": it,
                    "Description": f"Release {name}",
                    "LastModified": f"2026-11-0{number}T10:00:00Z",
                }
                for number, (it, name) in enumerate(releases.items(), 1)
            ]
        }

    def _alias(self, FunctionName: str, Name: str) -> dict[str, Any]:
        assert Name == "live"
        weights = {"RoutingConfig": {"AdditionalVersionWeights": self._weights}} if self._weights else {}
        revision = str(self._revisions[FunctionName])
        self._revisions[FunctionName] += FunctionName == self._racing
        return {"FunctionVersion": self.live[FunctionName], "RevisionId": revision, **weights}

    def _update(self, FunctionName: str, Name: str, FunctionVersion: str, RevisionId: str) -> dict[str, Any]:
        if RevisionId != str(self._revisions[FunctionName]):
            raise ClientError({"Error": {"Code": "PreconditionFailedException", "Message": "stale"}}, "UpdateAlias")
        if FunctionName == self._locked or (FunctionName == self._stuck and self._revisions[FunctionName] > 1):
            raise ClientError({"Error": {"Code": "ResourceConflictException", "Message": "busy"}}, "UpdateAlias")
        self.live[FunctionName] = FunctionVersion
        self._revisions[FunctionName] += 1
        return {"RevisionId": str(self._revisions[FunctionName])}

    def _delete(self, FunctionName: str, Qualifier: str) -> dict[str, Any]:
        self.deleted.append(f"{FunctionName}:{Qualifier}")
        return {}


def roll_back(account: Account) -> list[Move]:
    moves = plan_rollback(account, STACK)
    execute(account, STACK, moves)
    return moves


def test_each_alias_goes_back_by_one_version() -> None:
    lambdas = Lambdas({"carter": "3", "farrier": "3"})
    moved = [(it.function, it.alias, it.before, it.after, it.release) for it in roll_back(lambdas.account())]
    assert moved == [("carter", "live", 3, 2, "Release b"), ("farrier", "live", 3, 2, "Release b")]
    assert lambdas.live == {"carter": "2", "farrier": "2"}


def test_a_plan_moves_nothing() -> None:
    lambdas = Lambdas({"carter": "3"})
    plan_rollback(lambdas.account(), STACK)
    assert lambdas.live == {"carter": "3"}


def test_nothing_moves_to_versions_of_different_releases() -> None:
    """For instance after CloudFormation failed to delete one version of a failed deployment."""
    lambdas = Lambdas({"carter": "3", "farrier": "3"}, odd="farrier")
    with pytest.raises(Refused, match=r"carter:2 \(Release b\), farrier:2 \(Release a\)\. Nothing changed"):
        plan_rollback(lambdas.account(), STACK)
    assert lambdas.live == {"carter": "3", "farrier": "3"}


def test_a_version_that_cloudformation_failed_to_delete_is_not_the_expected_one() -> None:
    """The stack still lists carter's version 2, after version 3."""
    lambdas = Lambdas({"carter": "2"})
    (move,) = plan_undo(lambdas.account(), STACK)
    assert (move.before, move.after) == (2, 3)


def test_a_failure_moves_the_other_aliases_back() -> None:
    lambdas = Lambdas({"carter": "3", "farrier": "3"}, locked="farrier")
    with pytest.raises(DeploymentFailed, match=r"^farrier: the alias live was not changed: .*busy\. The aliases"):
        roll_back(lambdas.account())
    assert lambdas.live == {"carter": "3", "farrier": "3"}


def test_a_concurrent_change_of_an_alias_is_not_overwritten() -> None:
    lambdas = Lambdas({"carter": "3", "farrier": "3"}, racing="farrier")
    with pytest.raises(DeploymentFailed, match="farrier: the alias live was not changed: another command has changed"):
        roll_back(lambdas.account())
    assert lambdas.live == {"carter": "3", "farrier": "3"}


def test_an_alias_that_cannot_be_moved_back_is_named_with_the_remedy() -> None:
    lambdas = Lambdas({"carter": "3", "farrier": "3"}, locked="farrier", stuck="carter")
    with pytest.raises(DeploymentFailed) as failed:
        roll_back(lambdas.account())
    assert "could not be moved back: carter from version 2 to version 3 (" in str(failed.value)
    assert "run `manage.py rollback --undo`" in str(failed.value)
    assert lambdas.live == {"carter": "2", "farrier": "3"}


def test_nothing_moves_if_a_deployment_starts_after_the_plan() -> None:
    lambdas = Lambdas({"carter": "3"})
    moves = plan_rollback(lambdas.account(), STACK)
    with pytest.raises(Refused, match="is in the state UPDATE_IN_PROGRESS"):
        execute(lambdas.account("UPDATE_IN_PROGRESS"), STACK, moves)
    assert lambdas.live == {"carter": "3"}


def test_nothing_moves_if_one_function_has_no_earlier_version() -> None:
    lambdas = Lambdas({"carter": "3", "farrier": "1"})
    with pytest.raises(Refused, match="farrier has no version before version 1"):
        plan_rollback(lambdas.account(), STACK)
    assert lambdas.live["carter"] == "3"


def test_nothing_moves_while_traffic_is_shifted() -> None:
    lambdas = Lambdas({"carter": "2"}, weights={"3": 0.1})
    for command in (plan_rollback, plan_undo):
        with pytest.raises(Refused, match=r"the alias live of carter sends requests to two versions\. Stop the shift"):
            command(lambdas.account(), STACK)
    assert lambdas.live == {"carter": "2"}


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "CREATE_IN_PROGRESS"])
def test_nothing_moves_while_cloudformation_works_on_the_stack(status: str) -> None:
    lambdas = Lambdas({"carter": "3"})
    with pytest.raises(Refused, match=f"is in the state {status}. Wait until the deployment has ended"):
        plan_rollback(lambdas.account(status), STACK)
    assert lambdas.live == {"carter": "3"}


def test_a_stack_without_aliases_is_refused() -> None:
    """For instance an application that `chalice deploy` created, or a stack from before the aliases."""
    with pytest.raises(Refused, match=r"has no alias\. Deploy the stage first"):
        plan_rollback(Lambdas({}).account(), STACK)


def test_an_error_of_aws_is_not_reported_as_a_missing_stack() -> None:
    def denied(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "DescribeStacks")

    with pytest.raises(ClientError, match="not you"):
        plan_rollback(Account(cloudformation={"describe_stacks": denied}, **{"lambda": {}}), STACK)


@pytest.mark.parametrize(
    ("live", "keep", "deleted"),
    [
        pytest.param("3", 1, ["carter:1"], id="one stays"),
        pytest.param("3", 2, [], id="two stay"),
        pytest.param("3", 0, ["carter:1"], id="the version before always stays"),
        pytest.param("2", 1, [], id="after a rollback, the version of the last deployment stays"),
    ],
)
def test_versions_before_the_kept_ones_are_deleted(live: str, keep: int, deleted: list[str]) -> None:
    lambdas = Lambdas({"carter": live})
    assert delete_old_versions(lambdas.account(), STACK, keep) == deleted == lambdas.deleted


def rolled_back(folder: Path, capsys: pytest.CaptureFixture[str], lambdas: Lambdas, *more: str) -> tuple[int, str, str]:
    account = lambdas.account()
    status = main(["rollback", "--stage", "trial", *more], project_in(folder, STAGE), lambda _stage: account)
    said = capsys.readouterr()
    return status, said.out, said.err


def test_the_command_names_the_release_and_the_drift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = rolled_back(tmp_path, capsys, Lambdas({"carter": "3"}), "--yes")
    assert status == 0
    assert re.search(r"^carter +3 +2 +Release b +2026-11-03T10:00:00Z$", out, re.MULTILINE)
    assert "CloudFormation still expects the versions of the last deployment." in out


@pytest.mark.parametrize(("answer", "live"), [("n\n", "3"), ("\n", "3"), ("y\n", "2")])
def test_the_command_asks_before_it_returns_to_a_release_that_can_be_faulty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, answer: str, live: str
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(answer))
    lambdas = Lambdas({"carter": "3"})
    status, out, _ = rolled_back(tmp_path, capsys, lambdas)
    assert status == 0
    assert "this is the release with the fault" in out.partition("Use these versions? [y/N] ")[0]
    assert lambdas.live == {"carter": live}


def test_the_command_changes_nothing_without_an_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For instance in a pipeline."""
    monkeypatch.setattr("sys.stdin", StringIO(""))
    lambdas = Lambdas({"carter": "3"})
    status, _, err = rolled_back(tmp_path, capsys, lambdas)
    assert (status, lambdas.live) == (1, {"carter": "3"})
    assert "To run the command without a question, pass --yes." in err


def test_the_command_undoes_a_rollback_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lambdas = Lambdas({"carter": "2"})
    assert rolled_back(tmp_path / "first", capsys, lambdas, "--undo")[0] == 0
    assert lambdas.live == {"carter": "3"}
    status, out, _ = rolled_back(tmp_path / "second", capsys, lambdas, "--undo")
    assert (status, out) == (0, "nothing changed: the functions have the versions of the last deployment\n")


def test_the_command_refuses_on_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = rolled_back(tmp_path, capsys, Lambdas({"carter": "1"}))
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("Refused: carter has no version before version 1. Nothing changed.")


APP = read_json(PROJECT, ".chalice/package.json")["Parameters"]["AppName"]["Default"]  # a fork has another name
AUTHORIZER = f"{APP}-trial-policy_authorizer"


def test_a_release_without_copies_of_the_state_is_refused_while_authorizers_read_copies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lambdas = Lambdas({AUTHORIZER: "3", "carter": "3"}, variables={"3": {"STATE_SHARDS": "8"}})
    status, out, err = rolled_back(tmp_path, capsys, lambdas, "--yes")
    assert (status, out, lambdas.live) == (1, "", {AUTHORIZER: "3", "carter": "3"})
    assert err.startswith("Refused: Release b does not maintain the copies of the state that authorizers read now.")
    assert "Set application.StateShards to 1 in infra/stages/trial.yaml and deploy." in err


BACK, UNDO = (("3", "2"), "--yes"), (("2", "3"), "--undo")


@pytest.mark.parametrize("way", [BACK, UNDO], ids=["rollback", "undo"])
@pytest.mark.parametrize(
    ("before", "after", "copies", "refusal"),
    [
        ({"STATE_SHARDS": "8"}, {}, range(1, 9), "does not maintain the copies of the state"),
        ({"STATE_SHARDS": "2"}, {"STATE_SHARDS": "9"}, range(1, 9), "reads 9 copies of the state, but only 8"),
        (
            {"STATE_SHARDS": "2"},
            {"STATE_SHARDS": "8"},
            (1, 2, 3, 5, 6, 7, 8),
            "reads 8 copies of the state, but only 7",
        ),
        ({"STATE_SHARDS": "2"}, {"STATE_SHARDS": "8"}, range(1, 9), ""),
        ({"STATE_SHARDS": "8"}, {"STATE_SHARDS": "3"}, (1, 2, 3), ""),
        ({"STATE_SHARDS": "8"}, {"STATE_SHARDS": "1"}, (), ""),
        ({"STATE_SHARDS": "1"}, {}, (), ""),
        ({}, {}, (), ""),
    ],
)
def test_a_release_that_cannot_work_with_the_copies_is_refused_in_both_directions(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    way: tuple[tuple[str, str], str],
    before: dict[str, str],
    after: dict[str, str],
    copies: Sequence[int],
    refusal: str,
) -> None:
    (live, target), option = way
    lambdas = Lambdas({AUTHORIZER: live}, variables={live: before, target: after}, copies=copies)
    status, _, err = rolled_back(tmp_path, capsys, lambdas, option)
    assert (status, lambdas.live) == ((1, {AUTHORIZER: live}) if refusal else (0, {AUTHORIZER: target}))
    assert refusal in err
