"""Keeps one event source mapping for the stream handler, and sets what Chalice cannot set on it."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from infra import discovery
from infra.comparison import covers
from infra.errors import DeploymentFailed
from infra.stage import Stage

_PAUSE, _ATTEMPTS = 2.0, 90  # seconds; a new mapping is ready within a minute

Sleep = Callable[[float], None]


def prune(
    stage: Stage, client: discovery.Client, deployed: Mapping[str, Any] | None, stream: str, sleep: Sleep = time.sleep
) -> tuple[Mapping[str, Any] | None, int]:
    """Deletes mappings of old streams and duplicates. Returns the corrected state, and the number of deleted mappings.

    Chalice does not notice that the stream of a mapping has changed, because it reads the ARN from its own state.
    """
    live = discovery.mappings(stage, client)
    current = [item for item in live if item["EventSourceArn"] == stream]
    known = {item.get("event_uuid") for item in (deployed or {}).get("resources", [])}
    keep = next((item for item in current if item["UUID"] in known), next(iter(current), None))
    deleted = [item for item in live if item is not keep]
    for item in deleted:
        _settle(client, item["UUID"], sleep)
        client("lambda").delete_event_source_mapping(UUID=item["UUID"])
    if deployed is None:
        return None, len(deleted)
    others = [item for item in deployed["resources"] if item["name"] != discovery.MAPPING]
    expected = [discovery.mapping_resource(keep)] if keep else []
    if [item for item in deployed["resources"] if item["name"] == discovery.MAPPING] == expected:
        return deployed, len(deleted)
    return {**deployed, "resources": others + expected}, len(deleted)


def reconcile(stage: Stage, client: discovery.Client, settings: Mapping[str, Any], sleep: Sleep = time.sleep) -> bool:
    """Sets the settings of every mapping and waits until it is ready. Returns whether anything changed."""
    changed = False
    for item in discovery.mappings(stage, client):
        _settle(client, item["UUID"], sleep)
        if not covers(item, settings):
            client("lambda").update_event_source_mapping(UUID=item["UUID"], **settings)
            _settle(client, item["UUID"], sleep)
            changed = True
    return changed


def _settle(client: discovery.Client, uuid: str, sleep: Sleep) -> None:
    # In a state such as Creating, Enabling or Updating, Lambda rejects every change with ResourceInUseException.
    for _ in range(_ATTEMPTS):
        state = client("lambda").get_event_source_mapping(UUID=uuid)["State"]
        if not state.endswith("ing"):
            return
        sleep(_PAUSE)
    raise DeploymentFailed(f"the stream mapping {uuid} is still in the state {state} after {_PAUSE * _ATTEMPTS:.0f} s")
