"""Ends old decisions after a lockdown or a revocation, and tells the operator how long they can live."""

from typing import Any

from infra.cached_results import flush_cached_results
from infra.clients import Client
from infra.stage import Stage
from operations.invocation import Invocation


def end_old_results(invocation: Invocation, stage: Stage, client: Client, as_json: bool) -> dict[str, Any]:
    """Flushes the cache of results, if the stage has one. Returns the fields for `--json`. Says the rest otherwise."""
    old = flush_cached_results(stage, client)
    if old.failed:
        invocation.output.fail(f"Warning: {old.notes}")
    elif old.notes and not as_json:
        invocation.output.say(old.notes)
    return {"old_results_until": old.until}
