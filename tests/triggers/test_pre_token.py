"""The pre-token trigger adds groups to a token. After any failure, it still returns the event to Cognito."""

import copy
import json
from typing import Any

import pytest

from chalicelib.core.custom_claim import parse_claims
from chalicelib.core.errors import InternalError
from chalicelib.customize import CustomizeTokens
from chalicelib.federate import TokenGroups
from chalicelib.onboard import Onboard
from chalicelib.triggers.pre_token import handle_pre_token
from tests.fakes import FakeDirectory, FakeLedger
from tests.triggers.logs import Log

POOL = "mars-west-1_Olympus"
SUB = "c1e7c000-0000-4000-8000-00000000c1e7"
EMAIL = "TELLTALE@example.com"
ROLE = "arn:aws:iam::123456789012:role/muse"


def token_event(*held: str, **changes: Any) -> dict[str, Any]:
    """Returns Cognito's event for one token. A change to None removes the field."""
    event = {
        "version": "1",
        "triggerSource": "TokenGeneration_Authentication",
        "region": "mars-west-1",
        "userPoolId": POOL,
        "userName": "clio",
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "webclientofolympus"},
        "request": {
            "userAttributes": {"sub": SUB, "email": EMAIL, "cognito:user_status": "CONFIRMED"},
            "groupConfiguration": {
                "groupsToOverride": list(held),
                "iamRolesToOverride": [ROLE],
                "preferredRole": ROLE,
            },
        },
        "response": {"claimsOverrideDetails": None},
        **changes,
    }
    return {name: value for name, value in event.items() if value is not None}


class System:
    def __init__(self, claims: Any = None, scope_groups: Any = None) -> None:
        self.customize = CustomizeTokens(parse_claims(claims or {}), scope_groups or {})
        self.directory, self.ledger, self.log = FakeDirectory(), FakeLedger(), Log()
        onboard = Onboard(self.directory, self.ledger, ("readers",), frozenset({"admins"}))
        self.token_groups = TokenGroups(onboard, frozenset(), {})

    def ask(self, event: Any) -> Any:
        return handle_pre_token(event, lambda: self.token_groups, lambda: self.customize, self.log.logger)


def overridden(event: dict[str, Any]) -> Any:
    return event["response"]["claimsOverrideDetails"]


def test_the_first_token_of_a_new_user_contains_the_default_groups() -> None:
    system = System()
    answered = system.ask(token_event())
    assert overridden(answered)["groupOverrideDetails"]["groupsToOverride"] == ["readers"]
    (line,) = system.log.lines
    assert (line["message"], line["sub"], line["groups"]) == ("groups completed", SUB, ["readers"])


def test_the_trigger_does_not_change_the_roles_of_the_groups() -> None:
    details = overridden(System().ask(token_event()))["groupOverrideDetails"]
    assert (details["iamRolesToOverride"], details["preferredRole"]) == ([ROLE], ROLE)


def test_an_event_without_added_groups_has_no_override(capsys: pytest.CaptureFixture[str]) -> None:
    system, event = System(), token_event("editors")
    before = copy.deepcopy(event)
    assert system.ask(event) is event
    assert event == before
    assert (system.log.lines, capsys.readouterr().out) == ([], "")


def assert_failure_told(system: System, capsys: pytest.CaptureFixture[str], code: str) -> None:
    (line,) = system.log.lines
    assert (line["level"], line["message"], line["failure"]) == ("ERROR", "groups not completed", code)
    (metric,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert metric["OnboardingFailed"] == [1.0]
    assert metric["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["function"]]


def test_a_failure_to_add_a_group_is_reported_and_not_raised(capsys: pytest.CaptureFixture[str]) -> None:
    system, event = System(), token_event()
    before = copy.deepcopy(event)
    system.directory.fails_at = "readers"
    assert system.ask(event) is event
    assert event == before
    assert_failure_told(system, capsys, "group_not_added")


@pytest.mark.parametrize(
    ("failure", "code"),
    [(InternalError("missing_setting", "ONBOARDING_TABLE"), "missing_setting"), (OSError("surprise"), "OSError")],
    ids=["an InternalError", "another exception"],
)
def test_a_failure_to_build_the_use_case_is_reported_and_not_raised(
    failure: Exception, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> TokenGroups:
        raise failure

    system, event = System(), token_event()
    assert handle_pre_token(event, fails, lambda: system.customize, system.log.logger) is event
    assert overridden(event) is None
    assert_failure_told(system, capsys, code)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(token_event(request=None), id="no request"),
        pytest.param(token_event(request={}), id="no attributes"),
        pytest.param(token_event(request={"userAttributes": {}}), id="no sub"),
        pytest.param(token_event(userPoolId=None), id="no user pool"),
        pytest.param(token_event(userName=None), id="no user name"),
        pytest.param({}, id="an empty event"),
        pytest.param(None, id="null"),
    ],
)
def test_an_invalid_event_is_reported_and_returned_unchanged(event: object, capsys: pytest.CaptureFixture[str]) -> None:
    system, before = System(), copy.deepcopy(event)
    assert system.ask(event) is event
    assert (event, system.directory.groups) == (before, [])
    (line,) = system.log.lines
    assert line["level"] == "ERROR"
    assert "OnboardingFailed" in capsys.readouterr().out


def test_an_event_without_a_list_of_groups_means_no_groups() -> None:
    event = token_event()
    event["request"]["groupConfiguration"] = {}
    answered = System().ask(event)
    assert overridden(answered)["groupOverrideDetails"] == {"groupsToOverride": ["readers"]}


@pytest.mark.parametrize("fails_at", [None, "readers"], ids=["group added", "group not added"])
def test_neither_log_nor_metric_contains_the_email_or_name_of_the_user(
    fails_at: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    system = System()
    system.directory.fails_at = fails_at
    system.ask(token_event(userName=EMAIL))
    assert "TELLTALE" not in system.log.text + capsys.readouterr().out


# --- versions 2 and 3: custom claims and scopes of access tokens ---

READ, WRITE = "https://gatehouse.example/file.read", "https://gatehouse.example/file.write"
CLAIMS = {"tenant": {"attribute": "custom:tenant"}, "stage": {"value": "prod"}}


def later_event(*held: str, tenant: str = "olympus", version: str = "2", **changes: Any) -> dict[str, Any]:
    event = token_event(*held, version=version, response={"claimsAndScopeOverrideDetails": None}, **changes)
    event["request"]["userAttributes"] |= {"custom:tenant": tenant, "custom:rank": "muse"}
    event["request"]["scopes"] = ["openid", READ, WRITE]
    return event


def machine_event() -> dict[str, Any]:
    event = later_event(version="3", triggerSource="TokenGeneration_ClientCredentials", userName="ClientCredentials")
    event["request"] = {"scopes": [READ]}
    return event


def details(event: dict[str, Any]) -> Any:
    return event["response"]["claimsAndScopeOverrideDetails"]


@pytest.mark.parametrize("version", ["2", "3"])
def test_an_access_token_gets_exactly_the_claims_of_the_stage_and_the_groups(version: str) -> None:
    answered = details(System(CLAIMS).ask(later_event("editors", version=version)))
    assert answered["accessTokenGeneration"] == {"claimsToAddOrOverride": {"tenant": "olympus", "stage": "prod"}}
    assert answered["groupOverrideDetails"]["groupsToOverride"] == ["editors"], "an empty override removes all groups"
    assert set(answered) == {"accessTokenGeneration", "groupOverrideDetails"}, "the ID token does not change"


def test_a_new_user_gets_the_default_groups_with_every_version_of_the_event() -> None:
    answered = details(System().ask(later_event()))
    assert answered["groupOverrideDetails"]["groupsToOverride"] == ["readers"]


def test_an_attribute_without_a_value_makes_no_claim() -> None:
    answered = details(System(CLAIMS).ask(later_event(tenant="")))
    assert answered["accessTokenGeneration"]["claimsToAddOrOverride"] == {"stage": "prod"}


def test_input_of_the_caller_adds_no_claim() -> None:
    event = later_event("editors")
    event["request"]["clientMetadata"] = {"tenant": "underworld", "rank": "god", "cognito:groups": "admins"}
    answered = details(System(CLAIMS).ask(event))
    assert answered["accessTokenGeneration"]["claimsToAddOrOverride"] == {"tenant": "olympus", "stage": "prod"}


def test_version_1_has_no_customization_of_access_tokens() -> None:
    event = token_event("editors")
    event["request"]["userAttributes"]["custom:tenant"] = "olympus"
    assert System(CLAIMS, {WRITE: frozenset({"admins"})}).ask(event)["response"] == {"claimsOverrideDetails": None}


@pytest.mark.parametrize(
    ("held", "removed"),
    [(("editors",), None), (("readers",), [WRITE]), (("readers", "editors"), None)],
    ids=["a group of the scope", "another group", "two groups"],
)
def test_a_scope_remains_only_in_the_tokens_of_its_groups(held: tuple[str, ...], removed: Any) -> None:
    answered = details(System({}, {WRITE: frozenset({"editors", "admins"})}).ask(later_event(*held)))
    assert answered["accessTokenGeneration"].get("scopesToSuppress") == removed
    assert "scopesToAdd" not in answered["accessTokenGeneration"]


def test_a_machine_gets_the_fixed_claims_and_keeps_its_scopes() -> None:
    system = System(CLAIMS, {READ: frozenset({"editors"})})
    assert details(system.ask(machine_event())) == {
        "accessTokenGeneration": {"claimsToAddOrOverride": {"stage": "prod"}}
    }
    assert (system.directory.groups, system.ledger.marked) == ([], set()), "a machine is not onboarded"


@pytest.mark.parametrize("event", [later_event("editors"), machine_event()], ids=["a person", "a machine"])
def test_with_an_unreadable_setting_a_token_gets_no_claim_and_a_person_no_custom_scope(
    event: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> CustomizeTokens:
        raise InternalError("bad_setting", "SCOPE_GROUPS")

    system = System()
    answered = details(handle_pre_token(event, lambda: system.token_groups, fails, system.log.logger))
    person = "groupOverrideDetails" in answered
    assert answered["accessTokenGeneration"] == ({"scopesToSuppress": [READ, WRITE]} if person else {})
    (line,) = system.log.lines
    assert (line["message"], line["failure"]) == ("access token not customized", "bad_setting")
    assert "OnboardingFailed" in capsys.readouterr().out


def test_after_a_failure_to_complete_the_groups_scopes_follow_the_groups_of_the_pool() -> None:
    system = System({}, {WRITE: frozenset({"readers"})})
    system.directory.fails_at = "readers"
    answered = details(system.ask(later_event()))
    assert answered["accessTokenGeneration"]["scopesToSuppress"] == [WRITE]
    assert answered["groupOverrideDetails"]["groupsToOverride"] == []
