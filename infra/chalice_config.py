"""`.chalice/config.json`: the entry of one stage, written for `chalice deploy`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.application import Application
from infra.stage import Stage
from infra.templates import read_json

_FILE = ".chalice/config.json"
# The stage whose timeouts and sizes all others take over.
_PATTERN = "package"


def write_config(project: Path, stage: Stage, application: Application) -> bool:
    """Write the stage's entry, and say whether it is another one than before; everything else is kept as it is."""
    config = read_json(project, _FILE)
    before = config["stages"].get(stage.name)
    entry = _entry(stage, application)
    # The entry twice: once for the order of the keys, so that every checkout writes the same, and once for the values.
    after = merged(entry, before or {}, config["stages"][_PATTERN], entry)
    if after == before:
        return False
    config["stages"][stage.name] = after
    (project / _FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return True


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Lay mappings over each other, deeply; the later one wins."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            result[key] = merged(result.get(key, {}), value) if isinstance(value, Mapping) else value
    return result


def _entry(stage: Stage, application: Application) -> dict[str, Any]:
    return {
        "api_gateway_stage": stage.name,
        "api_gateway_endpoint_type": "REGIONAL",
        "minimum_compression_size": 1024,  # bytes; unsaid, it is written as an empty text, which not everybody reads
        "lambda_functions": {
            function.name: {"iam_role_arn": function.role, "environment_variables": dict(function.environment)}
            for function in application.functions
        },
    }
