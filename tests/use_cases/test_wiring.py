"""The wiring passes the size limits of API Gateway to the use cases and to the tables."""

from collections.abc import Iterator

import pytest

from authorizers.policy_document import check_size
from chalicelib import wiring
from chalicelib.core.errors import InvalidInput
from tests.fakes import allow, statements
from tests.rewired import fresh_wiring

SETTINGS = {"POLICY_TABLE": "PolicyTable", "STATE_TABLE": "StateTable", "AWS_DEFAULT_REGION": "mars-west-1"}


@pytest.fixture(autouse=True)
def isolated_wiring(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    with fresh_wiring():
        yield


def test_a_policy_that_is_too_large_is_refused_without_a_request_to_dynamodb() -> None:
    too_large = statements(allow(*(f"/{number:03}" for number in range(200))))
    with pytest.raises(InvalidInput, match="more than the limit of 8192"):
        wiring.administer().put_policy("group:clerks", too_large, "admin")


def test_the_use_case_and_the_policy_table_use_the_same_size_check() -> None:
    assert wiring.administer().check_size is check_size
