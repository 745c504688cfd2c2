"""The code, the dashboard with the alarms, and the documentation name the same metrics."""

import json
import re
from functools import partial
from pathlib import Path

import pytest
from aws_lambda_powertools import Logger

from authorizers.decision_log import DecisionLog
from chalicelib.authorize import Authorize
from chalicelib.core.principal import Principal
from chalicelib.federate import TokenGroups
from chalicelib.invalidate import Invalidate
from chalicelib.metrics import UNITS, MeasuredState, Measurements, counted_fetch, write_metric
from chalicelib.onboard import Onboard
from chalicelib.ports import AuthorizationState
from chalicelib.triggers.failure import report_failure
from chalicelib.triggers.policy_changed import handle_policy_changes
from tests.fakes import Clock, FakeDirectory, FakeLedger, FakePolicies, FakeState, principal
from tests.infra.resolve import Stack
from tests.triggers.test_policy_changed import MODIFY

ROOT = Path(__file__).parents[2]
PRE_TOKEN, POLICY_CHANGED = "gatehouse-dev-pre_token", "gatehouse-dev-policy_changed"


def fails() -> None:
    raise OSError("the endpoint does not answer")


def announced(lines: list[str]) -> set[str]:
    """Returns the names of the metrics in lines of CloudWatch's embedded metric format."""
    parsed = [json.loads(line) for line in lines]
    groups = [group for line in parsed for group in line.get("_aws", {}).get("CloudWatchMetrics", [])]
    assert {group["Namespace"] for group in groups} == {"Gatehouse"}
    return {metric["Name"] for group in groups for metric in group["Metrics"]}


@pytest.fixture
def emitted(capsys: pytest.CaptureFixture[str]) -> set[str]:
    """Every metric that the functions write when everything happens to them."""
    measurements = Measurements()
    with pytest.raises(OSError, match="does not answer"):
        counted_fetch(fails, measurements)()
    authorize = Authorize(lambda _: principal(), MeasuredState(FakeState(), measurements), FakePolicies())
    decision_log = DecisionLog("gatehouse-dev-policy_authorizer", lambda: 90.0, measurements.take)
    decision_log.record_decision(authorize("token", "GET", "/reports"))
    onboarded = partial(write_metric, PRE_TOKEN, "Onboarded", 1)
    onboard = Onboard(FakeDirectory(), FakeLedger(), ("readers",), frozenset(), onboarded)
    unmapped = partial(write_metric, PRE_TOKEN, "UnmappedGroups")
    dropped = TokenGroups(onboard, frozenset({"SSO"}), {}, unmapped)
    identities = json.dumps([{"providerName": "SSO"}])
    company = {"sub": "clio", "cognito:user_status": "EXTERNAL_PROVIDER", "identities": identities}
    dropped("pool", "clio", {**company, "custom:idp_groups": "[staff,guests]"}, [])
    report_failure(Logger(service="pre_token"), "groups not given", ValueError())
    handle_policy_changes(
        {"Records": [MODIFY]},
        lambda: Invalidate(FakeState(), None),
        lambda: lambda _: True,
        Logger(service="policy_changed"),
        partial(write_metric, POLICY_CHANGED, "InvalidationLagSeconds"),
        Clock(),
    )
    return announced([line for line in capsys.readouterr().out.splitlines() if line.startswith("{")])


def test_the_functions_write_exactly_the_metrics_that_are_declared(emitted: set[str]) -> None:
    assert emitted == set(UNITS)


def test_the_dashboard_and_the_alarms_use_exactly_the_metrics_that_the_functions_write(
    emitted: set[str], identity_stack: Stack
) -> None:
    alarms = [it.properties for it in identity_stack.of("AWS::CloudWatch::Alarm")]
    names = {it["MetricName"] for it in alarms if it["Namespace"] == "Gatehouse"}
    for widget in json.loads(identity_stack.resources["Dashboard"].properties["DashboardBody"])["widgets"]:
        shown = widget["properties"]["metrics"]
        names |= set(re.findall(r'Gatehouse.*MetricName="(\w+)"', json.dumps(shown).replace("\\", "")))
        names |= {row[1] for row in shown if shown[0][0] == "Gatehouse" and row[0] in ("Gatehouse", ".")}
    assert names == emitted


def test_the_documentation_lists_exactly_the_metrics_with_their_units() -> None:
    page = (ROOT / "docs/reference/data.md").read_text(encoding="utf-8").partition("## Metrics")[2]
    assert dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", page, re.MULTILINE)) == UNITS


def test_the_lag_is_the_time_from_the_oldest_write_to_its_invalidation() -> None:
    lags: list[float] = []
    clock = Clock()
    clock.advance(2.5)
    arguments = (lambda: Invalidate(FakeState(), None), lambda: lambda _: True, Logger(service="x", level="CRITICAL"))
    handle_policy_changes({"Records": [MODIFY]}, *arguments, lags.append, clock)
    assert lags == [2.5]


def test_measurements_belong_to_one_request() -> None:
    measurements, clock = Measurements(), Clock()

    class Slow(FakeState):
        def read(self, principal: Principal) -> AuthorizationState:
            clock.advance(0.25)
            return super().read(principal)

    MeasuredState(Slow(), measurements, clock).read(principal())
    assert counted_fetch(lambda: "keys", measurements)() == "keys"
    assert measurements.take() == {"StateMilliseconds": 250.0, "KeyFetches": 1}
    assert measurements.take() == {}
