"""One invocation of a command, with its arguments and its stage."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ConnectionError as NotConnected

from infra.discovery import Client
from infra.errors import Refused
from infra.stacks import Stacks
from infra.stage import Stage, read_stage
from operations.aws import unreachable
from operations.local_cloud import LOCAL, connect_local


@dataclass(frozen=True)
class Invocation:
    """Supplies a command with its arguments, and connects it to AWS on request.

    connect  returns a function that creates boto3 clients for a stage
    """

    arguments: argparse.Namespace
    project: Path
    connect: Callable[[Stage], Client]

    def open_stage(self) -> tuple[Stage, Client]:
        """Reads the stage's file and connects to its account. Raises Refused, BotoCoreError and ClientError."""
        stage = read_stage(self.project, self.arguments.stage)
        client = self.connect(stage)
        _check_account(stage, client)
        return stage, client

    def open_outputs(self) -> tuple[Mapping[str, str], Client]:
        """Connects to a deployed stage or to the local cloud. Returns the identity stack's outputs and the clients."""
        if self.arguments.stage == LOCAL:
            return connect_local(self.project)
        stage, client = self.open_stage()
        return stack_outputs(stage, client), client


def stack_outputs(stage: Stage, client: Client) -> dict[str, str]:
    """Returns the outputs of the identity stack. Raises Refused if the stage is not deployed."""
    outputs = Stacks(client("cloudformation")).outputs(stage.stack)
    if not outputs:
        raise Refused(f"The stage {stage.name} is not deployed. Run `python manage.py deploy --stage {stage.name}`.")
    return outputs


def _check_account(stage: Stage, client: Client) -> None:
    try:
        account = client("sts").get_caller_identity()["Account"]  # fails early if AWS is not reachable
    except NotConnected as error:
        raise Refused(unreachable(stage, error)) from error
    if stage.account not in (None, account):
        raise Refused(
            f"infra/stages/{stage.name}.yaml: account: the stage belongs to the account {stage.account}, but the"
            f" credentials belong to {account}. Sign in to {stage.account}."
        )
