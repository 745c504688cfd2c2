"""Calls the application with its real wiring, on tables in the test process."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest

from app import app
from tests.api_document import check_answer
from tests.authorizers.events import proxy_event
from tests.aws.tables import table_settings
from tests.rewired import fresh_wiring

ADMIN = {"principalId": "admin-sub", "permissions": "Allow * /*"}
SETTINGS = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "CLIENT_IDS": "webclientofolympus,machineofolympus,",
}


@contextmanager
def wired() -> Iterator[None]:
    """Gives the application an environment and a wiring of its own."""
    with pytest.MonkeyPatch.context() as environment, fresh_wiring():
        for name, value in {**SETTINGS, **table_settings()}.items():
            environment.setenv(name, value)
        yield


def call(
    method: str, resource: str, body: object = None, granted: dict[str, Any] = ADMIN, /, **parameters: str
) -> tuple[int, Any]:
    """Returns the status and the body, read as JSON if there is any. Compares both with the OpenAPI document.

    resource  the path of the route, and optionally a query string
    granted   the context that the gateway passes from the authorizer to the service
    """
    resource, _, query = resource.partition("?")
    text = body if body is None or isinstance(body, str) else json.dumps(body)
    event = proxy_event(method, resource, parameters, granted, text)
    answered = app(event | {"multiValueQueryStringParameters": parse_qs(query, keep_blank_values=True) or None}, None)
    content = json.loads(answered["body"]) if answered["body"] else None
    check_answer(method, resource, answered["statusCode"], content)
    return answered["statusCode"], content


def refusal(
    method: str, resource: str, body: object = None, granted: dict[str, Any] = ADMIN, /, **parameters: str
) -> tuple[int, str]:
    """Returns the status and the code of a request that fails."""
    status, answered = call(method, resource, body, granted, **parameters)
    assert set(answered) == {"message", "code"}
    return status, answered["code"]
