"""`.chalice/config.json`: the entry of one stage, written for `chalice deploy`, and dropped with the stage."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.application import Application
from infra.files import replace_file
from infra.stage import Stage
from infra.templates import read_json

_FILE = ".chalice/config.json"
# The stage whose timeouts and sizes all others take over.
_PATTERN = "package"


def write_config(project: Path, stage: Stage, application: Application) -> bool:
    """Write the stage's entry, and say whether it is another one than before; everything else is kept as it is."""
    before = read_json(project, _FILE)["stages"].get(stage.name)
    after = config_of(project, stage, application)
    if after["stages"][stage.name] == before:
        return False
    replace_file(project / _FILE, (json.dumps(after, indent=2) + "\n").encode())
    return True


def drop_config(project: Path, stage: Stage) -> bool:
    """Take the stage's entry away, and say whether there was one."""
    config = read_json(project, _FILE)
    if config["stages"].pop(stage.name, None) is None:
        return False
    replace_file(project / _FILE, (json.dumps(config, indent=2) + "\n").encode())
    return True


def config_of(project: Path, stage: Stage, application: Application) -> dict[str, Any]:
    """The whole file, with the stage's entry as it would be written."""
    config: dict[str, Any] = read_json(project, _FILE)
    entry = _entry(stage, application)
    # The entry twice: once for the order of the keys, so that every checkout writes the same, and once for the values.
    before, pattern = config["stages"].get(stage.name, {}), config["stages"][_PATTERN]
    return {**config, "stages": {**config["stages"], stage.name: merged(entry, before, pattern, entry)}}


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
