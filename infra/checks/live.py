"""Reads the actual and the expected state of a deployed stage. Reads each answer of AWS once, when it is needed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from authorizers.policy_document import check_size
from chalicelib.aws.policies import PolicyTable
from chalicelib.core.policy import StoredPolicy
from infra.application import stage_template
from infra.checks.deployed_stack import DeployedStack
from infra.clients import Client, simulated_keys
from infra.expected import Expected
from infra.package import package_without_dependencies
from infra.stage import Stage


class Live:
    """Gives the actual state of one stage, and the state that its deployed templates describe.

    client   returns a boto3 client for the name of a service
    project  the folder of the repository
    """

    def __init__(self, stage: Stage, client: Client, project: Path) -> None:
        self.stage = stage
        self.client = client
        self.project = project
        self.identity = DeployedStack(stage.stack, self.ask, self.listed)
        self.application = DeployedStack(stage.application_stack, self.ask, self.listed)
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

    @property
    def expected(self) -> Expected:
        """The resources of the identity stack."""
        return self.identity.expected

    @property
    def physical(self) -> Mapping[str, str]:
        return self.identity.physical

    @cached_property
    def outputs(self) -> dict[str, str]:
        outputs = self.identity.outputs
        return {**outputs, **simulated_keys(self.client, outputs["UserPoolId"])}

    def all_expected(self, kind: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yields the resources of one type in both stacks: logical id, physical id and properties."""
        for stack in (self.identity, self.application):
            for name, properties in stack.expected.of(kind).items():
                yield name, stack.physical[name], properties

    @cached_property
    def policies(self) -> PolicyTable:
        """The policy table of the stage. It reads the table at each call: see `stored_policies`."""
        return PolicyTable(self.client("dynamodb"), self.outputs["PolicyTableName"], check_size=check_size)

    @cached_property
    def stored_policies(self) -> Sequence[StoredPolicy]:
        """Everything that is stored as a policy, by one scan."""
        return self.policies.list_stored()

    @cached_property
    def functions(self) -> dict[str, dict[str, Any]]:
        """The functions of the application's template: deployed name → properties."""
        return {
            item["FunctionName"]: item for item in self.application.expected.of("AWS::Serverless::Function").values()
        }

    @cached_property
    def definition(self) -> Mapping[str, Any]:
        """The definition of the REST API in the application's template."""
        definition: Mapping[str, Any] = self.application.expected["RestAPI"]["DefinitionBody"]
        return definition

    def packaged(self, code_uri: str) -> Mapping[str, Any]:
        """Returns the application's template of this checkout for a stored bundle."""
        with TemporaryDirectory() as folder:
            template, _ = package_without_dependencies(Path(folder), self.project)
        written: Mapping[str, Any] = json.loads(
            stage_template(template, code_uri, self.outputs["ResourceServerIdentifier"], self.stage.application)
        )
        return written

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

    @property
    def api_id(self) -> str:
        return self.application.physical["RestAPI"]

    def arn(self, service: str, resource: str) -> str:
        return self.identity.arn(service, resource)
