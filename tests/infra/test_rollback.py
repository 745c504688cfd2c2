"""A rollback moves the aliases of all functions or of no function, and refuses while something else moves them.

tests/local/test_releases.py runs rollbacks in the local cloud.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.errors import DeploymentFailed, Refused
from infra.rollback import Move, delete_old_versions, roll_back, undo
from operations.command_line import main
from tests.infra.account import Account
from tests.infra.stages import project_in

STACK = "gatehouse-trial-application"
STAGE = "region: eu-central-1\n"


class Lambdas:
    """The functions of a stack. Each has the versions 1 to 3, and an alias.

    live     function → version of its alias
    locked   a function whose alias cannot be changed
    weights  the weights of other versions in every alias
    odd      a function that has one release fewer, so that its version 2 is of another release
    """

    def __init__(
        self, live: Mapping[str, str], locked: str = "", weights: Mapping[str, float] | None = None, odd: str = ""
    ) -> None:
        self.live, self._locked, self._weights, self._odd = dict(live), locked, weights or {}, odd
        self.deleted: list[str] = []

    def account(self, status: str = "UPDATE_COMPLETE") -> Account:
        resources = [
            self._resource(kind, f"arn:aws:lambda:mars-west-1:123456789012:function:{name}:{qualifier}")
            for name in self.live
            for kind, qualifier in (("Version", "3"), ("Alias", "live"))
        ]
        left = self._resource("Version", "arn:aws:lambda:mars-west-1:123456789012:function:carter:2", "DELETE_FAILED")
        cloudformation = {
            "describe_stacks": {"Stacks": [{"StackStatus": status}]},
            "list_stack_resources": {
                "StackResourceSummaries": [*resources, left, self._resource("Function", "carter")]
            },
        }
        functions = {
            "get_alias": self._alias,
            "list_versions_by_function": self._versions,
            "update_alias": self._update,
            "delete_function": self._delete,
        }
        return Account(
            sts={"get_caller_identity": {"Account": "123456789012"}},
            cloudformation=cloudformation,
            **{"lambda": functions},
        )

    @staticmethod
    def _resource(kind: str, identifier: str, status: str = "UPDATE_COMPLETE") -> dict[str, str]:
        named = {"ResourceType": f"AWS::Lambda::{kind}", "PhysicalResourceId": identifier}
        return {**named, "ResourceStatus": status}

    def _versions(self, FunctionName: str) -> dict[str, Any]:
        releases = {"$LATEST": "c", "1": "a", "2": "a" if FunctionName == self._odd else "b", "3": "c"}
        return {"Versions": [{"Version": it, "Description": f"Release {name}"} for it, name in releases.items()]}

    def _alias(self, FunctionName: str, Name: str) -> dict[str, Any]:
        assert Name == "live"
        weights = {"RoutingConfig": {"AdditionalVersionWeights": self._weights}} if self._weights else {}
        return {"FunctionVersion": self.live[FunctionName], **weights}

    def _update(self, FunctionName: str, Name: str, FunctionVersion: str) -> dict[str, Any]:
        if FunctionName == self._locked:
            raise ClientError({"Error": {"Code": "ResourceConflictException", "Message": "busy"}}, "UpdateAlias")
        self.live[FunctionName] = FunctionVersion
        return {}

    def _delete(self, FunctionName: str, Qualifier: str) -> dict[str, Any]:
        self.deleted.append(f"{FunctionName}:{Qualifier}")
        return {}


def test_each_alias_goes_back_by_one_version() -> None:
    lambdas = Lambdas({"carter": "3", "farrier": "3"})
    assert roll_back(lambdas.account(), STACK) == [Move("carter", "live", 3, 2), Move("farrier", "live", 3, 2)]
    assert lambdas.live == {"carter": "2", "farrier": "2"}


def test_nothing_moves_to_versions_of_different_releases() -> None:
    """For instance after CloudFormation failed to delete one version of a failed deployment."""
    lambdas = Lambdas({"carter": "3", "farrier": "3"}, odd="farrier")
    with pytest.raises(Refused, match=r"carter:2 \(Release b\), farrier:2 \(Release a\)\. Nothing changed"):
        roll_back(lambdas.account(), STACK)
    assert lambdas.live == {"carter": "3", "farrier": "3"}


def test_a_version_that_cloudformation_failed_to_delete_is_not_the_expected_one() -> None:
    """The stack still lists carter's version 2, after version 3."""
    lambdas = Lambdas({"carter": "2"})
    assert undo(lambdas.account(), STACK) == [Move("carter", "live", 2, 3)]


def test_a_failure_moves_the_other_aliases_back() -> None:
    lambdas = Lambdas({"carter": "3", "farrier": "3"}, locked="farrier")
    with pytest.raises(DeploymentFailed, match=r"farrier still points to version 3: .*busy"):
        roll_back(lambdas.account(), STACK)
    assert lambdas.live == {"carter": "3", "farrier": "3"}


def test_nothing_moves_if_one_function_has_no_earlier_version() -> None:
    lambdas = Lambdas({"carter": "3", "farrier": "1"})
    with pytest.raises(Refused, match="farrier has no version before version 1"):
        roll_back(lambdas.account(), STACK)
    assert lambdas.live["carter"] == "3"


def test_nothing_moves_while_traffic_is_shifted() -> None:
    lambdas = Lambdas({"carter": "2"}, weights={"3": 0.1})
    for command in (roll_back, undo):
        with pytest.raises(Refused, match=r"the alias live of carter sends requests to two versions\. Stop the shift"):
            command(lambdas.account(), STACK)
    assert lambdas.live == {"carter": "2"}


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "CREATE_IN_PROGRESS"])
def test_nothing_moves_while_cloudformation_works_on_the_stack(status: str) -> None:
    lambdas = Lambdas({"carter": "3"})
    with pytest.raises(Refused, match=f"is in the state {status}. Wait until the deployment has ended"):
        roll_back(lambdas.account(status), STACK)
    assert lambdas.live == {"carter": "3"}


def test_a_stack_without_aliases_is_refused() -> None:
    """For instance an application that `chalice deploy` created, or a stack from before the aliases."""
    with pytest.raises(Refused, match=r"has no alias\. Deploy the stage first"):
        roll_back(Lambdas({}).account(), STACK)


def test_an_error_of_aws_is_not_reported_as_a_missing_stack() -> None:
    def denied(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "DescribeStacks")

    with pytest.raises(ClientError, match="not you"):
        roll_back(Account(cloudformation={"describe_stacks": denied}, **{"lambda": {}}), STACK)


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


def test_the_command_prints_the_versions_and_names_the_drift(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = rolled_back(tmp_path, capsys, Lambdas({"carter": "3"}))
    assert (status, re.findall(r"^carter +3 +2$", out, re.MULTILINE)) == (0, ["carter    3               2"])
    assert "CloudFormation still expects the versions of the last deployment." in out


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
