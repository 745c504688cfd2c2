"""The alarms of the identity stack watch the metrics that the functions write, with the same names and dimensions."""

import json
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from authorizers.decision_log import DecisionLog
from chalicelib.authorize import Authorize
from chalicelib.triggers.failure import report_failure
from tests.configured import function
from tests.fakes import FakePolicies, FakeState, allow, principal, statements
from tests.infra.resolve import Resource, Stack
from tests.infra.rules.operations import metric

AUTHORIZER = function("dev", "policy_authorizer")


def ours(stack: Stack, name: str) -> list[Resource]:
    alarms = stack.of("AWS::CloudWatch::Alarm")
    return [it for it in alarms if (it.properties["Namespace"], it.properties["MetricName"]) == ("Gatehouse", name)]


def written(line: dict[str, Any]) -> set[str]:
    """Returns every metric of a line in CloudWatch's embedded metric format."""
    return {
        " ".join([announced["Namespace"], named["Name"], *(f"{name}={_value(line[name])}" for name in dimensions)])
        for announced in line["_aws"]["CloudWatchMetrics"]
        for named in announced["Metrics"]
        for dimensions in announced["Dimensions"]
    }


def _value(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value


def test_a_failed_decision_counts_for_its_alarm(identity_stack: Stack) -> None:
    lines: list[str] = []
    DecisionLog(AUTHORIZER, write_line=lines.append, now=lambda: 0.0).record_failure("keys_unreachable")
    (alarm,) = ours(identity_stack, "Decisions")
    assert metric(alarm) in written(json.loads(lines[0]))


def test_a_decision_that_did_not_fail_does_not_count_for_the_alarm(identity_stack: Stack) -> None:
    lines: list[str] = []
    DecisionLog(AUTHORIZER, write_line=lines.append, now=lambda: 0.0).record_rejection("token_expired")
    (alarm,) = ours(identity_stack, "Decisions")
    assert metric(alarm) not in written(json.loads(lines[0]))


@pytest.mark.parametrize("trigger", ["post_confirmation", "pre_token"])
def test_groups_that_were_not_assigned_count_for_their_alarm(
    trigger: str, identity_stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", function("dev", trigger))
    report_failure(Logger(service=trigger), "groups not given", ValueError())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    counted = {name for line in lines if "_aws" in line for name in written(line)}
    assert counted & {metric(alarm) for alarm in ours(identity_stack, "OnboardingFailed")}


def test_an_outage_of_the_keys_counts_for_its_alarm(identity_stack: Stack) -> None:
    lines: list[str] = []
    decision_log = DecisionLog(AUTHORIZER, lambda: 90.0, write_line=lines.append, now=lambda: 0.0)
    policies = FakePolicies()
    policies.put("group:clerks", statements(allow("/reports")), "admin", None)
    authorize = Authorize(lambda _: principal(), FakeState(), policies)
    decision_log.record_decision(authorize("token", "GET", "/reports"))
    (alarm,) = ours(identity_stack, "KeysOutageSeconds")
    assert metric(alarm) in written(json.loads(lines[0]))
