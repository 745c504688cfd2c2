"""The type of the function that returns AWS clients, and the difference between AWS and a simulated account."""

from collections.abc import Callable
from typing import Any

Client = Callable[[str], Any]  # service → boto3 client


def simulated_keys(client: Client, pool_id: str) -> dict[str, str]:
    """Returns the JWKS URL of a simulated user pool, which is not below its issuer. Returns nothing on AWS."""
    endpoint: str = client("cognito-idp").meta.endpoint_url
    if ".amazonaws." in endpoint or endpoint.endswith(".api.aws"):
        return {}
    return {"JwksUrl": f"{endpoint}/{pool_id}/.well-known/jwks.json"}
