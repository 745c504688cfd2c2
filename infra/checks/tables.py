"""Checks the tables: keys, recovery, protection, encryption, expiry and streams."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from infra.checks.check import Check
from infra.checks.compare import differing, shown
from infra.checks.live import Live

_KIND = "AWS::DynamoDB::Table"
_AWS_KEY = "a key that AWS owns"


def table(live: Live, name: str) -> dict[str, Any]:
    """Returns the description of a table, by its logical id."""
    described: dict[str, Any] = live.ask("dynamodb", "describe_table", TableName=live.physical[name])["Table"]
    return described


def _keys(live: Live) -> Iterator[str]:
    for name, expected in live.expected.of(_KIND).items():
        actual = {**table(live, name), **table(live, name).get("BillingModeSummary", {})}
        yield from differing(name, actual, {key: expected[key] for key in ("KeySchema", "BillingMode")})


def _recovery(live: Live) -> Iterator[str]:
    for name in live.expected.of(_KIND):
        backups = live.ask("dynamodb", "describe_continuous_backups", TableName=live.physical[name])
        recovery = backups["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        yield from differing(name, recovery, {"PointInTimeRecoveryStatus": "ENABLED"})


def _protection(live: Live) -> Iterator[str]:
    for name, expected in live.expected.of(_KIND).items():
        setting = {"DeletionProtectionEnabled": expected["DeletionProtectionEnabled"]}
        yield from differing(name, table(live, name), setting)


def _expiry(live: Live) -> Iterator[str]:
    for name, expected in live.expected.of(_KIND).items():
        expiry = live.ask("dynamodb", "describe_time_to_live", TableName=live.physical[name])["TimeToLiveDescription"]
        on = expiry.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
        actual = expiry.get("AttributeName") if on else None
        attribute = expected.get("TimeToLiveSpecification", {}).get("AttributeName")
        if actual != attribute:
            yield f"{name}: the time-to-live attribute is {shown(actual)}. Expected: {shown(attribute)}."


def _streams(live: Live) -> Iterator[str]:
    for name, expected in live.expected.of(_KIND).items():
        stream = table(live, name).get("StreamSpecification", {})
        actual = stream.get("StreamViewType") if stream.get("StreamEnabled") else None
        view = expected.get("StreamSpecification", {}).get("StreamViewType")
        if actual != view:
            yield f"{name}: the stream view type is {shown(actual)}. Expected: {shown(view)}."


def _encryption(live: Live) -> Iterator[str]:
    for name, expected in live.expected.of(_KIND).items():
        actual = table(live, name).get("SSEDescription", {}).get("KMSMasterKeyArn")
        key = expected.get("SSESpecification", {}).get("KMSMasterKeyId")
        if actual != key:
            yield f"{name}: the encryption key is {actual or _AWS_KEY}. Expected: {key or _AWS_KEY}."


def _sharing(live: Live) -> Iterator[str]:
    for name in live.expected.of(_KIND):
        try:
            live.ask("dynamodb", "get_resource_policy", ResourceArn=table(live, name)["TableArn"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "PolicyNotFoundException":
                raise
        else:
            yield f"{name} has a resource policy, which can admit other accounts."


def has_generation(live: Live) -> bool:
    """Returns whether the state table has a generation."""
    key = {"id": {"S": "generation"}}
    return "Item" in live.ask("dynamodb", "get_item", TableName=live.physical["StateTable"], Key=key)


def _generation(live: Live) -> Iterator[str]:
    if not has_generation(live):
        yield "The state table has no generation. All requests of use case 2 get HTTP 500 until one policy is written."


CHECKS = (
    Check("tables-keys", "The tables have the keys and the billing mode of infra/identity.yaml.", _keys),
    Check("tables-recovery", "Point-in-time recovery is on for every table.", _recovery),
    Check("tables-protection", "Deletion protection of the tables is as the stage file specifies.", _protection),
    Check("tables-expiry", "Only items with the time-to-live attribute of infra/identity.yaml expire.", _expiry),
    Check("tables-streams", "The policy table has a stream with old and new images. No other table has one.", _streams),
    Check("tables-encryption", "The tables are encrypted with the key that the stage file selects.", _encryption),
    Check(
        "tables-sharing",
        "No table has a resource policy.",
        _sharing,
        "Remove the policy with `aws dynamodb delete-resource-policy`.",
    ),
    Check(
        "state-generation",
        "The state table has a generation.",
        _generation,
        "If policies exist, see docs/runbook/restore-generation.md.",
        informs=True,
    ),
)
