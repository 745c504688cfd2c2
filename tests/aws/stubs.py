"""AWS clients whose answers are written down beforehand, and whose requests are checked against AWS's own models."""

from typing import Any

import boto3
from botocore.stub import Stubber


def stubbed(service: str) -> tuple[Any, Stubber]:
    """A client that reaches nothing, and the one who writes its answers."""
    client = boto3.client(service, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    stubber = Stubber(client)
    stubber.activate()
    return client, stubber
