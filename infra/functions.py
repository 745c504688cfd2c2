"""Sets the environment of the deployed functions, and computes a fingerprint of a deployment."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from platform import python_version_tuple
from typing import Any

from infra import discovery
from infra.application import Function
from infra.stage import Stage
from infra.templates import read_json

_FILES, _FOLDERS = ("app.py", "requirements.txt"), ("chalicelib", "vendor")  # Chalice ships these, or builds from them
_COMPARED = ("CodeSha256", "Environment", "Handler", "MemorySize", "Role", "Runtime", "Timeout")


def reconcile(stage: Stage, client: discovery.Client, functions: Iterable[Function]) -> bool:
    """Sets the missing variables of each function, such as the API's id. Returns whether anything changed."""
    service, changed = client("lambda"), False
    for function in functions:
        name = stage.function(function.name)
        actual = service.get_function_configuration(FunctionName=name).get("Environment", {}).get("Variables", {})
        if not function.environment.items() <= actual.items():
            variables = {**actual, **function.environment}
            service.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
            service.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
            changed = True
    return changed


def fingerprint(
    project: Path,
    stage: Stage,
    client: discovery.Client,
    deployed: Mapping[str, Any],
    config: Mapping[str, Any] | None = None,
) -> str:
    """Returns a hash of the sources and of the deployed functions, or an empty text if a resource is missing.

    config  Chalice's configuration; None for the file of this checkout
    """
    live = _live(stage, client, deployed)
    sources = _sources(project, stage, read_json(project, ".chalice/config.json") if config is None else config)
    return hashlib.sha256((sources + live).encode()).hexdigest() if live else ""


def _sources(project: Path, stage: Stage, config: Mapping[str, Any]) -> str:
    parts: list[Any] = [version("chalice"), python_version_tuple()[:2], _only(config, stage)]
    for path in sorted(_shipped(project)):
        parts.append([str(path.relative_to(project)), hashlib.sha256(path.read_bytes()).hexdigest()])
    return json.dumps(parts, sort_keys=True)


def _shipped(project: Path) -> Iterator[Path]:
    yield from (project / name for name in _FILES)
    for folder in _FOLDERS:
        for root, _, names in os.walk(project / folder, followlinks=True):  # vendor/ contains links
            if not root.endswith("__pycache__"):
                yield from (Path(root) / name for name in names)


def _only(config: Mapping[str, Any], stage: Stage) -> dict[str, Any]:
    return {**config, "stages": config["stages"][stage.name]}


def _live(stage: Stage, client: discovery.Client, deployed: Mapping[str, Any]) -> str:
    service, gateway = client("lambda"), client("apigateway")
    parts: list[Any] = []
    try:
        gateway.get_stage(restApiId=discovery.rest_api_id(deployed), stageName=stage.name)
        for item in deployed["resources"]:
            if item["resource_type"] == "lambda_function":
                function = service.get_function_configuration(FunctionName=item["lambda_arn"])
                parts.append({key: function.get(key) for key in _COMPARED})
    except (gateway.exceptions.NotFoundException, service.exceptions.ResourceNotFoundException):
        return ""
    return json.dumps(parts, sort_keys=True)
