"""A confirmed sign-up adds the default groups. After any failure, the trigger still returns the event to Cognito."""

import copy
import json
from typing import Any

import pytest

from chalicelib.core.errors import InternalError
from chalicelib.onboard import Onboard
from chalicelib.triggers.post_confirmation import handle_post_confirmation
from tests.fakes import FakeDirectory, FakeLedger
from tests.triggers.logs import Log

POOL = "mars-west-1_Olympus"
SUB = "c1e7c000-0000-4000-8000-00000000c1e7"
EMAIL = "TELLTALE@example.com"


def confirmation(source: str = "PostConfirmation_ConfirmSignUp", **changes: Any) -> dict[str, Any]:
    """Returns Cognito's event. A change to None removes the field."""
    event = {
        "version": "1",
        "triggerSource": source,
        "region": "mars-west-1",
        "userPoolId": POOL,
        "userName": "clerk",
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "webclientofolympus"},
        "request": {"userAttributes": {"sub": SUB, "email": EMAIL, "email_verified": "true"}},
        "response": {},
        **changes,
    }
    return {name: value for name, value in event.items() if value is not None}


class System:
    def __init__(self, *groups: str) -> None:
        self.directory, self.ledger, self.log = FakeDirectory(), FakeLedger(), Log()
        self.onboard = Onboard(self.directory, self.ledger, groups or ("readers",), frozenset({"admins"}))

    def confirm(self, event: Any) -> Any:
        return handle_post_confirmation(event, lambda: self.onboard, self.log.logger)


def metrics(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_confirmed_sign_up_adds_the_default_groups(capsys: pytest.CaptureFixture[str]) -> None:
    system = System("readers", "visitors")
    system.confirm(confirmation())
    assert system.directory.groups == [(POOL, "clerk", "readers"), (POOL, "clerk", "visitors")]
    (line,) = system.log.lines
    assert (line["message"], line["sub"], line["groups"]) == ("default groups given", SUB, ["readers", "visitors"])
    assert metrics(capsys) == []


@pytest.mark.parametrize(
    "source",
    ["PostConfirmation_ConfirmForgotPassword", "PostConfirmation_Else", "PostAuthentication_Authentication", ""],
)
def test_another_trigger_source_adds_no_group_and_reports_no_failure(
    source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    system = System()
    system.confirm(confirmation(source))
    assert (system.directory.groups, system.ledger.marked) == ([], set())
    assert (system.log.lines, metrics(capsys)) == ([], [])


def test_a_federated_user_gets_no_group_from_this_trigger(capsys: pytest.CaptureFixture[str]) -> None:
    system = System()
    attributes = {"sub": SUB, "cognito:user_status": "EXTERNAL_PROVIDER", "custom:idp_groups": "gods"}
    system.confirm(confirmation(request={"userAttributes": attributes}))
    assert (system.directory.groups, system.ledger.marked, system.log.lines) == ([], set(), [])
    assert metrics(capsys) == []


def test_a_repeated_event_adds_no_group_again() -> None:
    system = System()
    system.confirm(confirmation())
    system.directory.groups.clear()
    system.confirm(confirmation())
    assert system.directory.groups == []


@pytest.mark.parametrize("source", ["PostConfirmation_ConfirmSignUp", "PostConfirmation_ConfirmForgotPassword"])
def test_the_event_is_returned_unchanged(source: str) -> None:
    event = confirmation(source)
    before = copy.deepcopy(event)
    assert System().confirm(event) is event
    assert event == before


def assert_failure_told(system: System, capsys: pytest.CaptureFixture[str], code: str) -> None:
    (line,) = system.log.lines
    assert (line["level"], line["message"], line["failure"]) == ("ERROR", "default groups not given", code)
    (metric,) = metrics(capsys)
    assert metric["OnboardingFailed"] == [1.0]
    assert metric["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Gatehouse"
    assert metric["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [{"Name": "OnboardingFailed", "Unit": "Count"}]


def test_a_failure_to_add_a_group_is_reported_and_not_raised(capsys: pytest.CaptureFixture[str]) -> None:
    system = System()
    system.directory.fails_at = "readers"
    event = confirmation()
    assert system.confirm(event) is event
    assert system.ledger.marked == set()
    assert_failure_told(system, capsys, "group_not_added")


def test_a_privileged_default_group_is_not_added_but_reported(capsys: pytest.CaptureFixture[str]) -> None:
    system = System("admins")
    event = confirmation()
    assert system.confirm(event) is event
    assert system.directory.groups == []
    assert_failure_told(system, capsys, "privileged_default_group")


@pytest.mark.parametrize(
    ("failure", "code"),
    [(InternalError("missing_setting", "ONBOARDING_TABLE"), "missing_setting"), (OSError("surprise"), "OSError")],
    ids=["an InternalError", "another exception"],
)
def test_a_failure_to_build_the_use_case_is_reported_and_not_raised(
    failure: Exception, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> Onboard:
        raise failure

    system, event = System(), confirmation()
    assert handle_post_confirmation(event, fails, system.log.logger) is event
    assert_failure_told(system, capsys, code)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(confirmation(request=None), id="no request"),
        pytest.param(confirmation(request={}), id="no attributes"),
        pytest.param(confirmation(request={"userAttributes": {}}), id="no sub"),
        pytest.param(confirmation(userPoolId=None), id="no user pool"),
        pytest.param(confirmation(userName=None), id="no user name"),
        pytest.param(confirmation(triggerSource=None), id="no trigger source"),
        pytest.param({}, id="an empty event"),
        pytest.param(None, id="null"),
        pytest.param([], id="a list"),
    ],
)
def test_an_invalid_event_is_reported_and_returned_unchanged(event: object, capsys: pytest.CaptureFixture[str]) -> None:
    system = System()
    assert system.confirm(event) is event
    assert system.directory.groups == []
    (line,) = system.log.lines
    assert line["level"] == "ERROR"
    assert len(metrics(capsys)) == 1


@pytest.mark.parametrize("fails_at", [None, "readers"], ids=["group added", "group not added"])
def test_neither_log_nor_metric_contains_the_email_or_name_of_the_user(
    fails_at: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    system = System()
    system.directory.fails_at = fails_at
    system.confirm(confirmation(userName=EMAIL))
    assert "TELLTALE" not in system.log.text + capsys.readouterr().out
