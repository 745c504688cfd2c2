"""Corrupt data causes 500: the request is not admitted, and the response is not a denial."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e import logs
from tests.e2e.clients import Answer, Api, UserGroup
from tests.e2e.cloud import Cloud, wait_for
from tests.fakes import allow

UNDECIDED = Answer(500, {"message": "the request could not be decided", "code": "cannot_decide"})
READ = allow("/whoami", sid="read")
WHOLE = {
    "version": {"N": "1"},
    "statements": {"S": json.dumps([READ])},
    "updated_by": {"S": "a tool"},
    "updated_at": {"S": "2026-11-22T12:00:00+00:00"},
}


@pytest.fixture
def dynamodb(cloud: Cloud) -> Any:
    return cloud.local_cloud.client("dynamodb")


@pytest.fixture
def put_corrupt_policy(
    dynamodb: Any, outputs: dict[str, Any], new_user_group: Callable[..., UserGroup]
) -> Iterator[Callable[..., None]]:
    """Puts an item into the table that the writer would refuse. Deletes it afterwards."""
    table, damaged = {"TableName": outputs["tables"]["policies"]}, []

    def put(user_group: UserGroup, **fields: Any) -> None:
        key = {"subject": {"S": user_group.subject}}
        damaged.append(key)
        dynamodb.put_item(**table, Item=key | {name: value for name, value in (WHOLE | fields).items() if value})

    yield put
    for key in damaged:
        dynamodb.delete_item(**table, Key=key)


NONSENSE = {"statements": {"S": "nonsense"}}


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"statements": {"S": '[{"sid": "read", "effe'}}, id="truncated"),
        pytest.param({"statements": {"S": json.dumps([READ, {"effect": "Forbid"}])}}, id="an unknown statement"),
        pytest.param({"statements": {"L": []}}, id="statements of another type"),
        pytest.param({"statements": None}, id="no statements"),
        pytest.param({"version": None}, id="no version"),
    ],
)
def test_a_member_of_a_group_with_a_corrupt_policy_is_refused_even_if_another_group_allows(
    new_user_group: Callable[..., UserGroup], put_corrupt_policy: Callable[..., None], fields: dict[str, Any]
) -> None:
    user_group = new_user_group("readers")

    put_corrupt_policy(user_group, **fields)

    assert user_group.api.ask("GET", "/whoami", user_group.token) == UNDECIDED


def test_a_write_repairs_a_corrupt_policy(user_group: UserGroup, put_corrupt_policy: Callable[..., None]) -> None:
    put_corrupt_policy(user_group, **NONSENSE)
    assert user_group.api.ask("GET", "/whoami", user_group.token) == UNDECIDED

    assert user_group.write([READ]).status == 200

    assert user_group.api.ask("GET", "/whoami", user_group.token).status == 200


def test_a_corrupt_policy_can_be_deleted(user_group: UserGroup, put_corrupt_policy: Callable[..., None]) -> None:
    put_corrupt_policy(user_group, **NONSENSE)

    assert user_group.api.ask("DELETE", user_group.policy_path, user_group.admin) == Answer(204)

    assert user_group.api.ask("GET", "/whoami", user_group.token).status == 403


def test_a_corrupt_policy_does_not_affect_other_groups(
    user_group: UserGroup, put_corrupt_policy: Callable[..., None], reader: str
) -> None:
    put_corrupt_policy(user_group, **NONSENSE)

    assert user_group.api.ask("GET", "/whoami", reader).status == 200


def reasons(cloud: Cloud) -> list[str]:
    return [
        line["code"] for line in logs.lines(cloud.local_cloud, "policy_authorizer") if line.get("decision") == "failed"
    ]


@pytest.fixture
def lost_generation(
    cloud: Cloud, user_group: UserGroup, dynamodb: Any, outputs: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Deletes the generation, and returns the arguments that restore it."""
    # The stream handler would create the generation again. Therefore it processes all earlier changes first.
    user_group.write([READ])
    wait_for(
        lambda: any(
            line.get("subject") == user_group.subject for line in logs.lines(cloud.local_cloud, "policy_changed")
        ),
        "the stream handler has processed the change",
    )
    table, key = {"TableName": outputs["tables"]["state"]}, {"id": {"S": "generation"}}
    put_back = {**table, "Item": dynamodb.get_item(**table, Key=key, ConsistentRead=True)["Item"]}
    dynamodb.delete_item(**table, Key=key)
    yield put_back
    dynamodb.put_item(**put_back)


@pytest.mark.usefixtures("lost_generation")
def test_without_a_generation_every_caller_is_refused_even_with_a_cached_policy(
    cloud: Cloud, api: Api, reader: str, admin: str, machine: str
) -> None:
    before = len(reasons(cloud))

    answers = [api.ask("GET", "/whoami", token) for token in (reader, admin, machine)]

    assert answers == [UNDECIDED] * 3
    assert wait_for(lambda: reasons(cloud)[before:], "the reason is in the log")[0] == "state_empty"


@pytest.mark.usefixtures("lost_generation")
def test_without_a_generation_an_invalid_token_is_still_refused_with_401(api: Api) -> None:
    assert api.ask("GET", "/whoami", "not.a.token").status == 401


def test_a_caller_is_admitted_after_the_generation_is_restored(
    api: Api, reader: str, dynamodb: Any, lost_generation: dict[str, Any]
) -> None:
    assert api.ask("GET", "/whoami", reader) == UNDECIDED

    dynamodb.put_item(**lost_generation)

    assert api.ask("GET", "/whoami", reader).status == 200
