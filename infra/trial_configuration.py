"""Writes the entry of a trial stage into `.chalice/config.json`, so that `chalice deploy` can deploy the stage."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.declared_functions import read_functions
from infra.expected import Expected, parameter_values
from infra.files import replace_file
from infra.stage import Stage
from infra.templates import read_json

PROJECT = Path(__file__).resolve().parents[1]
_FILE, _TEMPLATE = ".chalice/config.json", ".chalice/package.json"
_PACKAGE = "package"  # the entry of `chalice package`, which nobody deploys
# Chalice imports app.py with the variables of the API, and builds the authorizers and the stream handler from these.
_IMPORT_VARIABLES = {
    "USER_POOL_ARN": "UserPoolArn",
    "POLICY_STREAM_ARN": "PolicyStreamArn",
    "RESOURCE_SERVER": "ResourceServerIdentifier",
}
_NO_API = {"Ref": "RestAPI"}  # the API exists only after `chalice deploy`


def configure(project: Path, stage: Stage, outputs: Mapping[str, str]) -> bool:
    """Writes the entry of a stage. Returns whether it changed.

    outputs  of the identity stack
    """
    config: dict[str, Any] = read_json(project, _FILE)
    entry = {
        "api_gateway_stage": stage.name,
        "api_gateway_endpoint_type": "REGIONAL",
        "minimum_compression_size": 1024,  # bytes; Chalice writes an empty text without it, which some readers reject
        "lambda_functions": _functions(project, stage, outputs),
    }
    if config["stages"].get(stage.name) == entry:
        return False
    config["stages"][stage.name] = entry
    replace_file(project / _FILE, (json.dumps(config, indent=2) + "\n").encode())
    return True


def is_configured(project: Path, stage: str) -> bool:
    """Returns whether `.chalice/config.json` has an entry for a stage: it is deployed by `chalice deploy`."""
    return stage in read_json(project, _FILE)["stages"].keys() - {_PACKAGE}


def application(project: Path, stage: Stage, outputs: Mapping[str, str]) -> Expected:
    """Returns the resources of `.chalice/package.json`, without what refers to the API.

    Raises:  Refused if a parameter has no value
    """
    template = json.loads(json.dumps(read_json(project, _TEMPLATE)), object_hook=lambda item: _without(item, _NO_API))
    values = parameter_values(template["Parameters"], stage.application_parameters(outputs))
    return Expected(template, values, lambda name, what: f"{name}.{what}")


def _without(item: dict[str, Any], value: Any) -> dict[str, Any]:
    return {key: inner for key, inner in item.items() if inner != value}


def _functions(project: Path, stage: Stage, outputs: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Returns the roles, variables and timeouts of the functions, by their names in Chalice."""
    resources, found = application(project, stage, outputs), {}
    for function in read_functions(project):
        properties = resources[function.resource]
        found[function.name] = {
            **({"lambda_timeout": function.timeout} if function.timeout else {}),
            "iam_role_arn": properties["Role"],
            "environment_variables": properties["Environment"]["Variables"],
        }
    found["api_handler"]["environment_variables"] |= {
        variable: outputs[output] for variable, output in _IMPORT_VARIABLES.items()
    }
    return found


def refuse_unconfigured(argv: Sequence[str] | None = None, project: Path = PROJECT) -> None:
    """Raises SystemExit for `chalice deploy` of a stage without an entry: its functions would lack roles."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--project-dir")
    parser.add_argument("--stage", default="dev")  # Chalice's own default
    given, words = parser.parse_known_args((sys.argv if argv is None else argv)[1:])
    if next((word for word in words if not word.startswith("-")), None) != "deploy":
        return
    if not is_configured(project, given.stage):
        raise SystemExit(
            f"Refused: the stage {given.stage} has no entry in {_FILE}, so its functions would have no roles and no"
            f" settings. To deploy the stage, run `python manage.py deploy --stage {given.stage}`. For a trial stage,"
            f" run `python manage.py configure --stage {given.stage}` first."
        )
