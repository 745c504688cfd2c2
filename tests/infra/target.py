"""Gives tests access to a deployed stage, and builds functions that change one setting of it.

Shape:  a tampering takes the stage, changes a setting through AWS's own API, and returns a function that undoes it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from infra.clients import Client
from infra.stage import Stage

Undo = Callable[[], object]


@dataclass(frozen=True)
class Target:
    """One stage, and the physical names of its resources."""

    stage: Stage
    client: Client

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The physical ids of the resources of both stacks, by logical id."""
        paginator = self.client("cloudformation").get_paginator("list_stack_resources")
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for stack in (self.stage.stack, self.stage.application_stack)
            for page in paginator.paginate(StackName=stack)
            for resource in page["StackResourceSummaries"]
        }

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        stack = self.client("cloudformation").describe_stacks(StackName=self.stage.stack)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    @property
    def api(self) -> dict[str, str]:
        return {"restApiId": self.names["RestAPI"]}

    @property
    def api_stage(self) -> dict[str, str]:
        return {**self.api, "stageName": self.stage.name}

    @property
    def pool(self) -> dict[str, str]:
        return {"UserPoolId": self.names["UserPool"]}

    @property
    def mapping(self) -> dict[str, str]:
        mappings = self.client("lambda").list_event_source_mappings(**self.function("policy_changed"))
        return {"UUID": mappings["EventSourceMappings"][0]["UUID"]}

    def table(self, name: str) -> dict[str, str]:
        return {"TableName": self.names[name]}

    def table_arn(self, name: str) -> str:
        arn: str = self.client("dynamodb").describe_table(**self.table(name))["Table"]["TableArn"]
        return arn

    def role(self, name: str) -> dict[str, str]:
        return {"RoleName": self.names[name]}

    def function(self, name: str) -> dict[str, str]:
        return {"FunctionName": self.stage.function(name)}

    def configuration(self, name: str) -> dict[str, Any]:
        return dict(self.client("lambda").get_function_configuration(**self.function(name)))

    def method(self, verb: str, path: str) -> dict[str, str]:
        items = self.client("apigateway").get_resources(**self.api, limit=500)["items"]
        resource = next(item["id"] for item in items if item["path"] == path)
        return {**self.api, "resourceId": resource, "httpMethod": verb}

    def authorizer(self, name: str) -> dict[str, str]:
        items = self.client("apigateway").get_authorizers(**self.api)["items"]
        return {**self.api, "authorizerId": next(item["id"] for item in items if item["name"] == name)}


Tampering = Callable[[Target], Undo]
Arguments = Mapping[str, Any] | Callable[[Target], Mapping[str, Any]]  # some depend on the target


def setting(service: str, operation: str, where: Arguments, bad: Arguments, good: Arguments) -> Tampering:
    """Returns a tampering that sets a bad value with an operation, and the good value to undo it."""

    def tamper(target: Target) -> Undo:
        here, wrong, right = (_of(target, arguments) for arguments in (where, bad, good))
        call = getattr(target.client(service), operation)
        call(**here, **wrong)
        return lambda: call(**here, **right)

    return tamper


def pair(service: str, do: str, undo: str, where: Arguments, more: Arguments | None = None) -> Tampering:
    """Returns a tampering that calls one operation, and another one to undo it. Only the first one gets `more`."""

    def tamper(target: Target) -> Undo:
        here, client = _of(target, where), target.client(service)
        getattr(client, do)(**here, **_of(target, more or {}))
        return lambda: getattr(client, undo)(**here)

    return tamper


def restored(service: str, undo: str, do: str, where: Arguments, more: Arguments) -> Tampering:
    """Returns a tampering that deletes something, and creates it again to undo it. Only the second call gets `more`."""

    def tamper(target: Target) -> Undo:
        here, again, client = _of(target, where), _of(target, more), target.client(service)
        getattr(client, undo)(**here)
        return lambda: getattr(client, do)(**here, **again)

    return tamper


def _of(target: Target, arguments: Arguments) -> Mapping[str, Any]:
    return arguments(target) if callable(arguments) else arguments
