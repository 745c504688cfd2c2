"""Reads the application's template, `.chalice/package.json`, for one stage.

`chalice package` merges this template into its own. It is the only definition of roles, environments and gateway
responses, so a deployment with `chalice deploy` reads them from it too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.errors import Refused
from infra.stage import Stage
from infra.templates import read_json, resolve

_TEMPLATE = ".chalice/package.json"
_STREAM_EVENT = "PolicyChangedDynamodbEventSource"
# Chalice imports app.py with the variables of the API. The authorizers and the stream handler are built from these.
_IMPORT_VARIABLES = {
    "USER_POOL_ARN": "UserPoolArn",
    "POLICY_STREAM_ARN": "PolicyStreamArn",
    "RESOURCE_SERVER": "ResourceServerIdentifier",
    "AUTHORIZER_CACHE_SECONDS": "AuthorizerCacheSeconds",
}


@dataclass(frozen=True)
class Function:
    """One Lambda function. `name` is its name in Chalice."""

    name: str
    role: str
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Application:
    """The expected application of one stage.

    stream             the ARN of the policy table's stream
    stream_settings    arguments of UpdateEventSourceMapping for the stream handler
    gateway_responses  response type → arguments of PutGatewayResponse
    """

    functions: tuple[Function, ...]
    stream: str
    stream_settings: Mapping[str, Any]
    authorizer_cache_seconds: int
    gateway_responses: Mapping[str, Mapping[str, Any]]


def read_application(project: Path, stage: Stage, outputs: Mapping[str, str], api_id: str | None) -> Application:
    """Resolves the template for a stage.

    outputs  of the identity stack
    api_id   the REST API; variables that refer to it are left out until it exists

    Raises:  Refused if a parameter has no value
    """
    template = read_json(project, _TEMPLATE)
    values = {
        **{name: str(item["Default"]) for name, item in template["Parameters"].items() if "Default" in item},
        **outputs,
        **stage.application,
        "AppName": stage.app,
        "Stage": stage.name,
        **({"RestAPI": api_id} if api_id else {}),
    }
    try:
        return _resolved(template["Resources"], stage, values)
    except KeyError as error:
        raise Refused(
            f"{_TEMPLATE}: {error.args[0]}: this parameter has no value. Give it a default, or add an output of the"
            " same name to infra/identity.yaml."
        ) from error


def function_names(project: Path, stage: Stage) -> list[str]:
    """Returns the deployed names of all functions."""
    resources, names = read_json(project, _TEMPLATE)["Resources"], {"AppName": stage.app, "Stage": stage.name}
    named = [resource["Properties"].get("FunctionName") for resource in resources.values()]
    return [resolve(name, names) for name in named if name]


def _resolved(resources: Mapping[str, Any], stage: Stage, values: Mapping[str, str]) -> Application:
    properties = {name: resource["Properties"] for name, resource in resources.items()}
    definition = properties["RestAPI"]["DefinitionBody"]
    return Application(
        functions=tuple(_function(item, stage, values) for item in properties.values() if "FunctionName" in item),
        stream=values["PolicyStreamArn"],
        stream_settings=_stream_settings(properties["PolicyChanged"]["Events"][_STREAM_EVENT]["Properties"], values),
        authorizer_cache_seconds=int(values["AuthorizerCacheSeconds"]),
        gateway_responses=gateway_responses(definition),
    )


def _function(properties: Mapping[str, Any], stage: Stage, values: Mapping[str, str]) -> Function:
    deployed = resolve(properties["FunctionName"], values)
    name = deployed.removeprefix(stage.function("api_handler")).lstrip("-") or "api_handler"
    variables = {
        variable: value
        for variable, value in properties["Environment"]["Variables"].items()
        if value != {"Ref": "RestAPI"} or "RestAPI" in values
    }
    environment = resolve(variables, values)
    if name == "api_handler":
        environment |= {variable: values[source] for variable, source in _IMPORT_VARIABLES.items()}
    return Function(name, resolve(properties["Role"], values), environment)


def _stream_settings(properties: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    settings = dict(properties)
    target = resolve(settings.pop("DestinationConfig")["OnFailure"]["Destination"], values)
    renamed = {"BisectBatchOnFunctionError": settings.pop("BisectBatchOnFunctionError")}
    return {**settings, **renamed, "DestinationConfig": {"OnFailure": {"Destination": target}}}


def gateway_responses(definition: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns the gateway responses of an API's definition: response type → arguments of PutGatewayResponse."""
    return {
        kind: {
            **({"statusCode": str(response["statusCode"])} if "statusCode" in response else {}),
            "responseParameters": response["responseParameters"],
            "responseTemplates": response["responseTemplates"],
        }
        for kind, response in definition["x-amazon-apigateway-gateway-responses"].items()
    }
