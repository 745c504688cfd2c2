"""Checks the event source mapping of the stream handler, and its dead-letter queue."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from infra.alias_calls import LIVE
from infra.checks.check import Check
from infra.checks.compare import differing, shown
from infra.checks.live import Live
from infra.checks.tables import table

_PAUSE = 2.0  # seconds
_ATTEMPTS = 60  # Lambda creates or updates a mapping for up to a minute


def mapping(sleep: Callable[[float], None] = time.sleep) -> Check:
    """Checks the mapping when it is in a stable state. Waits two minutes at most."""

    def differences(live: Live) -> Iterator[str]:
        found = _stable(live, sleep)
        if len(found) != 1:
            yield f"The stream handler has {len(found)} event source mappings. Expected: 1."
        stream = table(live, "PolicyTable").get("LatestStreamArn")
        for item in found:
            if item["EventSourceArn"] != stream:
                yield f"The mapping {item['UUID']} reads {item['EventSourceArn']}. Expected: {shown(stream)}."
            if not item["FunctionArn"].endswith(f":{LIVE}"):
                yield f"The mapping {item['UUID']} calls {item['FunctionArn']}. Expected: the alias {LIVE}."
            if item["State"] != "Enabled":
                yield f"The mapping {item['UUID']} is {item['State']}. Expected: Enabled."

    return Check(
        "stream-mapping",
        "One enabled event source mapping connects the policy table's current stream to the stream handler.",
        differences,
    )


def mappings(live: Live) -> list[dict[str, Any]]:
    """Returns the event source mappings of the stream handler and of its alias."""
    # The documentation does not say whether the name of a function also finds the mappings of its alias.
    name = live.stage.function("policy_changed")
    found: dict[str, dict[str, Any]] = {}
    for function in (name, f"{name}:{LIVE}"):
        pages = live.client("lambda").get_paginator("list_event_source_mappings").paginate(FunctionName=function)
        found |= {item["UUID"]: item for page in pages for item in page["EventSourceMappings"]}
    return [item for item in found.values() if item["State"] != "Deleting"]


def _stable(live: Live, sleep: Callable[[float], None]) -> list[dict[str, Any]]:
    found = mappings(live)
    for _ in range(_ATTEMPTS):
        if not any(item["State"].endswith("ing") for item in found):  # Creating, Enabling, Updating, Disabling
            break
        sleep(_PAUSE)
        found = mappings(live)
    return found


def _settings(live: Live) -> Iterator[str]:
    stream = table(live, "PolicyTable").get("LatestStreamArn")
    for item in mappings(live):
        if item["EventSourceArn"] == stream:
            yield from differing(item["UUID"], item, _expected_settings(live))


def _expected_settings(live: Live) -> dict[str, Any]:
    (mapping,) = live.application.expected.of("AWS::Lambda::EventSourceMapping").values()
    return {key: value for key, value in mapping.items() if key not in ("EventSourceArn", "FunctionName")}


def _dead_letters(live: Live) -> Iterator[str]:
    expected = live.expected["StreamDeadLetters"]
    queue = live.physical["StreamDeadLetters"]
    actual = live.ask("sqs", "get_queue_attributes", QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    yield from differing("The dead-letter queue", actual, expected)
    if actual.get("Policy"):
        yield "The dead-letter queue has an access policy, which can admit other accounts. Expected: not set."


CHECKS = (
    mapping(),
    Check("stream-settings", "Failed stream records are retried and then sent to the dead-letter queue.", _settings),
    Check(
        "dead-letters",
        "The dead-letter queue has the settings of infra/identity.yaml and no access policy.",
        _dead_letters,
    ),
)
