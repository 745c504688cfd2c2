"""Discovers the deployed resources of a stage and rebuilds Chalice's state from them."""

from collections.abc import Callable, Container, Mapping
from typing import Any

from infra.stage import Stage

STREAM_HANDLER = "policy_changed"
MAPPING = f"{STREAM_HANDLER}-dynamodb-event-source"  # the name in Chalice's state

Client = Callable[[str], Any]


def simulated_keys(client: Client, pool_id: str) -> dict[str, str]:
    """Returns the JWKS URL of a simulated user pool, which is not below its issuer. Returns nothing on AWS."""
    endpoint: str = client("cognito-idp").meta.endpoint_url
    if ".amazonaws." in endpoint or endpoint.endswith(".api.aws"):
        return {}
    return {"JwksUrl": f"{endpoint}/{pool_id}/.well-known/jwks.json"}


def apis(stage: Stage, client: Client) -> list[str]:
    """Returns the REST APIs that call this stage's authorizer. The APIs of all stages have the same name."""
    gateway = client("apigateway")
    called = f":function:{stage.function('policy_authorizer')}/invocations"

    def is_ours(api_id: str) -> bool:
        authorizers = gateway.get_authorizers(restApiId=api_id)["items"]
        return any(item.get("authorizerUri", "").endswith(called) for item in authorizers)

    pages = gateway.get_paginator("get_rest_apis").paginate()
    named = [api["id"] for page in pages for api in page["items"] if api.get("name") == stage.app]
    return [api_id for api_id in named if is_ours(api_id)]


def functions(stage: Stage, client: Client) -> dict[str, str]:
    """Returns the functions that Chalice deployed for this stage: their names in Chalice's state, and their ARNs."""
    service, whole = client("lambda"), stage.function("api_handler")
    pages = service.get_paginator("list_functions").paginate()
    listed = {item["FunctionName"]: item["FunctionArn"] for page in pages for item in page["Functions"]}
    # Functions of another application can have the same prefix. Chalice's tag names the application and the stage.
    tag = f":stage={stage.name}:app={stage.app}"
    return {
        "api_handler" if name == whole else name.removeprefix(f"{whole}-"): arn
        for name, arn in sorted(listed.items())
        if (name == whole or name.startswith(f"{whole}-"))
        and service.list_tags(Resource=arn)["Tags"].get("aws-chalice", "").endswith(tag)
    }


def mappings(stage: Stage, client: Client) -> list[dict[str, Any]]:
    """Returns the event source mappings of the stream handler."""
    service = client("lambda")
    try:
        pages = list(
            service.get_paginator("list_event_source_mappings").paginate(FunctionName=stage.function(STREAM_HANDLER))
        )
    except service.exceptions.ResourceNotFoundException:
        return []  # the function does not exist
    return [item for page in pages for item in page["EventSourceMappings"] if item["State"] != "Deleting"]


def deployed(stage: Stage, client: Client, api_id: str | None) -> dict[str, Any] | None:
    """Builds the state that Chalice would have written for the deployed resources. Returns None if there are none."""
    arns = functions(stage, client)
    resources: list[dict[str, Any]] = [
        {"name": name, "resource_type": "lambda_function", "lambda_arn": arn} for name, arn in arns.items()
    ]
    if STREAM_HANDLER in arns:
        resources += [mapping_resource(item) for item in mappings(stage, client)[:1]]
    if api_id:
        url = api_url(stage, api_id)
        resources.append({"name": "rest_api", "resource_type": "rest_api", "rest_api_id": api_id, "rest_api_url": url})
    return {"resources": resources, "schema_version": "2.0", "backend": "api"} if resources else None


def only_existing(stage: Stage, client: Client, state: Mapping[str, Any]) -> dict[str, Any]:
    """Returns Chalice's state without resources that no longer exist. Chalice cannot delete them a second time."""
    existing: dict[str, tuple[str, Container[str]]] = {
        "lambda_function": ("name", functions(stage, client)),
        "dynamodb_event": ("event_uuid", [item["UUID"] for item in mappings(stage, client)]),
        "rest_api": ("rest_api_id", apis(stage, client)),
    }

    def exists(item: Mapping[str, Any]) -> bool:
        field, present = existing.get(item["resource_type"], ("name", [item["name"]]))
        return item[field] in present

    return {**state, "resources": [item for item in state["resources"] if exists(item)]}


def api_url(stage: Stage, api_id: str) -> str:
    suffix = "amazonaws.com.cn" if stage.region.startswith("cn-") else "amazonaws.com"
    return f"https://{api_id}.execute-api.{stage.region}.{suffix}/{stage.name}/"


def mapping_resource(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an event source mapping in the form of Chalice's state."""
    return {
        "name": MAPPING,
        "resource_type": "dynamodb_event",
        "stream_arn": mapping["EventSourceArn"],
        "event_uuid": mapping["UUID"],
        "lambda_arn": mapping["FunctionArn"],
    }


def rest_api_id(state: Mapping[str, Any] | None) -> str | None:
    """Returns the id of the REST API in Chalice's state."""
    resources = (state or {}).get("resources", [])
    return next((item["rest_api_id"] for item in resources if item["resource_type"] == "rest_api"), None)
