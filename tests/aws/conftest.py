"""A new DynamoDB for each test."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.aws.tables import empty_tables


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with empty_tables() as client:
        yield client
