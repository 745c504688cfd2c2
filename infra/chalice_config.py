"""Writes and removes the entry of a stage in `.chalice/config.json`, which `chalice deploy` reads."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.application import Application
from infra.files import replace_file
from infra.stage import Stage
from infra.templates import read_json

_FILE = ".chalice/config.json"
# Every stage uses the timeouts and sizes of this stage.
_PATTERN = "package"


def write_config(project: Path, stage: Stage, application: Application) -> bool:
    """Writes the stage's entry. Returns whether it changed. Other entries remain unchanged."""
    before = read_json(project, _FILE)["stages"].get(stage.name)
    after = config_of(project, stage, application)
    if after["stages"][stage.name] == before:
        return False
    replace_file(project / _FILE, (json.dumps(after, indent=2) + "\n").encode())
    return True


def drop_config(project: Path, stage: Stage) -> bool:
    """Removes the stage's entry. Returns whether there was one."""
    config = read_json(project, _FILE)
    if config["stages"].pop(stage.name, None) is None:
        return False
    replace_file(project / _FILE, (json.dumps(config, indent=2) + "\n").encode())
    return True


def config_of(project: Path, stage: Stage, application: Application) -> dict[str, Any]:
    """Returns the whole file with the stage's new entry."""
    config: dict[str, Any] = read_json(project, _FILE)
    entry = _entry(stage, application)
    # The first layer sets the order of the keys, so that every checkout writes the same file. The last sets the values.
    before, pattern = config["stages"].get(stage.name, {}), config["stages"][_PATTERN]
    return {**config, "stages": {**config["stages"], stage.name: merged(entry, before, pattern, entry)}}


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Merges mappings recursively. A later value replaces an earlier one."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            result[key] = merged(result.get(key, {}), value) if isinstance(value, Mapping) else value
    return result


def _entry(stage: Stage, application: Application) -> dict[str, Any]:
    return {
        "api_gateway_stage": stage.name,
        "api_gateway_endpoint_type": "REGIONAL",
        "minimum_compression_size": 1024,  # bytes; Chalice writes an empty text without it, which some readers reject
        "lambda_functions": {
            function.name: {"iam_role_arn": function.role, "environment_variables": dict(function.environment)}
            for function in application.functions
        },
    }
