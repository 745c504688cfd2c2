"""Adds preflights, and headers of the gateway's own responses, so that pages of other origins can call the API. Pure.

A response of the service names the origin of its request, if that origin is allowed. A gateway response of API Gateway
has constant headers, so it can name only one origin: the first one. It never copies the origin of a request.
Source:  API Gateway Developer Guide, "Gateway responses in API Gateway"
"""

import re
from collections.abc import Sequence
from typing import Any

from chalicelib.core.origin import response_headers

_RESPONSES = "x-amazon-apigateway-gateway-responses"
_INTEGRATION = "x-amazon-apigateway-integration"
_HEADER = "gatewayresponse.header."
_ANY_PATH = "/{proxy+}"

Json = dict[str, Any]


def add_origins(definition: Json, origins: Sequence[str]) -> None:
    """Adds preflights and response headers for these origins. Without an origin, adds nothing."""
    if not origins:
        return
    service = service_integration(definition)
    definition["paths"].setdefault(_ANY_PATH, {})  # without a preflight, a page could not read the 404 of such a path
    for path, item in definition["paths"].items():
        item.setdefault("options", _preflight(path, service))
    constants = response_headers(origins[0], origins)
    for response in definition[_RESPONSES].values():
        headers = {f"{_HEADER}{name}": f"'{value}'" for name, value in constants.items()}
        response["responseParameters"] = {**response.get("responseParameters", {}), **headers}


def service_integration(definition: Json) -> Json:
    """Returns the integration with the service's function, which all routes of the application share."""
    operations = (operation for item in definition["paths"].values() for operation in item.values())
    found: Json = next(it[_INTEGRATION] for it in operations if it[_INTEGRATION]["type"] == "aws_proxy")
    return found


def _preflight(path: str, service: Json) -> Json:
    """Returns an operation without an authorizer: a browser sends no token with a preflight."""
    names = re.findall(r"\{(\w+)\+?\}", path)
    parameters = [{"name": name, "in": "path", "required": True, "type": "string"} for name in names]
    return {
        **({"parameters": parameters} if parameters else {}),
        "responses": {"default": {"description": ""}},
        _INTEGRATION: service,
    }
