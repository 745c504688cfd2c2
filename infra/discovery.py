"""What there is of a stage, found without Chalice's memory, and that memory made anew from it."""

from collections.abc import Callable, Container, Mapping
from typing import Any

from infra.stage import Stage

STREAM_HANDLER = "policy_changed"
MAPPING = f"{STREAM_HANDLER}-dynamodb-event-source"  # Chalice's name for it

Client = Callable[[str], Any]


def simulated_keys(client: Client, pool_id: str) -> dict[str, str]:
    """Where a simulated user pool has its keys, which is not where its issuer says; nothing on AWS."""
    endpoint: str = client("cognito-idp").meta.endpoint_url
    if ".amazonaws." in endpoint or endpoint.endswith(".api.aws"):
        return {}
    return {"JwksUrl": f"{endpoint}/{pool_id}/.well-known/jwks.json"}


def apis(stage: Stage, client: Client) -> list[str]:
    """The REST APIs that ask this stage's authorizer: all stages' APIs have one name."""
    gateway = client("apigateway")
    asked = f":function:{stage.function('policy_authorizer')}/invocations"

    def is_ours(api_id: str) -> bool:
        authorizers = gateway.get_authorizers(restApiId=api_id)["items"]
        return any(item.get("authorizerUri", "").endswith(asked) for item in authorizers)

    pages = gateway.get_paginator("get_rest_apis").paginate()
    named = [api["id"] for page in pages for api in page["items"] if api.get("name") == stage.app]
    return [api_id for api_id in named if is_ours(api_id)]


def functions(stage: Stage, client: Client) -> dict[str, str]:
    """The Lambdas that Chalice has deployed for this stage, by the name that it knows them by, and their ARNs."""
    service, whole = client("lambda"), stage.function("api_handler")
    pages = service.get_paginator("list_functions").paginate()
    listed = {item["FunctionName"]: item["FunctionArn"] for page in pages for item in page["Functions"]}
    # A name may begin like ours and be another application's; Chalice's tag says whose it is.
    mark = f":stage={stage.name}:app={stage.app}"
    return {
        "api_handler" if name == whole else name.removeprefix(f"{whole}-"): arn
        for name, arn in sorted(listed.items())
        if (name == whole or name.startswith(f"{whole}-"))
        and service.list_tags(Resource=arn)["Tags"].get("aws-chalice", "").endswith(mark)
    }


def mappings(stage: Stage, client: Client) -> list[dict[str, Any]]:
    """What the stream handler listens to."""
    service = client("lambda")
    try:
        pages = list(
            service.get_paginator("list_event_source_mappings").paginate(FunctionName=stage.function(STREAM_HANDLER))
        )
    except service.exceptions.ResourceNotFoundException:
        return []  # there is no such function
    return [item for page in pages for item in page["EventSourceMappings"] if item["State"] != "Deleting"]


def deployed(stage: Stage, client: Client, api_id: str | None) -> dict[str, Any] | None:
    """Chalice's memory as it would be had it deployed what there is; None if there is nothing."""
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


def still_there(stage: Stage, client: Client, memory: Mapping[str, Any]) -> dict[str, Any]:
    """Chalice's memory without what is gone, which Chalice could not delete a second time."""
    there: dict[str, tuple[str, Container[str]]] = {
        "lambda_function": ("name", functions(stage, client)),
        "dynamodb_event": ("event_uuid", [item["UUID"] for item in mappings(stage, client)]),
        "rest_api": ("rest_api_id", apis(stage, client)),
    }

    def is_there(item: Mapping[str, Any]) -> bool:
        field, present = there.get(item["resource_type"], ("name", [item["name"]]))
        return item[field] in present

    return {**memory, "resources": [item for item in memory["resources"] if is_there(item)]}


def api_url(stage: Stage, api_id: str) -> str:
    suffix = "amazonaws.com.cn" if stage.region.startswith("cn-") else "amazonaws.com"
    return f"https://{api_id}.execute-api.{stage.region}.{suffix}/{stage.name}/"


def mapping_resource(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """An event source mapping as Chalice remembers it."""
    return {
        "name": MAPPING,
        "resource_type": "dynamodb_event",
        "stream_arn": mapping["EventSourceArn"],
        "event_uuid": mapping["UUID"],
        "lambda_arn": mapping["FunctionArn"],
    }


def rest_api_id(memory: Mapping[str, Any] | None) -> str | None:
    """The REST API in Chalice's memory."""
    resources = (memory or {}).get("resources", [])
    return next((item["rest_api_id"] for item in resources if item["resource_type"] == "rest_api"), None)
