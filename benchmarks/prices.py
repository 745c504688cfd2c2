"""AWS's list prices in us-east-1, in US dollars, with their sources. This module computes no price."""

from dataclasses import dataclass
from math import inf
from typing import Literal

READ_ON = "2026-11-22"

Evidence = Literal["AWS", "quoted", "assumed"]  # a page of AWS, a page that quotes AWS, or no page


@dataclass(frozen=True, slots=True)
class Price:
    """One price.

    steps   (maximum units a month, dollars for each unit above the previous step)
    source  the page that states the price
    """

    unit: str
    steps: tuple[tuple[float, float], ...]
    evidence: Evidence
    source: str

    def of(self, units: float) -> float:
        total, below = 0.0, 0.0
        for most, dollars in self.steps:
            total += max(0.0, min(units, most) - below) * dollars
            below = most
        return total


def flat(unit: str, dollars: float, evidence: Evidence, source: str) -> Price:
    return Price(unit, ((inf, dollars),), evidence, source)


_MILLIONTH = 1e-6
_LAMBDA = "“How AWS Pricing Works”, Lambda"
_SNAPSTART = "AWS Negotiations, “Lambda SnapStart Cost Impact”, 2026-05"
_SIGNOZ = "SigNoz, “CloudWatch Pricing Without the Confusion”, 2026-02"
_HIVEBOOK = "Hivebook, “CloudWatch Logs cost”"
_COGNITO = "API Evangelist, “amazon-cognito-plans-pricing”, from AWS's page of 2026-09-20"
_C3X = "C3X, “AWS WAF cost explained”"

API_CALL = Price(
    "authorized request",
    (
        (333e6, 3.50 * _MILLIONTH),
        (1_000e6, 2.80 * _MILLIONTH),
        (20_000e6, 2.38 * _MILLIONTH),
        (inf, 1.51 * _MILLIONTH),
    ),
    "AWS",
    "“Best Practices for Designing Amazon API Gateway Private APIs”, table 4",
)
INVOCATION = flat("Lambda invocation", 0.20 * _MILLIONTH, "AWS", _LAMBDA)
GB_SECOND = flat("Lambda GB-second", 0.00001667, "AWS", _LAMBDA)
PROVISIONED_GB_SECOND = flat(
    "GB-second of provisioned concurrency", 0.0000041667, "quoted", "public repositories that copy AWS's price list"
)
PROVISIONED_CALL_GB_SECOND = flat(
    "GB-second of a call with provisioned concurrency",
    0.0000097222,
    "quoted",
    "public repositories that copy AWS's price list",
)
SNAPSHOT_GB_SECOND = flat("GB-second of a SnapStart snapshot", 0.0000015046, "quoted", _SNAPSTART)
RESTORED_GB = flat("GB that SnapStart restores", 0.0001397998, "quoted", _SNAPSTART)
READ_UNIT = flat(
    "DynamoDB read request unit", 0.125 * _MILLIONTH, "quoted", "Airbyte, “Amazon DynamoDB Pricing”, 2025-07"
)
LOG_GB = flat("GB of ingested log", 0.50, "quoted", _HIVEBOOK)
LOG_GB_MONTH = flat("GB of stored log for a month", 0.03, "quoted", _HIVEBOOK)
METRIC = flat("custom metric", 0.30, "quoted", _SIGNOZ)
ALARM = flat("alarm", 0.10, "quoted", "C3X, “aws_cloudwatch_metric_alarm”")
OUT_GB = flat(
    "GB sent to the internet", 0.09, "quoted", "AWS for Engineers, “AWS API Gateway Pricing Explained”, 2025-05"
)
ACTIVE_USER = Price("monthly active user, ESSENTIALS", ((10_000, 0.0), (inf, 0.015)), "quoted", _COGNITO)
ACTIVE_USER_LITE = Price(
    "monthly active user, LITE (less for large numbers)", ((10_000, 0.0), (inf, 0.0055)), "quoted", _COGNITO
)
ACTIVE_USER_PLUS = flat("monthly active user, PLUS", 0.020, "quoted", _COGNITO)
COMPANY_USER = Price("monthly active user by SAML or OIDC, every tier", ((50, 0.0), (inf, 0.015)), "quoted", _COGNITO)
MACHINE_TOKEN = flat("machine token", 0.00225, "quoted", "Vantage, “CUPM2MTokenRequestsFull”, 2025-04")
SECRET = flat("secret", 0.40, "quoted", "Hivebook, “AWS Secrets Manager”")
CUSTOMER_KEY = flat("customer managed key", 1.00, "AWS", "“AWS KMS Pricing”")
FIREWALL = flat("web ACL with two rules", 7.00, "quoted", _C3X)
FIREWALL_REQUEST = flat("request that the web ACL inspects", 0.60 * _MILLIONTH, "quoted", _C3X)

ALL = (
    API_CALL,
    INVOCATION,
    GB_SECOND,
    PROVISIONED_GB_SECOND,
    PROVISIONED_CALL_GB_SECOND,
    SNAPSHOT_GB_SECOND,
    RESTORED_GB,
    READ_UNIT,
    LOG_GB,
    LOG_GB_MONTH,
    METRIC,
    ALARM,
    OUT_GB,
    ACTIVE_USER,
    ACTIVE_USER_LITE,
    ACTIVE_USER_PLUS,
    COMPANY_USER,
    MACHINE_TOKEN,
    SECRET,
    CUSTOMER_KEY,
    FIREWALL,
    FIREWALL_REQUEST,
)
