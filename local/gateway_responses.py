"""The gateway responses of API Gateway to refused requests. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

EXTENSION = "x-amazon-apigateway-gateway-responses"

_HEADER = "gatewayresponse.header."
_VARIABLE = re.compile(r"\$context((?:\.\w+)+)")


class ResponseType(StrEnum):
    """The types that an authorizer or an unknown route can cause."""

    UNAUTHORIZED = "UNAUTHORIZED"
    ACCESS_DENIED = "ACCESS_DENIED"
    AUTHORIZER_FAILURE = "AUTHORIZER_FAILURE"
    AUTHORIZER_CONFIGURATION_ERROR = "AUTHORIZER_CONFIGURATION_ERROR"
    MISSING_AUTHENTICATION_TOKEN = "MISSING_AUTHENTICATION_TOKEN"


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """One definition. API Gateway's defaults complete it."""

    status_code: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    template: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP response."""

    status_code: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Default:
    status_code: int
    error_type: str
    template: str = '{"message":$context.error.messageString}'


_DEFAULTS = {
    ResponseType.UNAUTHORIZED: _Default(401, "UnauthorizedException"),
    # AWS writes a capital M in this body, and a small one in every other body.
    ResponseType.ACCESS_DENIED: _Default(403, "AccessDeniedException", '{"Message":$context.error.messageString}'),
    ResponseType.AUTHORIZER_FAILURE: _Default(500, "AuthorizerConfigurationException"),
    ResponseType.AUTHORIZER_CONFIGURATION_ERROR: _Default(500, "AuthorizerConfigurationException"),
    ResponseType.MISSING_AUTHENTICATION_TOKEN: _Default(403, "MissingAuthenticationTokenException"),
}


def read_definitions(extension: Mapping[str, Any]) -> dict[str, GatewayResponse]:
    """Reads the definitions of an API, by response type.

    Shape:   the Swagger extension x-amazon-apigateway-gateway-responses
    Raises:  ValueError for a header that is not a quoted constant
    """
    return {response_type: _definition(value) for response_type, value in extension.items()}


def answer(
    definitions: Mapping[str, GatewayResponse],
    response_type: ResponseType,
    message: str | None,
    context: Mapping[str, str],
) -> Answer:
    """Returns the response to a refused request.

    context  the variables of templates after `$context.`, such as httpMethod or authorizer.principalId
    """
    default = _DEFAULTS[response_type]
    fallback = "DEFAULT_5XX" if default.status_code >= 500 else "DEFAULT_4XX"
    definition = definitions.get(response_type) or definitions.get(fallback) or GatewayResponse()
    variables = {**context, "error.message": message or "", "error.responseType": response_type.value}
    escaped = {name: json.dumps(value)[1:-1] for name, value in variables.items()}
    escaped["error.messageString"] = json.dumps(message)  # this variable includes its quotes
    template = default.template if definition.template is None else definition.template
    return Answer(
        status_code=definition.status_code or default.status_code,
        headers={
            "Content-Type": "application/json",
            "x-amzn-RequestId": context.get("requestId", ""),
            "x-amzn-ErrorType": default.error_type,
            **definition.headers,
        },
        body=_VARIABLE.sub(lambda found: escaped.get(found[1][1:], ""), template).encode(),
    )


def _definition(value: Mapping[str, Any]) -> GatewayResponse:
    status_code = value.get("statusCode")
    return GatewayResponse(
        status_code=None if status_code is None else int(status_code),
        headers=dict(_header(name, text) for name, text in value.get("responseParameters", {}).items()),
        template=value.get("responseTemplates", {}).get("application/json"),
    )


def _header(name: str, text: object) -> tuple[str, str]:
    quoted = isinstance(text, str) and re.fullmatch(r"'([^']*)'", text)
    if not name.startswith(_HEADER) or not quoted:
        raise ValueError(f"the gateway response parameter {name} = {text!r} is not a header set to a 'constant'")
    return name.removeprefix(_HEADER), quoted[1]
