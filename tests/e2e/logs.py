"""What the Lambdas wrote into their logs, read by the owner of the account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from local.cloud import LocalCloud


def messages(local_cloud: LocalCloud, group: str, pattern: str = "") -> Iterator[str]:
    """The lines of a log group that match a filter pattern, oldest first."""
    pages = local_cloud.client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=group, filterPattern=pattern):
        for event in page["events"]:
            yield event["message"]


def lines(local_cloud: LocalCloud, function: str) -> Iterator[dict[str, Any]]:
    """The JSON lines of one function, oldest first.

    function  the end of its name: `policy_changed`
    """
    # The emulator gives no more than 10,000 lines: those with a brace are few.
    for message in messages(local_cloud, f"/aws/lambda/gatehouse-local-{function}", '"{"'):
        if message.startswith("{"):
            yield json.loads(message)
