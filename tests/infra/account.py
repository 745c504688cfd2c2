"""A fake AWS account for tests of the deployment. It returns given answers and records the calls."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any


class NotThere(Exception):
    """Every service raises this for a resource that does not exist."""


class Service:
    """One service. An answer is a value or a function of the arguments. Calls without an answer are recorded."""

    def __init__(self, calls: list[tuple[str, dict[str, Any]]], answers: dict[str, Any]) -> None:
        self._calls = calls
        self.answers = answers
        names = ("NotFoundException", "ResourceNotFoundException", "ParameterNotFound")
        self.exceptions = SimpleNamespace(**dict.fromkeys(names, NotThere))

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=lambda **arguments: [getattr(self, operation)(**arguments)])

    def get_waiter(self, _name: str) -> Any:
        return SimpleNamespace(wait=lambda **_: None)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            answer = self.answers.get(operation)
            if answer is None:
                self._calls.append((operation, arguments))
            return answer(**arguments) if callable(answer) else answer

        return call


class Account:
    """Returns the client of a service, and records the calls that change something."""

    def __init__(self, **services: dict[str, Any]) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._services = {name.replace("_", "-"): Service(self.calls, answers) for name, answers in services.items()}

    def __call__(self, service: str) -> Any:
        return self._services[service]

    def answer(self, service: str, **answers: Any) -> None:
        """Sets further answers of a service."""
        self._services[service].answers.update(answers)


def gone(**_: Any) -> Any:
    raise NotThere


def function(name: str) -> dict[str, str]:
    return {"FunctionName": name, "FunctionArn": f"arn:function:{name}"}


def mapping(uuid: str, stream: str, state: str = "Enabled") -> dict[str, str]:
    return {"UUID": uuid, "EventSourceArn": stream, "State": state, "FunctionArn": "arn:function:policy_changed"}


def gateway(**authorizer_of: str) -> dict[str, Any]:
    """Returns an API Gateway with APIs of the same name. Each API calls the authorizer of one stage.

    authorizer_of  API id → stage
    """

    def authorizers(restApiId: str) -> dict[str, Any]:
        function_name = f"gatehouse-{authorizer_of[restApiId]}-policy_authorizer"
        return {"items": [{"authorizerUri": f"arn:aws:apigateway:…:function:{function_name}/invocations"}]}

    return {
        "get_rest_apis": {"items": [{"id": api_id, "name": "gatehouse"} for api_id in authorizer_of]},
        "get_authorizers": authorizers,
    }


def functions(*names: str, tags: dict[str, str] | None = None) -> dict[str, Any]:
    """Returns a Lambda with functions that Chalice deployed for `trial`. `tags` replaces the tag of a function."""

    def list_tags(Resource: str) -> dict[str, Any]:
        default = "version=1.34.0:stage=trial:app=gatehouse"
        tag = (tags or {}).get(Resource.removeprefix("arn:function:"), default)
        return {"Tags": {"aws-chalice": tag} if tag else {}}

    return {
        "list_functions": {"Functions": [function(name) for name in names]},
        "list_tags": list_tags,
        "list_event_source_mappings": {"EventSourceMappings": []},
    }
