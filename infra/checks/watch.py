"""What tells of the system: logs that are kept, alarms that reach somebody, a dashboard."""

import json
from collections.abc import Iterator
from typing import Any

from infra.checks.check import Check
from infra.checks.compare import differing
from infra.checks.live import Live

_ALARM = "AWS::CloudWatch::Alarm"


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
        if actual.get("kmsKeyId") != expected.get("KmsKeyId"):
            yield f"{name} is encrypted with {actual.get('kmsKeyId') or 'a key of AWS'}"


def _metric_alarms(live: Live) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    expected = live.expected.of(_ALARM)
    names = [live.physical[name] for name in expected]
    listed = live.listed("cloudwatch", "describe_alarms", "MetricAlarms", AlarmNames=names)
    actual = {alarm["AlarmName"]: alarm for alarm in listed}
    for name, properties in expected.items():
        yield name, actual.get(live.physical[name], {}), properties


def _alarms(live: Live) -> Iterator[str]:
    for name, actual, expected in _metric_alarms(live):
        if not actual:
            yield f"there is no {name}"
            continue
        settings = {key: value for key, value in expected.items() if key not in ("AlarmActions", "AlarmDescription")}
        yield from differing(name, actual, settings)


def _actions(live: Live) -> Iterator[str]:
    for name, actual, expected in _metric_alarms(live):
        if actual:
            yield from differing(name, actual, {"ActionsEnabled": True, "AlarmActions": expected["AlarmActions"]})


def _readers(live: Live) -> Iterator[str]:
    topic = live.physical.get("AlarmTopic")
    if topic is None:
        return  # the account's own topic is told, and who reads that is not this stage's to say
    listed = live.listed("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic)
    confirmed = {item["Endpoint"] for item in listed if item["SubscriptionArn"].startswith("arn:")}
    for expected in live.expected["AlarmTopic"].get("Subscription", []):
        if expected["Endpoint"] not in confirmed:
            yield "the address of the stage's file has not confirmed that it wants them, by the link that AWS has sent"


def _dashboard(live: Live) -> Iterator[str]:
    for expected in live.expected.of("AWS::CloudWatch::Dashboard").values():
        actual = live.ask("cloudwatch", "get_dashboard", DashboardName=expected["DashboardName"])
        if json.loads(actual["DashboardBody"]) != json.loads(expected["DashboardBody"]):
            yield f"{expected['DashboardName']} is another one than the template's"


CHECKS = (
    Check("logs-retention", "Logs are there, and kept for as long as the stage says", _retention),
    Check("logs-encryption", "Logs are encrypted with the key that the stage has chosen", _encryption),
    Check("alarms", "Every alarm of the template watches what it should", _alarms),
    Check("alarms-actions", "Every alarm tells the topic", _actions),
    Check("alarms-readers", "Whom the stage names is told of alarms", _readers),
    Check("dashboard", "The dashboard is the template's", _dashboard),
)
