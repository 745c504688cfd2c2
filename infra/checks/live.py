"""Reads a deployed stage from AWS, each answer once and when it is needed, and what the repository expects of it."""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra import discovery
from infra.application import Application, read_application
from infra.checks.attributes import attribute
from infra.checks.expected import Expected, parameter_values
from infra.package import package_without_dependencies
from infra.stage import Stage
from infra.templates import read_yaml


class Missing(Exception):
    """A resource that other checks depend on is missing."""


class Names(dict[str, Any]):
    """Values by name. Raises Missing for an unknown name."""

    def __missing__(self, name: str) -> Any:
        raise Missing(f"the identity stack has no parameter and no resource {name}.")


class Live:
    """Gives the actual and the expected state of one stage.

    client   returns a boto3 client for the name of a service
    project  the folder of the repository
    """

    def __init__(self, stage: Stage, client: discovery.Client, project: Path) -> None:
        self.stage = stage
        self.client = client
        self.project = project
        self._answers: dict[str, Any] = {}

    def ask(self, service: str, operation: str, **arguments: Any) -> Any:
        """Calls an operation that only reads. Raises ClientError."""
        question = json.dumps([service, operation, arguments], sort_keys=True)
        if question not in self._answers:
            self._answers[question] = getattr(self.client(service), operation)(**arguments)
        return self._answers[question]

    def listed(self, service: str, operation: str, key: str, **arguments: Any) -> list[Any]:
        """Returns the items of all pages of an operation. Raises ClientError."""
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
        """The physical ids of the stack's resources, by logical id."""
        resources = self.listed(
            "cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=self.stage.stack
        )
        return Names({item["LogicalResourceId"]: item.get("PhysicalResourceId", "") for item in resources})

    @cached_property
    def pseudo_parameters(self) -> dict[str, str]:
        """Partition, region and account, by the names of CloudFormation."""
        _, partition, _, region, account, _ = self.stack["StackId"].split(":", 5)
        return {"AWS::Partition": partition, "AWS::Region": region, "AWS::AccountId": account}

    def arn(self, service: str, resource: str) -> str:
        partition, region, account = (
            self.pseudo_parameters[f"AWS::{name}"] for name in ("Partition", "Region", "AccountId")
        )
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"

    @cached_property
    def expected_parameters(self) -> dict[str, str]:
        """The parameters that a deployment gives to the identity stack. All others have the template's default."""
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
        """The identity stack's resources as the template describes them for this stage."""
        values = parameter_values(self.template["Parameters"], self.expected_parameters)
        kinds = {name: resource["Type"] for name, resource in self.template["Resources"].items()}
        return Expected(
            self.template,
            Names({**values, **self.pseudo_parameters, **self.physical}),
            lambda name, what: (
                # This ARN contains the time when the stream was created, so it cannot be computed.
                self.outputs["PolicyStreamArn"]
                if what == "StreamArn"
                else attribute(kinds[name], what, self.physical[name], self.arn)
            ),
        )

    @cached_property
    def packaged(self) -> Mapping[str, Any]:
        """The application's template as packaging writes it; packaged now if the cache does not have it."""
        with TemporaryDirectory() as folder:
            template, _ = package_without_dependencies(Path(folder), self.project)
        written: Mapping[str, Any] = json.loads(template)
        return written

    @cached_property
    def application(self) -> Application:
        return read_application(self.project, self.stage, self.outputs, self.api_id)

    @cached_property
    def served(self) -> Mapping[str, Any]:
        """The definition that the API's stage serves: the snapshot of the API's last deployment."""
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
        """The REST API that the stack's parameter names, or that calls this stage's authorizer. Raises Missing."""
        parameter = self.parameters.get("RestApiId", "")
        if not parameter and not self.apis:
            raise Missing(f"no REST API named {self.stage.app} calls this stage's authorizer. Run `manage.py deploy`.")
        return parameter or self.apis[0]
