"""Access tokens contain the custom claims of the stage. Scopes remain only in the tokens of their groups."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from local.sign_in import cognito, machine_token, sign_in
from tests.configured import DEFAULT_GROUP, PRIVILEGED_GROUP
from tests.configured import function as deployed
from tests.e2e.clients import Person, Users, unique
from tests.e2e.cloud import Cloud, settings_changed

PRE_TOKEN = deployed("local", "pre_token")
TENANT = "custom:tenant"
CLAIMS = {"tenant": {"attribute": TENANT}, "environment": {"value": "local"}}


def claims(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


@pytest.fixture(scope="module")
def version_3(cloud: Cloud) -> Iterator[None]:
    """The user pool sends event version 3 to the pre-token trigger: for people and machines."""
    pool, idp = cloud.outputs["user_pool_id"], cloud.local_cloud.client("cognito-idp")
    before = idp.describe_user_pool(UserPoolId=pool)["UserPool"]["LambdaConfig"]
    trigger = {**before["PreTokenGenerationConfig"], "LambdaVersion": "V3_0"}
    idp.update_user_pool(UserPoolId=pool, LambdaConfig={**before, "PreTokenGenerationConfig": trigger})
    yield
    idp.update_user_pool(UserPoolId=pool, LambdaConfig=before)


@pytest.fixture(scope="module")
def customized(cloud: Cloud, outputs: dict[str, Any], version_3: None) -> Iterator[None]:
    scopes = {outputs["scopes"]["write"]: [PRIVILEGED_GROUP]}
    with settings_changed(cloud, PRE_TOKEN, CUSTOM_CLAIMS=json.dumps(CLAIMS), SCOPE_GROUPS=json.dumps(scopes)):
        yield


@pytest.fixture
def clerk(outputs: dict[str, Any], users: Users) -> Person:
    """A reader whose tenant an administrator has set."""
    person = users.new(DEFAULT_GROUP)
    users.cognito.admin_update_user_attributes(
        UserPoolId=outputs["user_pool_id"],
        Username=person.username,
        UserAttributes=[{"Name": TENANT, "Value": "olympus"}],
    )
    return person


@pytest.mark.usefixtures("customized")
def test_tokens_of_people_and_machines_contain_exactly_the_claims_of_the_stage(
    outputs: dict[str, Any], users: Users, clerk: Person
) -> None:
    tokens = users.sign_in(clerk, f"openid {outputs['scopes']['write']} {outputs['scopes']['read']}")
    person, machine = claims(tokens["access_token"]), claims(machine_token(outputs, outputs["scopes"]["read"]))
    assert {name: person.get(name) for name in ("tenant", "environment")} == {
        "tenant": "olympus",
        "environment": "local",
    }
    assert (machine.get("environment"), "tenant" in machine) == ("local", False)
    assert machine["scope"] == outputs["scopes"]["read"], "the scopes of a machine belong to its app client"
    assert person["cognito:groups"] == [DEFAULT_GROUP]
    assert set(person["scope"].split()) == {"openid", outputs["scopes"]["read"]}, (
        "a reader does not keep the write scope"
    )
    assert "tenant" not in claims(tokens["id_token"])
    again = cognito(outputs).get_tokens_from_refresh_token(
        RefreshToken=tokens["refresh_token"], ClientId=outputs["web_client_id"]
    )["AuthenticationResult"]
    refreshed = claims(again["AccessToken"])
    assert (refreshed["tenant"], refreshed["auth_time"]) == ("olympus", person["auth_time"])
    assert outputs["scopes"]["write"] not in refreshed["scope"]


@pytest.mark.usefixtures("customized")
def test_the_members_of_its_groups_keep_a_scope(outputs: dict[str, Any], users: Users) -> None:
    admin = users.new(PRIVILEGED_GROUP)
    assert (
        outputs["scopes"]["write"] in claims(users.sign_in(admin, outputs["scopes"]["write"])["access_token"])["scope"]
    )


@pytest.mark.usefixtures("customized")
def test_nobody_can_write_the_attribute_of_a_claim_with_their_own_token(outputs: dict[str, Any], clerk: Person) -> None:
    pool, forged = cognito(outputs), [{"Name": TENANT, "Value": "underworld"}]
    own = sign_in(outputs, clerk.username, clerk.password)  # over SRP: with the scope to change attributes
    with pytest.raises(pool.exceptions.NotAuthorizedException):
        pool.update_user_attributes(AccessToken=own, UserAttributes=forged)
    newcomer = f"{unique('mallory')}@gatehouse.example"
    with pytest.raises(pool.exceptions.NotAuthorizedException):
        pool.sign_up(
            ClientId=outputs["web_client_id"],
            Username=newcomer,
            Password=clerk.password,
            UserAttributes=[{"Name": "email", "Value": newcomer}, *forged],
        )
    assert claims(sign_in(outputs, clerk.username, clerk.password))["tenant"] == "olympus"


@pytest.mark.usefixtures("customized")
def test_input_of_the_caller_at_the_sign_in_adds_no_claim(outputs: dict[str, Any], users: Users, clerk: Person) -> None:
    refresh = users.sign_in(clerk)["refresh_token"]
    answered = cognito(outputs).get_tokens_from_refresh_token(
        RefreshToken=refresh,
        ClientId=outputs["web_client_id"],
        ClientMetadata={"tenant": "underworld", "role": "god", "cognito:groups": PRIVILEGED_GROUP},
    )
    token = claims(answered["AuthenticationResult"]["AccessToken"])
    assert (token["tenant"], token["cognito:groups"], "role" in token) == ("olympus", [DEFAULT_GROUP], False)


@pytest.mark.usefixtures("version_3")
def test_a_setting_that_overrides_the_protocol_changes_no_claim_and_removes_the_custom_scopes(
    cloud: Cloud, outputs: dict[str, Any], users: Users
) -> None:
    person, forged = users.new(DEFAULT_GROUP), {"value": "admins"}
    settings = {"sub": forged, "client_id": forged, "cognito:groups": forged, "environment": forged}
    with settings_changed(cloud, PRE_TOKEN, CUSTOM_CLAIMS=json.dumps(settings)):
        token = claims(users.sign_in(person, f"openid {outputs['scopes']['read']}")["access_token"])
    assert (token["sub"], token["client_id"]) == (person.sub, outputs["web_client_id"])
    assert (token["cognito:groups"], token["scope"]) == ([DEFAULT_GROUP], "openid")
    assert "environment" not in token
