"""Recognizes a trial stage, which `chalice deploy` deploys, from any checkout."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.clients import Client
from infra.declared_functions import read_functions
from infra.errors import Refused
from infra.stacks import Stacks
from infra.stage import Stage
from infra.trial_configuration import is_configured


def refuse_deployment(project: Path, stage: Stage, client: Client) -> None:
    """Refuses to deploy a trial stage with CloudFormation. Raises Refused, before anything changes.

    The identity stack of a trial stage names triggers without an alias. After a deployment, the functions of Chalice
    would no longer be its triggers.
    """
    _refuse(project, stage, client, "deploy")
    identity = Stacks(client("cloudformation")).describe(stage.stack) or {}
    parameters = {item["ParameterKey"]: item["ParameterValue"] for item in identity.get("Parameters", [])}
    if parameters.get("TriggerQualifier") == "":
        raise Refused(
            f"Refused: the stack {stage.stack} belongs to a trial stage, because its parameter TriggerQualifier is"
            f" empty. To deploy the stage, first run `python manage.py destroy --stage {stage.name}`."
        )


def refuse_destruction(project: Path, stage: Stage, client: Client) -> None:
    """Refuses to destroy a trial stage while its functions exist. Raises Refused, before anything changes."""
    _refuse(project, stage, client, "destroy")


def _refuse(project: Path, stage: Stage, client: Client, command: str) -> None:
    delete = f"`chalice delete --stage {stage.name}`"
    if is_configured(project, stage.name):
        raise Refused(
            f"Refused: {stage.name} is a trial stage, which `chalice deploy` deploys. To {command} it, first run"
            f" {delete}, and remove its entry from .chalice/config.json."
        )
    if found := list(_functions_of_chalice(project, stage, client)):
        raise Refused(
            f"Refused: {stage.name} is a trial stage, because no stack manages its functions {', '.join(found)}. To"
            f" {command} it, first run {delete} in the checkout that deployed it."
        )


def _functions_of_chalice(project: Path, stage: Stage, client: Client) -> Iterator[str]:
    """Yields the existing functions of a stage that has no application stack."""
    if Stacks(client("cloudformation")).describe(stage.application_stack):
        return
    for function in read_functions(project):
        if _exists(client("lambda"), stage.function(function.name)):
            yield stage.function(function.name)


def _exists(functions: Any, name: str) -> bool:
    try:
        functions.get_function_configuration(FunctionName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return False
    return True
