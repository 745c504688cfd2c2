"""A function that `.chalice/package.json` declares is in every list of functions, without a further edit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.aliases import with_aliases
from infra.declared_functions import DeclaredFunction, functions_of, read_functions
from infra.trial_configuration import configure
from infra.trial_connection import Connect
from tests.infra.account import Account
from tests.infra.stages import OUTPUTS, PROJECT, TRIAL, project_in

# A trigger as a developer adds it: the function, and the permission of the user pool.
GREETING: dict[str, Any] = {
    "Greeting": {
        "Properties": {
            "FunctionName": {"Fn::Sub": "${AppName}-${Stage}-greeting"},
            "Timeout": 4,
            "Role": {"Ref": "GreetingRoleArn"},
            "Environment": {"Variables": {"DEFAULT_GROUPS": {"Ref": "DefaultGroups"}}},
        }
    },
    "GreetingPermission": {
        "Type": "AWS::Lambda::Permission",
        "Properties": {"FunctionName": {"Ref": "Greeting"}, "Principal": "cognito-idp.amazonaws.com"},
    },
}

NAME = GREETING["Greeting"]["Properties"]["FunctionName"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one more trigger."""
    made = project_in(tmp_path)
    file = made / ".chalice/package.json"
    template = json.loads(file.read_text(encoding="utf-8"))
    template["Resources"] |= GREETING
    template["Parameters"]["GreetingRoleArn"] = {"Type": "String"}
    file.write_text(json.dumps(template), encoding="utf-8")
    return made


def test_a_new_trigger_is_declared_by_its_resource_and_its_permission(project: Path) -> None:
    (added,) = set(read_functions(project)) - set(read_functions(PROJECT))
    assert added == DeclaredFunction("Greeting", "greeting", 4, is_trigger=True, reads_stream=False)


def test_a_function_is_a_trigger_only_with_the_permission_of_the_user_pool() -> None:
    (function,) = functions_of({"Resources": {"Greeting": GREETING["Greeting"]}})
    assert not function.is_trigger


def test_the_functions_of_the_repository() -> None:
    found = {it.name: (it.timeout, it.is_trigger, it.reads_stream) for it in read_functions(PROJECT)}
    expected = {
        "api_handler": (None, False, False),
        "policy_authorizer": (5, False, False),
        "policy_changed": (30, False, True),
        "post_confirmation": (5, True, False),
        "pre_token": (5, True, False),
    }
    assert expected.items() <= found.items()


def test_a_trial_stage_has_the_role_and_the_timeout_of_a_new_trigger(project: Path) -> None:
    configure(project, TRIAL, {**OUTPUTS, "GreetingRoleArn": "the-greeting-role"})
    config = json.loads((project / ".chalice/config.json").read_text(encoding="utf-8"))
    assert config["stages"]["trial"]["lambda_functions"]["greeting"] == {
        "lambda_timeout": 4,
        "iam_role_arn": "the-greeting-role",
        "environment_variables": {"DEFAULT_GROUPS": "readers"},
    }


def test_a_trial_stage_permits_the_user_pool_to_invoke_a_new_trigger(project: Path) -> None:
    account = Account(**{"lambda": {}}, apigateway={"get_authorizers": {"items": []}})
    account("lambda").exceptions.ResourceConflictException = KeyError
    deployed = [
        {"resource_type": "dynamodb_event", "event_uuid": "one"},
        {"resource_type": "rest_api", "rest_api_id": "api", "rest_api_url": "https://api.example"},
    ]
    state = project / ".chalice/deployed/trial.json"
    state.parent.mkdir()
    state.write_text(json.dumps({"resources": deployed}), encoding="utf-8")
    outputs = {
        **OUTPUTS,
        "GreetingRoleArn": "a-role",
        "UserPoolArn": "arn:aws:cognito-idp:mars:123456789012:userpool/p",
    }
    Connect(project, TRIAL, account, outputs)()
    permitted = [arguments["FunctionName"] for name, arguments in account.calls if name == "add_permission"]
    assert permitted == [f"gatehouse-trial-{name}" for name in ("post_confirmation", "pre_token", "greeting")]


def test_codedeploy_can_shift_the_traffic_of_a_new_function_and_of_no_other() -> None:
    greeting = {"Type": "AWS::Serverless::Function", "Properties": {"Runtime": "python3.13", "FunctionName": NAME}}
    written = with_aliases({"Resources": {"Greeting": greeting}}, "a")["Resources"]
    (policy,) = written["TrafficShiftRole"]["Properties"]["Policies"]
    arn = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AppName}-${Stage}-greeting"
    assert policy["PolicyDocument"]["Statement"][0]["Resource"] == [{"Fn::Sub": arn}, {"Fn::Sub": f"{arn}:live"}]
