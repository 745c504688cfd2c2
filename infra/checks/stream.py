"""What follows up edits of policies that other tools make: the stream's mapping, and where failures go."""

from collections.abc import Iterator

from infra import found
from infra.checks.check import Check
from infra.checks.compare import differing, shown
from infra.checks.live import Live
from infra.checks.tables import table


def _mapping(live: Live) -> Iterator[str]:
    mappings = found.mappings(live.stage, live.client)
    if len(mappings) != 1:
        yield f"there are {len(mappings)}"
    stream = table(live, "PolicyTable").get("LatestStreamArn")
    for mapping in mappings:
        if mapping["EventSourceArn"] != stream:
            yield f"{mapping['UUID']} listens to {mapping['EventSourceArn']}, and not to {shown(stream)}"
        if mapping["State"] not in ("Enabled", "Enabling"):
            yield f"{mapping['UUID']} is {mapping['State']}"


def _settings(live: Live) -> Iterator[str]:
    stream = table(live, "PolicyTable").get("LatestStreamArn")
    for mapping in found.mappings(live.stage, live.client):
        if mapping["EventSourceArn"] == stream:
            yield from differing(mapping["UUID"], mapping, live.application.stream_settings)


def _dead_letters(live: Live) -> Iterator[str]:
    wanted = live.wanted["StreamDeadLetters"]
    queue = live.physical["StreamDeadLetters"]
    actual = live.ask("sqs", "get_queue_attributes", QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    yield from differing("the queue", actual, wanted)
    if actual.get("Policy"):
        yield "the queue has a policy of its own"


CHECKS = (
    Check("stream-mapping", "The stream handler listens to the policy table's present stream, once", _mapping),
    Check("stream-settings", "What the stream handler cannot do is tried again, and then set aside", _settings),
    Check("dead-letters", "What was set aside is kept, encrypted, for this account only", _dead_letters),
)
