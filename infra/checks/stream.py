"""What follows up edits of policies that other tools make: the stream's mapping, and where failures go."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from infra import discovery
from infra.checks.check import Check
from infra.checks.compare import differing, shown
from infra.checks.live import Live
from infra.checks.tables import table

_PAUSE = 2.0  # seconds
_PATIENCE = 60  # times that are asked: a new mapping is `Creating` for up to a minute, a changed one `Updating`


def mapping(sleep: Callable[[float], None] = time.sleep) -> Check:
    """Look at the mapping once it has come to rest, for which this waits two minutes at most."""

    def differences(live: Live) -> Iterator[str]:
        mappings = _at_rest(live, sleep)
        if len(mappings) != 1:
            yield f"there are {len(mappings)}"
        stream = table(live, "PolicyTable").get("LatestStreamArn")
        for item in mappings:
            if item["EventSourceArn"] != stream:
                yield f"{item['UUID']} listens to {item['EventSourceArn']}, and not to {shown(stream)}"
            if item["State"] != "Enabled":
                yield f"{item['UUID']} is {item['State']}"

    return Check("stream-mapping", "The stream handler listens to the policy table's present stream, once", differences)


def _at_rest(live: Live, sleep: Callable[[float], None]) -> list[dict[str, Any]]:
    mappings = discovery.mappings(live.stage, live.client)
    for _ in range(_PATIENCE):
        if not any(item["State"].endswith("ing") for item in mappings):  # Creating, Enabling, Updating, Disabling
            break
        sleep(_PAUSE)
        mappings = discovery.mappings(live.stage, live.client)
    return mappings


def _settings(live: Live) -> Iterator[str]:
    stream = table(live, "PolicyTable").get("LatestStreamArn")
    for item in discovery.mappings(live.stage, live.client):
        if item["EventSourceArn"] == stream:
            yield from differing(item["UUID"], item, live.application.stream_settings)


def _dead_letters(live: Live) -> Iterator[str]:
    expected = live.expected["StreamDeadLetters"]
    queue = live.physical["StreamDeadLetters"]
    actual = live.ask("sqs", "get_queue_attributes", QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    yield from differing("the queue", actual, expected)
    if actual.get("Policy"):
        yield "the queue has a policy of its own"


CHECKS = (
    mapping(),
    Check("stream-settings", "What the stream handler cannot do is tried again, and then set aside", _settings),
    Check("dead-letters", "What was set aside is kept, encrypted, for this account only", _dead_letters),
)
