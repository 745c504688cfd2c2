"""The type of the function that returns AWS clients, and the difference between AWS and a simulated account."""

from collections.abc import Callable
from typing import Any

Client = Callable[[str], Any]  # service → boto3 client


def simulated_api(client: Client, api_id: str, stage: str) -> str:
    """Returns the URL of an API of a simulated account. Returns an empty text on AWS."""
    endpoint = client("apigateway").meta.endpoint_url
    return "" if _is_aws(endpoint) else f"{endpoint}/_aws/execute-api/{api_id}/{stage}"


def simulated_keys(client: Client, pool_id: str) -> dict[str, str]:
    """Returns the JWKS URL of a simulated user pool, which is not below its issuer. Returns nothing on AWS."""
    endpoint: str = client("cognito-idp").meta.endpoint_url
    if _is_aws(endpoint):
        return {}
    return {"JwksUrl": f"{endpoint}/{pool_id}/.well-known/jwks.json"}


def _is_aws(endpoint: str) -> bool:
    return ".amazonaws." in endpoint or endpoint.endswith(".api.aws")
