"""Reports the failure of a trigger that must not raise: one log line and one metric."""

import os

from aws_lambda_powertools import Logger

from chalicelib.metrics import write_metric
from chalicelib.settings import Settings


def report_failure(logger: Logger, what: str, failure: Exception) -> None:
    """Logs a failure with its reason code, and counts it in the metric OnboardingFailed."""
    logger.error(what, extra={"failure": getattr(failure, "code", type(failure).__name__)})
    write_metric(Settings(os.environ).function_name, "OnboardingFailed", 1)
