"""The stream handler's mapping: the one mapping that is current, with the settings that Chalice cannot give it."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from infra import discovery
from infra.comparison import covers
from infra.errors import DeploymentFailed
from infra.stage import Stage

_PAUSE, _ATTEMPTS = 2.0, 90  # seconds; a mapping that was just made is ready within a minute

Sleep = Callable[[float], None]


def prune(
    stage: Stage, client: discovery.Client, deployed: Mapping[str, Any] | None, stream: str, sleep: Sleep = time.sleep
) -> tuple[Mapping[str, Any] | None, int]:
    """Delete mappings to streams that are gone, and second ones; give the memory without them, and their number.

    Chalice keeps a mapping whose stream has changed, without a word: it compares what it remembers with itself.
    """
    live = discovery.mappings(stage, client)
    current = [item for item in live if item["EventSourceArn"] == stream]
    remembered = {item.get("event_uuid") for item in (deployed or {}).get("resources", [])}
    keep = next((item for item in current if item["UUID"] in remembered), next(iter(current), None))
    gone = [item for item in live if item is not keep]
    for item in gone:
        _settle(client, item["UUID"], sleep)
        client("lambda").delete_event_source_mapping(UUID=item["UUID"])
    if deployed is None:
        return None, len(gone)
    others = [item for item in deployed["resources"] if item["name"] != discovery.MAPPING]
    expected = [discovery.mapping_resource(keep)] if keep else []
    if [item for item in deployed["resources"] if item["name"] == discovery.MAPPING] == expected:
        return deployed, len(gone)
    return {**deployed, "resources": others + expected}, len(gone)


def reconcile(stage: Stage, client: discovery.Client, settings: Mapping[str, Any], sleep: Sleep = time.sleep) -> bool:
    """Give every mapping of the handler its settings, and say whether one lacked them; all are ready afterwards."""
    changed = False
    for item in discovery.mappings(stage, client):
        _settle(client, item["UUID"], sleep)
        if not covers(item, settings):
            client("lambda").update_event_source_mapping(UUID=item["UUID"], **settings)
            _settle(client, item["UUID"], sleep)
            changed = True
    return changed


def _settle(client: discovery.Client, uuid: str, sleep: Sleep) -> None:
    # While it is Creating, Enabling, Updating and so on, Lambda answers every change with ResourceInUseException.
    for _ in range(_ATTEMPTS):
        state = client("lambda").get_event_source_mapping(UUID=uuid)["State"]
        if not state.endswith("ing"):
            return
        sleep(_PAUSE)
    raise DeploymentFailed(f"the stream mapping {uuid} is still {state} after {_PAUSE * _ATTEMPTS:.0f} seconds")
