"""Runs commands on a stage whose tables are moto's, inside the test process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from operations.command_line import main
from tests import mint
from tests.infra.account import Account

ZEUS = "arn:aws:iam::123456789012:user/zeus"
OUTPUTS = {
    "PolicyTableName": "PolicyTable",
    "StateTableName": "StateTable",
    "AuditTableName": "AuditTable",
    "AuditRetentionDays": "365",
    "UserPoolId": "mars-west-1_olympus",
    "WebClientId": mint.WEB_CLIENT,
}
WHY = ("--reason", "a leak")
Command = Callable[..., tuple[int, str, str]]


class Run:
    """Runs a command.

    variables   those of the authorizer's live version
    parameters  those of the application stack
    account     the services except DynamoDB
    """

    def __init__(self, project: Path, capsys: pytest.CaptureFixture[str], dynamodb: Any) -> None:
        self.variables: dict[str, str] = {}
        self.parameters: dict[str, str] = {}
        self.dynamodb = dynamodb
        self._project, self._capsys = project, capsys
        described = [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]
        stack = {"StackStatus": "UPDATE_COMPLETE", "Outputs": described}
        functions = {
            "get_alias": {"FunctionVersion": "7"},
            "get_function_configuration": lambda **_: {"Environment": {"Variables": self.variables}},
        }
        self.account = Account(
            sts={"get_caller_identity": {"Account": "123456789012", "Arn": ZEUS}},
            cloudformation={
                "describe_stacks": lambda **_: {"Stacks": [{**stack, "Parameters": self._parameters()}]},
                "describe_stack_resource": {"StackResourceDetail": {"PhysicalResourceId": "olympus1"}},
            },
            apigateway={},
            cognito_idp={},
            **{"lambda": functions},
        )

    def __call__(self, *words: str) -> tuple[int, str, str]:
        status = main([*words, "--stage", "trial"], self._project, lambda _stage: self._client)
        said = self._capsys.readouterr()
        return status, said.out, said.err

    def document(self, *words: str) -> Any:
        status, out, _ = self(*words, "--json")
        assert status == 0
        return json.loads(out)

    def _client(self, service: str) -> Any:
        return self.dynamodb if service == "dynamodb" else self.account(service)

    def _parameters(self) -> list[dict[str, str]]:
        return [{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()]
