"""What operators may type: answered by progress on stdout, and by one sentence on stderr when it cannot be done."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from infra import found
from infra.chalice_state import ChaliceState
from infra.checks.stack import drift
from infra.deploy import Deploy, Options, apply_policies
from infra.destroy import Destroy
from infra.found import Client
from infra.progress import Progress, StepFailed
from infra.stacks import Stacks
from infra.stage import Stage, read_stage
from infra.templates import Refused
from infra.verify import CHECKS, table, verify

PROJECT = Path(__file__).resolve().parents[1]
NO_CREDENTIALS = "There are no AWS credentials: set AWS_PROFILE, or sign in as your account wants it."


def main(words: Sequence[str], project: Path = PROJECT, connect: Callable[[Stage], Client] | None = None) -> int:
    """Run one command and give the exit status: 1 when it could not be done, or when verify has found something.

    connect  gives what makes boto3 clients for a stage
    """
    arguments = _parser().parse_args(words)
    try:
        stage = read_stage(project, arguments.stage)
        client = (connect or _clients)(stage)
        _check_account(stage, client)
        status: int = arguments.run(arguments, project, stage, client)
    except (Refused, StepFailed, BotoCoreError, ClientError) as error:
        print(NO_CREDENTIALS if isinstance(error, NoCredentialsError) else error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: give the same command again to go on.", file=sys.stderr)
        return 130
    return status


def _deploy(arguments: argparse.Namespace, project: Path, stage: Stage, client: Client) -> int:
    progress = Progress(_write)
    options = Options(arguments.adopt, arguments.overwrite_policies, arguments.allow_replacement)
    url = Deploy(project, stage, client, progress)(options)
    findings = verify(stage, client, project)
    bad = [finding for finding in findings if not finding.ok]
    for finding in bad:
        _say(f"NOT {finding.control}: {finding.detail}")
    _say(f"verified: {len(findings) - len(bad)} of {len(findings)} controls hold")
    _say(f"the API: {url}")
    _say("done" if progress.changed else "nothing changed")
    return 1 if bad else 0


def _destroy(arguments: argparse.Namespace, project: Path, stage: Stage, client: Client) -> int:
    if arguments.purge_data not in (None, stage.name):
        raise Refused(f"--purge-data: type the name of the stage again, {stage.name}, if its data shall be deleted")
    progress = Progress(_write)
    Destroy(project, stage, client, progress)(purge=arguments.purge_data is not None)
    _say("done" if progress.changed else "nothing changed")
    return 0


def _verify(arguments: argparse.Namespace, project: Path, stage: Stage, client: Client) -> int:
    findings = verify(stage, client, project, (*CHECKS, drift()) if arguments.drift else CHECKS)
    _say(table(findings))
    return 0 if all(finding.ok for finding in findings) else 1


def _policies(arguments: argparse.Namespace, project: Path, stage: Stage, client: Client) -> int:
    progress = Progress(_write)
    apply_policies(project, _stack_outputs(stage, client), client, progress, arguments.overwrite_policies)
    _say("done" if progress.changed else "nothing changed")
    return 0


def _outputs(_: argparse.Namespace, project: Path, stage: Stage, client: Client) -> int:
    outputs = _stack_outputs(stage, client)
    memory = ChaliceState(project, stage, client).recall()
    api_id = memory.api_id if memory else None
    print(json.dumps({**outputs, **({"ApiUrl": found.api_url(stage, api_id)} if api_id else {})}, indent=2))
    return 0


def _stack_outputs(stage: Stage, client: Client) -> dict[str, str]:
    outputs = Stacks(client("cloudformation")).outputs(stage.stack)
    if not outputs:
        raise Refused(f"The stage {stage.name} is not deployed: run `python manage.py deploy --stage {stage.name}`")
    return outputs


def _check_account(stage: Stage, client: Client) -> None:
    account = client("sts").get_caller_identity()["Account"]  # fails at once where AWS cannot be asked at all
    if stage.account not in (None, account):
        raise Refused(
            f"infra/stages/{stage.name}.yaml: account: the stage belongs to {stage.account},"
            f" and the credentials belong to {account}"
        )


def _clients(stage: Stage) -> Client:
    session: Any = boto3.Session(region_name=stage.region)
    # API Gateway takes a new deployment every five seconds, and Chalice has just made one.
    patient = Config(retries={"mode": "standard", "total_max_attempts": 8})
    return cache(lambda service: session.client(service, config=patient))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python manage.py", description="Deploys Gatehouse to an AWS account.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    every = argparse.ArgumentParser(add_help=False)
    every.add_argument("--stage", required=True, help="one of infra/stages/, without .yaml")

    def add(name: str, run: Callable[..., int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, parents=[every], help=text, description=text)
        command.set_defaults(run=run)
        return command

    deploy = add("deploy", _deploy, "bring a stage up, or up to date; doing it twice changes nothing")
    deploy.add_argument("--adopt", metavar="API", help="the REST API to go on with when Chalice's memory of it is lost")
    deploy.add_argument(
        "--allow-replacement",
        action="store_true",
        help="set a user pool, table or key aside if the template demands it",
    )
    policies = add("policies", _policies, "write the reviewed policies into a deployed stage, and nothing else")
    for command in (deploy, policies):
        command.add_argument(
            "--overwrite-policies", action="store_true", help="also policies that somebody has changed in the table"
        )
    destroy = add("destroy", _destroy, "take a stage down; people, policies and documents are kept")
    destroy.add_argument("--purge-data", metavar="STAGE", help="delete those as well: the name of the stage again")
    look = add("verify", _verify, "read the deployed stage back, and compare it with what it should be")
    look.add_argument("--drift", action="store_true", help="let CloudFormation compare as well, which takes it minutes")
    add("outputs", _outputs, "what the stage consists of, as JSON")
    return parser


def _say(text: str) -> None:
    _write(f"{text}\n")


def _write(text: str) -> None:
    print(text, end="", flush=True)
