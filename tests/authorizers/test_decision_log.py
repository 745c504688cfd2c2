"""Each decision writes one log line, which is also a metric in CloudWatch's embedded metric format."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from authorizers.decision_log import DecisionLog
from chalicelib.authorize import Authorize
from tests import mint
from tests.fakes import Clock, FakePolicies, FakeState, allow, principal, statements

FUNCTION = "gatehouse-olympus-policy_authorizer"


def line_of(
    record: Callable[[DecisionLog], None],
    outage: float = 0.0,
    took: float = 0.0,
    measured: Callable[[], Mapping[str, float]] = dict,
) -> dict[str, Any]:
    clock = Clock(mint.NOW)
    lines: list[str] = []
    decision_log = DecisionLog(FUNCTION, lambda: outage, measured, lines.append, clock)
    clock.advance(took)
    record(decision_log)
    (line,) = lines
    assert "\n" not in line, "CloudWatch reads two lines as two entries"
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def decided(decision_log: DecisionLog) -> None:
    policies = FakePolicies()
    policies.put("group:clerks", statements(allow("/reports", sid="read")), "admin", None)
    decision_log.record_request("GET", "/reports")
    decision_log.record_decision(Authorize(lambda _: principal(), FakeState(), policies)("token", "GET", "/reports"))


@pytest.mark.parametrize("name", ["clerk@olympus.example", "clerk%40olympus.example", "clerk%252540olympus.example"])
def test_an_address_in_a_path_is_not_logged(name: str) -> None:
    def rejected(decision_log: DecisionLog) -> None:
        decision_log.record_request("PUT", f"/admin/users/{name}/groups")
        decision_log.record_rejection("token_expired")

    assert line_of(rejected)["path"] == "/admin/users/***/groups"


RECORDINGS = {
    "decided": decided,
    "rejected": lambda decision_log: decision_log.record_rejection("token_expired"),
    "failed": lambda decision_log: decision_log.record_failure("state_unreachable"),
}
recordings = pytest.mark.parametrize("record", RECORDINGS.values(), ids=RECORDINGS.keys())


@recordings
@pytest.mark.parametrize("outage", [0.0, 90.4])
def test_every_declared_metric_and_dimension_is_in_the_line(
    record: Callable[[DecisionLog], None], outage: float
) -> None:
    line = line_of(record, outage)
    (metrics,) = line["_aws"]["CloudWatchMetrics"]
    assert metrics["Namespace"] == "Gatehouse"
    assert metrics["Dimensions"] == [["function", "decision"], ["function", "decision", "code"]]
    for name in metrics["Dimensions"][1]:
        assert isinstance(line[name], str)
    assert line["function"] == FUNCTION
    for metric in metrics["Metrics"]:
        assert isinstance(line[metric["Name"]], int | float)
        assert metric["Unit"] in {"Count", "Milliseconds", "Seconds"}


@recordings
def test_the_line_has_a_timestamp_in_milliseconds_and_counts_one_decision(
    record: Callable[[DecisionLog], None],
) -> None:
    line = line_of(record, took=0.25)
    assert line["_aws"]["Timestamp"] == mint.NOW * 1000 + 250
    assert (line["Decisions"], line["TookMilliseconds"]) == (1, 250)


@pytest.mark.parametrize("name", ["decided", "rejected"])
def test_the_line_has_the_outage_metric_during_an_outage_of_the_jwks_endpoint(name: str) -> None:
    line = line_of(RECORDINGS[name], outage=90.4)
    assert line["KeysOutageSeconds"] == 90
    names = [metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    assert names == ["Decisions", "TookMilliseconds", "KeysOutageSeconds"]


@recordings
def test_without_an_outage_the_line_has_no_outage_metric(record: Callable[[DecisionLog], None]) -> None:
    assert "KeysOutageSeconds" not in json.dumps(line_of(record))


def test_the_outage_metric_of_one_line_is_absent_from_the_next_line() -> None:
    line_of(decided, outage=90)
    assert "KeysOutageSeconds" not in json.dumps(line_of(decided))


def test_the_line_contains_the_unchanged_rejection_code() -> None:
    line = line_of(lambda decision_log: decision_log.record_rejection("token_expired"))
    assert (line["decision"], line["code"]) == ("rejected", "token_expired")
