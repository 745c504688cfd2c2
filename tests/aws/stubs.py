"""AWS clients with prepared responses. Their requests are checked against AWS's models."""

from typing import Any, Literal

import boto3
from botocore.stub import Stubber


def stubbed(service: Literal["apigateway", "cognito-idp", "dynamodb"]) -> tuple[Any, Stubber]:
    """Returns a client without a network and the stubber for its responses."""
    client: Any = boto3.client(service, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    stubber = Stubber(client)
    stubber.activate()
    return client, stubber
