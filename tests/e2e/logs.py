"""Reads the logs of the functions, with the credentials of the account's owner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from local.cloud import LocalCloud
from tests.configured import APP


def messages(local_cloud: LocalCloud, group: str, pattern: str = "") -> Iterator[str]:
    """Returns the lines of a log group that match a filter pattern, oldest first."""
    pages = local_cloud.client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=group, filterPattern=pattern):
        for event in page["events"]:
            yield event["message"]


def lines(local_cloud: LocalCloud, function: str) -> Iterator[dict[str, Any]]:
    """Returns the JSON lines of one function, oldest first.

    function  the end of its name: `policy_changed`
    """
    # The emulator returns 10,000 lines at most. Few lines contain a brace.
    for message in messages(local_cloud, f"/aws/lambda/{APP}-local-{function}", '"{"'):
        if message.startswith("{"):
            yield json.loads(message)
