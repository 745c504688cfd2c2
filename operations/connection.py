"""Connects a command to its stage on AWS, or to the local cloud."""

from collections.abc import Mapping

from botocore.exceptions import ConnectionError as NotConnected

from chalicelib.stage_rules import StageRules
from infra.clients import Client
from infra.errors import Refused
from infra.stacks import Stacks
from infra.stage import Stage, local_stage, read_stage
from infra.stage_rules import read_rules
from operations.aws import unreachable
from operations.invocation import Invocation
from operations.local_connection import LOCAL, connect_local, connect_local_stage


def open_stage(invocation: Invocation, name: str) -> tuple[Stage, Client]:
    """Reads the stage's file and connects to its account. Raises Refused, BotoCoreError and ClientError."""
    stage = read_stage(invocation.project, name)
    client = invocation.connect(stage)
    _check_account(stage, client)
    return stage, client


def open_outputs(invocation: Invocation, name: str) -> tuple[Mapping[str, str], Client]:
    """Connects to a deployed stage or to the local cloud. Returns the identity stack's outputs and the clients."""
    if name == LOCAL:
        outputs, client, _ = connect_local(invocation.project)
        return outputs, client
    stage, client = open_stage(invocation, name)
    return stack_outputs(stage, client), client


def open_rules(invocation: Invocation, name: str) -> tuple[Mapping[str, str], Client, StageRules]:
    """Connects as `open_outputs` does, and also returns the rules of the stage.

    If the stage has no application stack, a message on standard error says which rules are assumed.
    """
    if name == LOCAL:
        outputs, client, stack = connect_local(invocation.project)
        read = read_rules(client, stack, None)
    else:
        stage, client = open_stage(invocation, name)
        outputs = stack_outputs(stage, client)
        read = read_rules(client, stage.application_stack, stage)
    if read.assumed:
        invocation.output.fail(read.assumed)
    return outputs, client, read.rules


def open_deployed(invocation: Invocation, name: str) -> tuple[Stage, Client]:
    """Connects to a deployed stage or to the local cloud. Raises Refused for a stage that is not deployed."""
    if name == LOCAL:
        return connect_local_stage(invocation.project)
    stage, client = open_stage(invocation, name)
    stack_outputs(stage, client)
    return stage, client


def named_stage(invocation: Invocation, name: str, client: Client) -> Stage:
    """Returns the stage that a command is already connected to. Raises Refused."""
    if name == LOCAL:
        return local_stage(invocation.project, client("sts").meta.region_name)
    return read_stage(invocation.project, name)


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
