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
        names = ("NotFoundException", "ResourceNotFoundException")
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
                return {}
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
