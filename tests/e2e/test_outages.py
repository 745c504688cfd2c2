"""A missing, slow or failing dependency of a decision never admits a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.configured import function
from tests.e2e.clients import Api, UserGroup
from tests.e2e.cloud import Cloud, settings_changed, wait_for
from tests.e2e.proxy import Behavior, Proxy, broken, forward, incomplete, proxy_to, throttled
from tests.fakes import allow
from tests.ports import free_port

AUTHORIZER, STREAM_HANDLER = function("local", "policy_authorizer"), function("local", "policy_changed")


@pytest.fixture(scope="module")
def proxy(cloud: Cloud) -> Iterator[Proxy]:
    """A proxy between the authorizer and DynamoDB."""
    with (
        proxy_to(cloud.local_cloud.url) as proxy,
        settings_changed(cloud, AUTHORIZER, AWS_ENDPOINT_URL_DYNAMODB=proxy.url),
    ):
        yield proxy


@pytest.fixture
def reading_group(user_group: UserGroup) -> UserGroup:
    assert user_group.write([allow("/whoami")]).status == 200
    return user_group


@pytest.mark.parametrize("behavior", [throttled, broken, incomplete], ids=lambda behavior: str(behavior.__name__))
def test_a_failing_table_causes_errors_and_no_decisions(
    proxy: Proxy, reading_group: UserGroup, behavior: Behavior, api: Api
) -> None:
    assert api.ask("GET", "/whoami", reading_group.token).status == 200
    proxy.behavior = behavior
    try:
        failed = api.ask("GET", "/whoami", reading_group.token)
    finally:
        proxy.behavior = forward
    assert (failed.status, failed.body["code"]) == (500, "cannot_decide")
    assert api.ask("GET", "/whoami", reading_group.token).status == 200, "the failure is not cached"


def test_a_table_that_does_not_respond_causes_an_error(proxy: Proxy, reading_group: UserGroup, api: Api) -> None:
    assert api.ask("GET", "/whoami", reading_group.token).status == 200
    proxy.behavior = proxy.blocked
    try:
        assert api.ask("GET", "/whoami", reading_group.token).status == 500
    finally:
        proxy.behavior = forward
        proxy.released.set()
    assert api.ask("GET", "/whoami", reading_group.token).status == 200


def test_a_permission_revoked_during_an_outage_is_not_served_from_the_cache_afterwards(
    proxy: Proxy, reading_group: UserGroup, api: Api
) -> None:
    assert api.ask("GET", "/whoami", reading_group.token).status == 200
    proxy.behavior = throttled_for("BatchGetItem")
    try:
        # The administrator's own request needs a decision, so the change follows the outage.
        assert api.ask("GET", "/whoami", reading_group.token).status == 500
    finally:
        proxy.behavior = forward
    assert reading_group.write([allow("/elsewhere")]).status == 200
    assert api.ask("GET", "/whoami", reading_group.token).status == 403


def throttled_for(operation: str) -> Behavior:
    return lambda called, call: throttled(called, call) if called == operation else call()


def test_an_unreachable_table_causes_errors(cloud: Cloud, reading_group: UserGroup, api: Api) -> None:
    nowhere = f"http://localhost:{free_port()}"
    with settings_changed(cloud, AUTHORIZER, AWS_ENDPOINT_URL_DYNAMODB=nowhere):
        assert api.ask("GET", "/whoami", reading_group.token).status == 500
    assert api.ask("GET", "/whoami", reading_group.token).status == 200


@pytest.mark.parametrize("table", ["STATE_TABLE", "POLICY_TABLE"])
def test_a_missing_table_causes_errors(cloud: Cloud, reading_group: UserGroup, api: Api, table: str) -> None:
    with settings_changed(cloud, AUTHORIZER, **{table: "there-is-no-such-table"}):
        assert api.ask("GET", "/whoami", reading_group.token).status == 500
    assert api.ask("GET", "/whoami", reading_group.token).status == 200


def test_unreachable_keys_at_a_cold_start_cause_errors_until_they_are_reachable(
    cloud: Cloud, reading_group: UserGroup, api: Api
) -> None:
    with settings_changed(cloud, AUTHORIZER, JWKS_URL=f"http://localhost:{free_port()}/jwks.json"):
        assert api.ask("GET", "/whoami", reading_group.token).status == 500
    assert api.ask("GET", "/whoami", reading_group.token).status == 200


def test_a_recovered_stream_handler_processes_a_change_by_another_tool(
    cloud: Cloud, reading_group: UserGroup, api: Api
) -> None:
    with (
        proxy_to(cloud.local_cloud.url) as proxy,
        settings_changed(cloud, STREAM_HANDLER, AWS_ENDPOINT_URL_DYNAMODB=proxy.url),
    ):
        assert api.ask("GET", "/whoami", reading_group.token).status == 200
        proxy.behavior = broken
        edit_by_another_tool(cloud, reading_group)
        wait_for(lambda: "UpdateItem" in proxy.calls, "the stream handler has failed")
        proxy.behavior = forward
        wait_for(refused(api, reading_group), "the edit is effective", 30)


def edit_by_another_tool(cloud: Cloud, user_group: UserGroup) -> None:
    cloud.local_cloud.client("dynamodb").update_item(
        TableName=cloud.outputs["tables"]["policies"],
        Key={"subject": {"S": user_group.subject}},
        UpdateExpression="SET statements = :none",
        ExpressionAttributeValues={":none": {"S": "[]"}},
    )


def refused(api: Api, user_group: UserGroup) -> Callable[[], bool]:
    return lambda: api.ask("GET", "/whoami", user_group.token).status == 403
