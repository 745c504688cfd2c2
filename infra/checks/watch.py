"""Checks the log groups, the alarms and the dashboard."""

import json
from collections.abc import Iterator
from typing import Any

from infra.checks.check import Check
from infra.checks.compare import differing
from infra.checks.live import Live

_ALARM = "AWS::CloudWatch::Alarm"
_AWS_KEY = "a key that AWS owns"


def _log_groups(live: Live) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    prefix = f"/aws/lambda/{live.stage.function('api_handler')}"
    listed = live.listed("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix)
    actual = {group["logGroupName"]: group for group in listed}
    for expected in live.expected.of("AWS::Logs::LogGroup").values():
        yield expected["LogGroupName"], actual.get(expected["LogGroupName"], {}), expected


def _retention(live: Live) -> Iterator[str]:
    for name, actual, expected in _log_groups(live):
        yield from differing(name, actual, {"retentionInDays": expected["RetentionInDays"]})


def _encryption(live: Live) -> Iterator[str]:
    for name, actual, expected in _log_groups(live):
        key = expected.get("KmsKeyId")
        if actual.get("kmsKeyId") != key:
            yield f"{name}: the encryption key is {actual.get('kmsKeyId') or _AWS_KEY}. Expected: {key or _AWS_KEY}."


def metric_alarms(live: Live) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yields each alarm: its logical id, its description and its properties. A missing alarm has no description."""
    expected = list(live.all_expected(_ALARM))
    names = [physical for _, physical, _ in expected]
    listed = live.listed("cloudwatch", "describe_alarms", "MetricAlarms", AlarmNames=names)
    actual = {alarm["AlarmName"]: alarm for alarm in listed}
    for name, physical, properties in expected:
        yield name, actual.get(physical, {}), properties


def _alarms(live: Live) -> Iterator[str]:
    for name, actual, expected in metric_alarms(live):
        if not actual:
            yield f"The alarm {name} is missing."
            continue
        settings = {key: value for key, value in expected.items() if key not in ("AlarmActions", "AlarmDescription")}
        yield from differing(name, actual, settings)


def _actions(live: Live) -> Iterator[str]:
    for name, actual, expected in metric_alarms(live):
        if actual:
            yield from differing(name, actual, {"ActionsEnabled": True, "AlarmActions": expected["AlarmActions"]})


def _readers(live: Live) -> Iterator[str]:
    topic = live.physical.get("AlarmTopic")
    if topic is None:
        return  # the stage uses a topic of the account, whose subscriptions are not part of the stage
    listed = live.listed("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic)
    confirmed = {item["Endpoint"] for item in listed if item["SubscriptionArn"].startswith("arn:")}
    for expected in live.expected["AlarmTopic"].get("Subscription", []):
        if expected["Endpoint"] not in confirmed:
            yield "The alarm address of the stage file has not confirmed its subscription, so nobody gets the alarms."


def _dashboard(live: Live) -> Iterator[str]:
    for expected in live.expected.of("AWS::CloudWatch::Dashboard").values():
        actual = live.ask("cloudwatch", "get_dashboard", DashboardName=expected["DashboardName"])
        if json.loads(actual["DashboardBody"]) != json.loads(expected["DashboardBody"]):
            yield f"The dashboard {expected['DashboardName']} differs from infra/identity.yaml."


CHECKS = (
    Check("logs-retention", "Every log group exists and has the retention time of the stage file.", _retention),
    Check("logs-encryption", "The log groups are encrypted with the key that the stage file selects.", _encryption),
    Check("alarms", "Every alarm has the settings of the deployed templates.", _alarms),
    Check("alarms-actions", "Every alarm notifies the alarm topic.", _actions),
    Check(
        "alarms-readers",
        "The alarm address of the stage file has confirmed its subscription.",
        _readers,
        "Open the link in the mail from AWS.",
    ),
    Check("dashboard", "The dashboard is the one of infra/identity.yaml.", _dashboard),
)
