"""The wiring passes the size limits of API Gateway to the use cases, and opens no connection before a snapshot."""

from collections.abc import Iterator

import pytest

from authorizers.policy_document import MAX_RESULT_BYTES, check_size, max_result_bytes
from chalicelib import wiring
from chalicelib.core.errors import InvalidInput
from tests.fakes import allow, statements
from tests.rewired import fresh_wiring

SETTINGS = {
    "POLICY_TABLE": "PolicyTable",
    "STATE_TABLE": "StateTable",
    "AUDIT_TABLE": "AuditTable",
    "AWS_DEFAULT_REGION": "mars-west-1",
}


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


def test_the_size_check_of_a_stage_with_an_upstream_counts_what_the_authorizer_adds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    largest = next(
        rules
        for number in range(60, 1, -1)
        if max_result_bytes(rules := statements(allow(*(f"/{it:03}" for it in range(number))))) <= MAX_RESULT_BYTES
    )
    wiring.administer().check_size(largest)
    monkeypatch.setenv("UPSTREAM_URL", "https://backend.example.com")
    with fresh_wiring():
        for check in (wiring.administer().check_size, wiring.preview().check_size):
            with pytest.raises(InvalidInput, match="more than the limit of 8192"):
                check(largest)


def test_a_snapshot_contains_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wiring._can_connect()
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    assert not wiring._can_connect()
