"""A new DynamoDB for each test."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.aws.tables import empty_tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with empty_tables() as client:
        yield client
