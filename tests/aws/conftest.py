"""A new DynamoDB for each test."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.aws.loopback import dynamodb_over_http
from tests.aws.readers import CREDENTIALS
from tests.aws.tables import empty_tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with empty_tables() as client:
        yield client


@pytest.fixture
def dynamodb_url(dynamodb: "DynamoDBClient") -> Iterator[str]:
    """The address of the same DynamoDB, for a reader with the credentials of the tests."""
    with dynamodb_over_http(CREDENTIALS.access_key_id, CREDENTIALS.secret_access_key) as url:
        yield url
