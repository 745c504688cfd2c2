"""The tables: kept safe, sealed, and each with the one stream or expiry that it needs."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from infra.checks.check import Check
from infra.checks.compare import differing, shown
from infra.checks.live import Live

_KIND = "AWS::DynamoDB::Table"


def table(live: Live, name: str) -> dict[str, Any]:
    """A table as it is, by its name in the stack."""
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
        if actual != expected.get("TimeToLiveSpecification", {}).get("AttributeName"):
            yield f"{name}: items expire by {shown(actual)}"


def _streams(live: Live) -> Iterator[str]:
    for name, expected in live.expected.of(_KIND).items():
        stream = table(live, name).get("StreamSpecification", {})
        actual = stream.get("StreamViewType") if stream.get("StreamEnabled") else None
        if actual != expected.get("StreamSpecification", {}).get("StreamViewType"):
            yield f"{name}: its stream shows {shown(actual)}"


def _encryption(live: Live) -> Iterator[str]:
    for name, expected in live.expected.of(_KIND).items():
        actual = table(live, name).get("SSEDescription", {}).get("KMSMasterKeyArn")
        if actual != expected.get("SSESpecification", {}).get("KMSMasterKeyId"):
            yield f"{name}: is encrypted with {actual or 'a key of AWS'}"


def _sharing(live: Live) -> Iterator[str]:
    for name in live.expected.of(_KIND):
        try:
            live.ask("dynamodb", "get_resource_policy", ResourceArn=table(live, name)["TableArn"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "PolicyNotFoundException":
                raise
        else:
            yield f"{name} has a policy of its own"


def _generation(live: Live) -> Iterator[str]:
    key = {"id": {"S": "generation"}}
    if "Item" not in live.ask("dynamodb", "get_item", TableName=live.physical["StateTable"], Key=key):
        yield "there is none yet: the first policy that is written begins it, and until then nobody is let in"


CHECKS = (
    Check("tables-keys", "The tables have the template's keys, and are paid by the request", _keys),
    Check("tables-recovery", "Every table can be restored to any second of the last weeks", _recovery),
    Check("tables-protection", "No table can be deleted by a slip, if the stage wants that", _protection),
    Check("tables-expiry", "Revocations expire, and nothing else does", _expiry),
    Check("tables-streams", "The policy table has a stream, which shows what was and what is", _streams),
    Check("tables-encryption", "The tables are encrypted with the key that the stage has chosen", _encryption),
    Check("tables-sharing", "The tables are for this account's roles only", _sharing),
    Check("state-generation", "The guard table has a generation", _generation, informs=True),
)
