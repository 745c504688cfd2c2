"""The life of releases in the local cloud: publish, change, fail, go back, go forward, and delete old versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.aliases import with_aliases
from infra.clients import Client
from infra.errors import DeploymentFailed, Refused
from infra.releases import delete_old_versions, published
from infra.rollback import Move, execute, plan_rollback, plan_undo
from infra.stacks import Stacks
from tests.local.conftest import Cloud

STACK, CARTER, FARRIER = "stable", "stable-carter", "stable-farrier"


def function(name: str) -> dict[str, Any]:
    properties = {
        "Runtime": "python3.12",
        "Handler": "index.handle",
        "FunctionName": {"Fn::Sub": f"${{AWS::StackName}}-{name}"},
        "Role": "arn:aws:iam::123456789012:role/stable",
        "InlineCode": "import os\ndef handle(event, context):\n    return os.environ['HORSES']\n",
        "Environment": {"Variables": {"HORSES": {"Ref": "Horses"}}},
    }
    return {"Type": "AWS::Serverless::Function", "Properties": properties}


def template(code: str, **more: Any) -> str:
    resources = {"Carter": function("carter"), "Farrier": function("farrier"), **more}
    written = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {
            "Horses": {"Type": "Number", "Default": 2},
            "TrafficShiftType": {"Type": "String", "Default": ""},
        },
        "Conditions": {"ShiftsTraffic": {"Fn::Equals": [{"Ref": "TrafficShiftType"}, "Canary"]}},
        "Resources": resources,
    }
    return json.dumps(with_aliases(written, code))


@dataclass(frozen=True)
class Stable:
    """The deployed stack with two functions."""

    cloud: Cloud

    @property
    def stacks(self) -> Stacks:
        return Stacks(self.cloud.client("cloudformation"))

    def deploy(self, code: str, horses: int = 2, **more: Any) -> bool:
        """Returns whether anything changed."""
        return self.stacks.deploy(STACK, template(code, **more), {"Horses": str(horses)}).changed

    def versions(self, function: str = CARTER) -> list[str]:
        listed = self.cloud.client("lambda").list_versions_by_function(FunctionName=function)["Versions"]
        return [item["Version"] for item in listed if item["Version"] != "$LATEST"]

    def live(self, function: str = CARTER) -> str:
        version: str = self.cloud.client("lambda").get_alias(FunctionName=function, Name="live")["FunctionVersion"]
        return version

    def horses(self) -> str:
        """Invokes the alias, and returns the setting with which the function runs."""
        answer = self.cloud.client("lambda").invoke(FunctionName=f"{CARTER}:live")
        value: str = json.loads(answer["Payload"].read())
        return value


def roll_back(client: Client, stack: str) -> list[tuple[str, int, int]]:
    return moved(client, stack, plan_rollback(client, stack))


def undo(client: Client, stack: str) -> list[tuple[str, int, int]]:
    return moved(client, stack, plan_undo(client, stack))


def moved(client: Client, stack: str, moves: list[Move]) -> list[tuple[str, int, int]]:
    execute(client, stack, moves)
    return [(move.function, move.before, move.after) for move in moves]


@pytest.fixture
def stable(cloud: Cloud) -> Iterator[Stable]:
    stable = Stable(cloud)
    stable.deploy("a")
    yield stable
    stable.stacks.delete(STACK)


def test_a_change_publishes_exactly_one_version_and_the_same_release_none(stable: Stable) -> None:
    assert (stable.deploy("a"), stable.versions(), stable.live()) == (False, ["1"], "1")
    assert (stable.deploy("b"), stable.versions(), stable.live()) == (True, ["1", "2"], "2")
    assert stable.versions(FARRIER) == ["1", "2"]


def test_a_changed_parameter_reaches_the_alias_without_a_change_of_the_code(stable: Stable) -> None:
    stable.deploy("a", horses=4)
    assert (stable.versions(), stable.live(), stable.horses()) == (["1", "2"], "2", "4")


def test_a_failed_deployment_changes_no_alias_and_leaves_no_version(stable: Stable) -> None:
    second = {"Name": "live", "FunctionName": {"Ref": "Carter"}, "FunctionVersion": "$LATEST"}
    with pytest.raises(DeploymentFailed, match="stable-carter:live already exists"):
        stable.deploy("b", Second={"Type": "AWS::Lambda::Alias", "DependsOn": "CarterLive", "Properties": second})
    assert (stable.versions(), stable.live()) == (["1"], "1")
    stable.deploy("b")
    assert stable.live() == stable.versions()[-1]


def test_a_rollback_points_every_alias_to_the_version_before(stable: Stable) -> None:
    stable.deploy("b", horses=4)
    assert stable.horses() == "4"
    assert roll_back(stable.cloud.client, STACK) == [(CARTER, 2, 1), (FARRIER, 2, 1)]
    assert (stable.live(), stable.live(FARRIER), stable.horses()) == ("1", "1", "2")


def test_the_drift_after_a_rollback_is_named(stable: Stable) -> None:
    stable.deploy("b")
    assert not any(item.drifted for item in published(stable.cloud.client, STACK))
    roll_back(stable.cloud.client, STACK)
    assert [(item.live, item.expected, item.drifted) for item in published(stable.cloud.client, STACK)] == [
        (1, 2, True)
    ] * 2


def test_the_same_release_stays_rolled_back_and_another_release_goes_forward(stable: Stable) -> None:
    stable.deploy("b")
    roll_back(stable.cloud.client, STACK)
    assert (stable.deploy("b"), stable.live()) == (False, "1")
    assert (stable.deploy("c"), stable.live()) == (True, "3")


def test_a_rollback_can_be_undone(stable: Stable) -> None:
    stable.deploy("b")
    roll_back(stable.cloud.client, STACK)
    assert undo(stable.cloud.client, STACK) == [(CARTER, 1, 2), (FARRIER, 1, 2)]
    assert (stable.live(), undo(stable.cloud.client, STACK)) == ("2", [])


def test_a_second_rollback_goes_back_further(stable: Stable) -> None:
    stable.deploy("b")
    stable.deploy("c")
    roll_back(stable.cloud.client, STACK)
    roll_back(stable.cloud.client, STACK)
    assert stable.live() == "1"


def test_a_rollback_does_not_overwrite_a_change_after_its_plan(stable: Stable) -> None:
    stable.deploy("b")
    moves = plan_rollback(stable.cloud.client, STACK)
    stable.deploy("c")
    with pytest.raises(DeploymentFailed, match="another command has changed it at the same time"):
        execute(stable.cloud.client, STACK, moves)
    assert (stable.live(), stable.live(FARRIER)) == ("3", "3")


def test_a_permission_of_an_alias_is_not_in_the_policy_of_the_function(stable: Stable) -> None:
    """Source: Lambda API Reference, GetPolicy, `Qualifier`."""
    service, caller = stable.cloud.client("lambda"), "apigateway.amazonaws.com"
    permission = {"FunctionName": CARTER, "Action": "lambda:InvokeFunction", "Principal": caller}
    service.add_permission(**permission, StatementId="cart", Qualifier="live")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        service.get_policy(FunctionName=CARTER)
    service.add_permission(**permission, StatementId="barrow")

    def statements(**qualified: str) -> list[str]:
        policy = json.loads(service.get_policy(FunctionName=CARTER, **qualified)["Policy"])
        return [statement["Sid"] for statement in policy["Statement"]]

    assert (statements(), statements(Qualifier="live")) == (["barrow"], ["cart"])


def test_a_rollback_without_an_earlier_version_is_refused(stable: Stable) -> None:
    with pytest.raises(Refused, match=r"stable-carter has no version before version 1\. Nothing changed"):
        roll_back(stable.cloud.client, STACK)


def test_a_rollback_is_refused_as_a_whole_if_one_function_has_no_earlier_version(stable: Stable) -> None:
    stable.deploy("b", Groom=function("groom"))
    with pytest.raises(Refused, match="stable-groom has no version before version 1"):
        roll_back(stable.cloud.client, STACK)
    assert stable.live() == "2"


def test_an_unknown_stack_is_refused(cloud: Cloud) -> None:
    with pytest.raises(Refused, match="The stack nowhere does not exist"):
        roll_back(cloud.client, "nowhere")


def test_old_versions_are_deleted_and_the_ones_for_a_rollback_stay(stable: Stable) -> None:
    for code in "bcd":
        stable.deploy(code)
    assert delete_old_versions(stable.cloud.client, STACK, keep=2) == [f"{CARTER}:1", f"{FARRIER}:1"]
    assert stable.versions() == ["2", "3", "4"]
    assert roll_back(stable.cloud.client, STACK)[0] == (CARTER, 4, 3)


def test_the_version_before_is_never_deleted(stable: Stable) -> None:
    stable.deploy("b")
    assert delete_old_versions(stable.cloud.client, STACK, keep=0) == []
    assert stable.versions() == ["1", "2"]


def test_the_version_of_the_last_deployment_is_not_deleted_after_a_rollback(stable: Stable) -> None:
    stable.deploy("b")
    roll_back(stable.cloud.client, STACK)
    assert delete_old_versions(stable.cloud.client, STACK, keep=1) == []
    assert undo(stable.cloud.client, STACK)[0] == (CARTER, 1, 2)
