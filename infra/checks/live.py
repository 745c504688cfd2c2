"""One stage as it is, read when it is asked for and once, and beside it what the repository says it should be."""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from infra import discovery
from infra.application import Application, read_application
from infra.checks.attributes import attribute
from infra.checks.expected import Expected, parameter_values
from infra.stage import Stage
from infra.templates import read_yaml


class NotThere(Exception):
    """Something that everything else hangs on is missing."""


class Names(dict[str, Any]):
    """Values by name; one that is missing is said to be. Raises NotThere."""

    def __missing__(self, name: str) -> Any:
        raise NotThere(f"the stack has no {name}")


class Live:
    """Answers questions about one stage.

    client  gives a boto3 client by the name of its service
    """

    def __init__(self, stage: Stage, client: discovery.Client, project: Path) -> None:
        self.stage = stage
        self.client = client
        self.project = project
        self._answers: dict[str, Any] = {}

    def ask(self, service: str, operation: str, **arguments: Any) -> Any:
        """Call an operation that only reads. Raises ClientError."""
        question = json.dumps([service, operation, arguments], sort_keys=True)
        if question not in self._answers:
            self._answers[question] = getattr(self.client(service), operation)(**arguments)
        return self._answers[question]

    def listed(self, service: str, operation: str, key: str, **arguments: Any) -> list[Any]:
        """Everything that an operation lists, over all of its pages."""
        question = json.dumps([service, operation, key, arguments], sort_keys=True)
        if question not in self._answers:
            pages = self.client(service).get_paginator(operation).paginate(**arguments)
            self._answers[question] = [item for page in pages for item in page.get(key, [])]
        listed: list[Any] = self._answers[question]
        return listed

    @cached_property
    def stack(self) -> Mapping[str, Any]:
        stacks: list[Any] = self.ask("cloudformation", "describe_stacks", StackName=self.stage.stack)["Stacks"]
        return dict(stacks[0])

    @cached_property
    def outputs(self) -> dict[str, str]:
        outputs = {item["OutputKey"]: item["OutputValue"] for item in self.stack.get("Outputs", [])}
        return {**outputs, **discovery.simulated_keys(self.client, outputs["UserPoolId"])}

    @cached_property
    def parameters(self) -> dict[str, str]:
        return {item["ParameterKey"]: item["ParameterValue"] for item in self.stack.get("Parameters", [])}

    @cached_property
    def physical(self) -> Mapping[str, str]:
        """What the stack's resources are called."""
        resources = self.listed(
            "cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=self.stage.stack
        )
        return Names({item["LogicalResourceId"]: item.get("PhysicalResourceId", "") for item in resources})

    @cached_property
    def place(self) -> dict[str, str]:
        """Partition, region and account, as pseudo parameters."""
        _, partition, _, region, account, _ = self.stack["StackId"].split(":", 5)
        return {"AWS::Partition": partition, "AWS::Region": region, "AWS::AccountId": account}

    def arn(self, service: str, resource: str) -> str:
        return ":".join(["arn", self.place["AWS::Partition"], service, *self._here, resource])

    @property
    def _here(self) -> tuple[str, str]:
        return self.place["AWS::Region"], self.place["AWS::AccountId"]

    @cached_property
    def expected_parameters(self) -> dict[str, str]:
        """What the stack should have been given, as far as it is not what its template defaults to."""
        return {
            **self.stage.identity,
            "AppName": self.stage.app,
            "Stage": self.stage.name,
            "DeployPhase": "complete",
            "RestApiId": self.api_id,
        }

    @cached_property
    def template(self) -> Mapping[str, Any]:
        template: Mapping[str, Any] = read_yaml(self.project, "infra/identity.yaml")
        return template

    @cached_property
    def expected(self) -> Expected:
        values = parameter_values(self.template["Parameters"], self.expected_parameters)
        kinds = {name: resource["Type"] for name, resource in self.template["Resources"].items()}
        return Expected(
            self.template,
            Names({**values, **self.place, **self.physical}),
            lambda name, what: (
                # It holds the time at which the stream was begun, and can only be asked for.
                self.outputs["PolicyStreamArn"]
                if what == "StreamArn"
                else attribute(kinds[name], what, self.physical[name], self.arn)
            ),
        )

    @cached_property
    def application(self) -> Application:
        return read_application(self.project, self.stage, self.outputs, self.api_id)

    @cached_property
    def served(self) -> Mapping[str, Any]:
        """The API's definition as its stage serves it: the snapshot of the last deployment, not the present draft."""
        answer = self.client("apigateway").get_export(
            restApiId=self.api_id,
            stageName=self.stage.name,
            exportType="swagger",
            parameters={"extensions": "integrations,authorizers,gatewayresponses"},
        )
        definition: Mapping[str, Any] = json.loads(answer["body"].read())
        return definition

    @property
    def pool_id(self) -> str:
        return self.outputs["UserPoolId"]

    @cached_property
    def apis(self) -> list[str]:
        return discovery.apis(self.stage, self.client)

    @cached_property
    def api_id(self) -> str:
        """The REST API that the stack is tied to, or that asks this stage's authorizer. Raises NotThere."""
        tied = self.parameters.get("RestApiId", "")
        if not tied and not self.apis:
            raise NotThere(f"there is no REST API {self.stage.app} that asks this stage's authorizer")
        return tied or self.apis[0]
