"""A key that DynamoDB did not process is read again. It is not treated as a missing item."""

from typing import TYPE_CHECKING, Any, cast

import pytest

from chalicelib.aws.authorization_state import StateTable
from chalicelib.aws.items import batch_get
from chalicelib.aws.policies import PolicyTable
from chalicelib.core.errors import CannotDecide
from chalicelib.core.policy_json import to_json
from tests.fakes import allow, principal, statements

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Throttled:
    """A DynamoDB client that reads a limited number of keys of a batch. `asked` are the requested batches."""

    def __init__(self, items: dict[str, dict[str, Any]], *capacities: int) -> None:
        self._items = items
        self._capacities = list(capacities)
        self.asked: list[list[str]] = []

    @property
    def client(self) -> "DynamoDBClient":
        return cast("DynamoDBClient", self)

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:
        ((table, request),) = RequestItems.items()
        assert request["ConsistentRead"] is True
        names = [next(iter(key.values()))["S"] for key in request["Keys"]]
        self.asked.append(names)
        capacity = self._capacities.pop(0) if self._capacities else 0
        left = request["Keys"][capacity:]
        return {
            "Responses": {table: [self._items[name] for name in names[:capacity] if name in self._items]},
            "UnprocessedKeys": {table: {"Keys": left, "ConsistentRead": True}} if left else {},
        }


ITEMS = {name: {"id": {"S": name}} for name in ("a", "b", "c")}
KEYS = [{"id": {"S": name}} for name in ("a", "b", "c", "absent")]


def names(items: list[Any]) -> list[str]:
    return sorted(item["id"]["S"] for item in items)


def test_a_complete_batch_needs_one_request() -> None:
    throttled = Throttled(ITEMS, 4)
    assert names(batch_get(throttled.client, "table", KEYS)) == ["a", "b", "c"]
    assert throttled.asked == [["a", "b", "c", "absent"]]


def test_only_unprocessed_keys_are_requested_again() -> None:
    throttled = Throttled(ITEMS, 2, 1, 1)
    assert names(batch_get(throttled.client, "table", KEYS)) == ["a", "b", "c"]
    assert throttled.asked == [["a", "b", "c", "absent"], ["c", "absent"], ["absent"]]


@pytest.mark.parametrize(
    "capacities",
    [(0, 0, 0), (2, 1, 0), (3, 0, 0)],
    ids=["no key processed", "some keys processed", "every existing key processed"],
)
def test_keys_that_are_unprocessed_after_three_attempts_raise_an_error(capacities: tuple[int, int, int]) -> None:
    throttled = Throttled(ITEMS, *capacities)
    with pytest.raises(CannotDecide) as failed:
        batch_get(throttled.client, "table", KEYS)
    assert failed.value.code == "table_throttled"
    assert len(throttled.asked) == 3


def test_no_keys_need_no_request() -> None:
    throttled = Throttled(ITEMS)
    assert batch_get(throttled.client, "table", []) == []
    assert throttled.asked == []


def test_more_than_100_keys_are_requested_in_batches() -> None:
    keys = [{"id": {"S": f"key{number}"}} for number in range(201)]
    throttled = Throttled({"key200": {"id": {"S": "key200"}}}, 100, 100, 100)
    assert names(batch_get(throttled.client, "table", keys)) == ["key200"]
    assert [len(batch) for batch in throttled.asked] == [100, 100, 1]


STATE_ITEMS = {"generation": {"id": {"S": "generation"}, "n": {"N": "7"}}}


def test_a_state_read_in_two_attempts_contains_the_generation() -> None:
    throttled = Throttled(STATE_ITEMS, 1, 3)
    assert StateTable(throttled.client, "state").read(principal()).generation == 7


def test_a_state_with_unprocessed_revocations_raises_cannot_decide() -> None:
    throttled = Throttled(STATE_ITEMS, 1, 0, 0)
    with pytest.raises(CannotDecide):
        StateTable(throttled.client, "state").read(principal())


def test_the_state_read_requests_every_revocation_of_the_token() -> None:
    throttled = Throttled(STATE_ITEMS, 4)
    clerk = principal()
    StateTable(throttled.client, "state").read(clerk)
    expected = {"generation", f"revoked:sub:{clerk.subject}", f"revoked:client:{clerk.client_id}"}
    assert set(throttled.asked[0]) == expected | {f"revoked:session:{clerk.session}"}


def test_an_unprocessed_policy_fails_the_whole_read() -> None:
    item = {
        "subject": {"S": "group:clerks"},
        "version": {"N": "1"},
        "statements": {"S": to_json(statements(allow("/reports")))},
        "updated_by": {"S": "admin"},
        "updated_at": {"S": "2027-01-15T08:00:00+00:00"},
    }
    throttled = Throttled({"group:clerks": item}, 1, 0, 0)
    with pytest.raises(CannotDecide):
        PolicyTable(throttled.client, "policies").read(["group:clerks", "group:the-denied"])
