"""The guarantee: every request that starts after an acknowledged change is decided on the new state."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e import logs
from tests.e2e.clients import Api, UserGroup
from tests.e2e.cloud import Cloud, wait_for
from tests.fakes import allow

READ = [allow("/whoami", sid="read")]


def stale_responses(user_group: UserGroup, url: str, changes: int) -> list[str]:
    """Grants and revokes a permission in turn. Sends a request after each change, and returns the stale responses."""
    api = Api(url)  # each thread needs its own connections
    stale = []
    for change in range(changes):
        expected = 403 if change % 2 else 200
        written = api.ask("PUT", user_group.policy_path, user_group.admin, {"statements": [] if change % 2 else READ})
        assert written.status == 200
        answered = api.ask("GET", "/whoami", user_group.token).status
        if answered != expected:
            stale.append(f"change {change}: got {answered}, expected {expected}")
    return stale


@pytest.fixture
def disabled_stream_handler(cloud: Cloud) -> Iterator[None]:
    """Disables the stream handler, which would repair an incomplete write."""
    functions = cloud.local_cloud.client("lambda")
    (mapping,) = functions.list_event_source_mappings()["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    yield
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


@pytest.mark.usefixtures("disabled_stream_handler")
def test_the_next_request_sees_each_of_thirty_consecutive_changes(user_group: UserGroup, api: Api) -> None:
    assert stale_responses(user_group, api.url, changes=30) == []


@pytest.mark.usefixtures("disabled_stream_handler")
def test_the_next_request_sees_each_change_of_four_concurrent_threads(
    new_user_group: Callable[[], UserGroup], api: Api
) -> None:
    user_groups = [new_user_group() for _ in range(4)]

    with ThreadPoolExecutor(len(user_groups)) as threads:
        stale = list(threads.map(lambda user_group: stale_responses(user_group, api.url, changes=8), user_groups))

    assert stale == [[], [], [], []]


@pytest.fixture
def table(cloud: Cloud, outputs: dict[str, Any]) -> Table:
    return Table(cloud.local_cloud.client("dynamodb"), outputs["tables"]["policies"], outputs["tables"]["state"])


class Table:
    """Edits the tables directly, without the writer's protocol."""

    def __init__(self, dynamodb: Any, policies: str, state: str) -> None:
        self._dynamodb, self._policies, self._state = dynamodb, policies, state

    def edit(self, subject: str, statements: list[dict[str, Any]]) -> None:
        self._dynamodb.update_item(
            TableName=self._policies,
            Key={"subject": {"S": subject}},
            UpdateExpression="SET statements = :s",
            ExpressionAttributeValues={":s": {"S": json.dumps(statements)}},
        )

    def generation(self) -> int:
        item = self._dynamodb.get_item(TableName=self._state, Key={"id": {"S": "generation"}}, ConsistentRead=True)
        return int(item["Item"]["n"]["N"])


def audit_lines(cloud: Cloud, subject: str) -> list[dict[str, Any]]:
    return [line for line in logs.lines(cloud.local_cloud, "policy_changed") if line.get("subject") == subject]


def test_a_change_by_another_tool_becomes_effective_through_the_stream(
    cloud: Cloud, user_group: UserGroup, table: Table
) -> None:
    user_group.write(READ)
    # The stream is ordered. After this change has arrived, only the edit can increment the generation.
    wait_for(lambda: audit_lines(cloud, user_group.subject), "the audit line of the first write")
    before = table.generation()
    # The policy is now cached under this generation, so that the edit is effective only after the next one.
    assert user_group.api.ask("GET", "/whoami", user_group.token).status == 200

    table.edit(user_group.subject, [])

    wait_for(lambda: user_group.api.ask("GET", "/whoami", user_group.token).status == 403, "the edit is effective")
    assert table.generation() > before


def test_every_change_writes_a_line_to_the_audit_log(cloud: Cloud, user_group: UserGroup) -> None:
    first, second = user_group.write(READ).body, user_group.write([]).body

    def both() -> list[dict[str, Any]] | None:
        found = audit_lines(cloud, user_group.subject)
        return found if len(found) == 2 else None

    created, changed = wait_for(both, "two lines in the audit log")
    assert (created["event"], int(created["to_version"])) == ("INSERT", first["version"])
    assert (changed["event"], int(changed["from_version"]), int(changed["to_version"])) == (
        "MODIFY",
        first["version"],
        second["version"],
    )
    assert [line["updated_by"] for line in (created, changed)] == [second["updated_by"]] * 2
