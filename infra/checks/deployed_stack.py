"""Reads one deployed stack: its template, its parameters, and the resources that these two describe."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from infra.checks.attributes import attribute
from infra.expected import Expected, parameter_values
from infra.templates import parse_yaml

Ask = Callable[..., Any]


class Missing(Exception):
    """A resource that other checks depend on is missing."""


class Names(dict[str, Any]):
    """Values by name. Raises Missing for an unknown name."""

    def __init__(self, stack: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._stack = stack

    def __missing__(self, name: str) -> Any:
        raise Missing(f"the stack {self._stack} has no parameter and no resource {name}.")


class DeployedStack:
    """Gives the actual state of a stack, and the state that its template describes.

    ask     calls an operation of CloudFormation that returns one answer
    listed  calls one that returns pages, and returns the items of all pages
    """

    def __init__(self, name: str, ask: Ask, listed: Ask) -> None:
        self.name = name
        self._ask = ask
        self._listed = listed

    @cached_property
    def description(self) -> Mapping[str, Any]:
        return dict(self._ask("cloudformation", "describe_stacks", StackName=self.name)["Stacks"][0])

    @cached_property
    def outputs(self) -> dict[str, str]:
        return {item["OutputKey"]: item["OutputValue"] for item in self.description.get("Outputs", [])}

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the deployment and the defaults of the others."""
        given = {item["ParameterKey"]: item["ParameterValue"] for item in self.description.get("Parameters", [])}
        return parameter_values(self.template["Parameters"], given)

    @cached_property
    def template(self) -> Mapping[str, Any]:
        """The template that was deployed, before CloudFormation transformed it."""
        body = self._ask("cloudformation", "get_template", StackName=self.name, TemplateStage="Original")[
            "TemplateBody"
        ]
        return dict(parse_yaml(body) if isinstance(body, str) else body)

    @cached_property
    def physical(self) -> Mapping[str, str]:
        """The physical ids of the resources, by logical id."""
        resources = self._listed(
            "cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=self.name
        )
        return Names(self.name, {item["LogicalResourceId"]: item.get("PhysicalResourceId", "") for item in resources})

    @cached_property
    def pseudo_parameters(self) -> dict[str, str]:
        """Partition, region and account, by the names of CloudFormation."""
        _, partition, _, region, account, _ = self.description["StackId"].split(":", 5)
        return {"AWS::Partition": partition, "AWS::Region": region, "AWS::AccountId": account}

    def arn(self, service: str, resource: str) -> str:
        partition, region, account = (
            self.pseudo_parameters[f"AWS::{name}"] for name in ("Partition", "Region", "AccountId")
        )
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"

    @cached_property
    def expected(self) -> Expected:
        """The resources as the template describes them."""
        values = {**self.parameters, **self.pseudo_parameters, **self.physical}
        return Expected(self.template, Names(self.name, values), self._attribute)

    def _attribute(self, name: str, what: str) -> str:
        if what == "StreamArn":
            return self.outputs["PolicyStreamArn"]  # contains the time when the stream was created
        if what == "Stage":
            return self.physical[f"{name}Stage"]  # SAM creates this resource for the API
        return attribute(self.template["Resources"][name]["Type"], what, self.physical[name], self.arn)
