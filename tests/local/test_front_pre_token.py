"""A pre-token trigger changes what the version of its event permits."""

from __future__ import annotations

import jwt
import pytest
import requests

from tests.local.front_system import System, assert_refused

# A trigger that tries to change everything, in the form of every event version.
HOSTILE_TRIGGER = """
def handler(event, context):
    claims = {"tenant": "underworld", "sub": "s", "client_id": "c", "exp": 1, "auth_time": 1, "iss": "i", "aud": "a",
              "token_use": "id", "username": "u", "scope": "everything", "cognito:groups": ["gods"], "jti": "j"}
    section = {"claimsToAddOrOverride": claims, "claimsToSuppress": ["sub", "exp", "origin_jti"],
               "scopesToAdd": ["system/write"], "scopesToSuppress": ["email"]}
    groups = {"groupOverrideDetails": {"groupsToOverride": ["muses"]}}
    sections = {"idTokenGeneration": section, "accessTokenGeneration": section}
    event["response"] = {
        "claimsOverrideDetails": {**section, **groups},
        "claimsAndScopeOverrideDetails": {**sections, **groups},
    }
    return event
"""


@pytest.fixture(scope="module")
def triggered(system: System) -> System:
    """A system whose pool calls a hostile pre-token trigger. The version is the one of the last update."""
    other = System(system.cloud)
    other.trigger = system.trigger
    system.function("hostile", HOSTILE_TRIGGER)
    return other


def set_trigger_version(triggered: System, version: str, **pool: str) -> None:
    arn = triggered.cloud.client("lambda").get_function(FunctionName="hostile")["Configuration"]["FunctionArn"]
    trigger = {"PreTokenGenerationConfig": {"LambdaArn": arn, "LambdaVersion": version}}
    triggered.idp.update_user_pool(UserPoolId=triggered.pool, LambdaConfig=trigger, **pool)


@pytest.mark.parametrize(
    ("version", "person", "machine"),
    [("V1_0", None, None), ("V2_0", "underworld", None), ("V3_0", *["underworld"] * 2)],
)
def test_a_pre_token_trigger_changes_what_cognito_lets_its_event_version_change(
    triggered: System, version: str, person: str | None, machine: str | None
) -> None:
    set_trigger_version(triggered, version)
    email = triggered.user()
    tokens = triggered.sign_in(email)["AuthenticationResult"]
    access, identity = (jwt.decode(tokens[n], options={"verify_signature": False}) for n in ("AccessToken", "IdToken"))
    assert (access.get("tenant"), identity["tenant"]) == (person, "underworld")
    assert access["cognito:groups"] == identity["cognito:groups"] == ["muses"], "only by the field for groups"
    assert (access["sub"], access["client_id"], access["token_use"]) == (triggered.sub(email), triggered.web, "access")
    assert access["exp"] > access["iat"] == access["auth_time"]
    assert "origin_jti" in access
    assert "aud" not in access
    assert ("system/write" in access["scope"].split()) is (version != "V1_0"), "scopes have their own field"
    assert "everything" not in access["scope"]
    client, secret = triggered.machine
    asked = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
    answer = requests.post(f"{triggered.cloud.url}/oauth2/token", data=asked, timeout=20).json()
    token = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (token.get("tenant"), token["client_id"]) == (machine, client)


def test_later_versions_of_the_pre_token_trigger_need_a_tier(triggered: System) -> None:
    set_trigger_version(triggered, "V1_0", UserPoolTier="LITE")
    for version in ("V2_0", "V3_0"):
        assert_refused("FeatureUnavailableInTierException", set_trigger_version, triggered=triggered, version=version)
    set_trigger_version(triggered, "V3_0", UserPoolTier="ESSENTIALS")
    assert_refused(
        "FeatureUnavailableInTierException",
        triggered.idp.create_user_pool,
        PoolName="lite",
        UserPoolTier="LITE",
        LambdaConfig={"PreTokenGenerationConfig": {"LambdaArn": triggered.trigger, "LambdaVersion": "V2_0"}},
    )
