"""A key that DynamoDB left unread is not a key that is absent."""

from typing import Any

import pytest

from chalicelib.aws.authorization_state import StateTable
from chalicelib.aws.dynamodb import batch_get
from chalicelib.aws.policies import PolicyTable
from chalicelib.core.errors import CannotDecide
from chalicelib.core.policy_json import to_json
from tests.fakes import allow, principal, statements


class Throttled:
    """A DynamoDB client that reads at most so many keys of a batch; `asked` are the batches it was given."""

    def __init__(self, items: dict[str, dict[str, Any]], *capacities: int) -> None:
        self._items = items
        self._capacities = list(capacities)
        self.asked: list[list[str]] = []

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


def test_what_is_read_at_once_is_asked_for_once():
    client = Throttled(ITEMS, 4)
    assert names(batch_get(client, "table", KEYS)) == ["a", "b", "c"]
    assert client.asked == [["a", "b", "c", "absent"]]


def test_keys_that_were_left_are_asked_for_again_and_only_they():
    client = Throttled(ITEMS, 2, 1, 1)
    assert names(batch_get(client, "table", KEYS)) == ["a", "b", "c"]
    assert client.asked == [["a", "b", "c", "absent"], ["c", "absent"], ["absent"]]


@pytest.mark.parametrize("capacities", [(0, 0, 0), (2, 1, 0), (3, 0, 0)], ids=["none read", "some", "all that exist"])
def test_keys_that_are_left_after_three_attempts_cannot_be_decided_on(capacities):
    client = Throttled(ITEMS, *capacities)
    with pytest.raises(CannotDecide) as failed:
        batch_get(client, "table", KEYS)
    assert failed.value.code == "table_throttled"
    assert len(client.asked) == 3


def test_no_keys_are_no_request():
    client = Throttled(ITEMS)
    assert batch_get(client, "table", []) == []
    assert client.asked == []


def test_more_than_a_hundred_keys_are_asked_for_in_batches():
    keys = [{"id": {"S": f"key{number}"}} for number in range(201)]
    client = Throttled({"key200": {"id": {"S": "key200"}}}, 100, 100, 100)
    assert names(batch_get(client, "table", keys)) == ["key200"]
    assert [len(batch) for batch in client.asked] == [100, 100, 1]


STATE_ITEMS = {"generation": {"id": {"S": "generation"}, "n": {"N": "7"}}}


def test_a_guard_that_is_read_in_two_attempts_is_read():
    client = Throttled(STATE_ITEMS, 1, 3)
    assert StateTable(client, "state").read(principal()).generation == 7


def test_a_guard_whose_generation_was_read_but_not_its_revocations_decides_nothing():
    client = Throttled(STATE_ITEMS, 1, 0, 0)
    with pytest.raises(CannotDecide):
        StateTable(client, "state").read(principal())


def test_the_guard_is_asked_for_everything_that_could_refuse_the_token():
    client = Throttled(STATE_ITEMS, 4)
    clerk = principal()
    StateTable(client, "state").read(clerk)
    expected = {"generation", f"revoked:sub:{clerk.subject}", f"revoked:client:{clerk.client_id}"}
    assert set(client.asked[0]) == expected | {f"revoked:session:{clerk.session}"}


def test_policies_of_which_one_was_left_unread_are_no_policies():
    item = {
        "subject": {"S": "group:clerks"},
        "version": {"N": "1"},
        "statements": {"S": to_json(statements(allow("/reports")))},
        "updated_by": {"S": "admin"},
        "updated_at": {"S": "2027-01-15T08:00:00+00:00"},
    }
    client = Throttled({"group:clerks": item}, 1, 0, 0)
    with pytest.raises(CannotDecide):
        PolicyTable(client, "policies").read(["group:clerks", "group:the-denied"])
