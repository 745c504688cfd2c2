"""What operators may type: answered by progress on stdout, and by one sentence on stderr when it cannot be done."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core.errors import GatehouseError
from infra.discovery import Client
from infra.errors import OperatorError
from infra.stage import Stage
from operations import policies, stages
from operations.aws import connect as connect_to_aws
from operations.aws import sentence
from operations.invocation import Invocation

PROJECT = Path(__file__).resolve().parents[1]
_STAGE = "one of infra/stages/, without .yaml"
_OR_LOCAL = f"{_STAGE}, or `local` for the cloud that `make run` started"

Run = Callable[[Invocation], int]


def main(words: Sequence[str], project: Path = PROJECT, connect: Callable[[Stage], Client] = connect_to_aws) -> int:
    """Run one command and give the exit status: 1 when it could not be done, or when it has found something.

    connect  gives what makes boto3 clients for a stage

    Raises:  SystemExit with the status 2 for words that are no command
    """
    arguments = parser().parse_args(words)
    try:
        status: int = arguments.run(Invocation(arguments, project, connect))
    except (OperatorError, GatehouseError) as error:
        return _fail(str(error))
    except (BotoCoreError, ClientError) as error:
        return _fail(sentence(error))
    except OSError as error:
        return _fail(f"{error.filename or 'The system'}: {error.strerror or error}")
    except KeyboardInterrupt:
        print("Interrupted: give the same command again to go on.", file=sys.stderr)
        return 130
    return status


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


class _Parser(argparse.ArgumentParser):
    """Answers wrong words in one sentence, and takes no option that is not written out."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}. See `{self.prog} --help`.\n")


def parser() -> argparse.ArgumentParser:
    """The tree of commands; each leaf has its function as the default of `run`."""
    root = _Parser(prog="python manage.py", description="Operates Gatehouse: deploys stages, applies policies.")
    commands = root.add_subparsers(required=True, metavar="COMMAND")
    _add_stage_commands(commands)
    _add_policy_commands(commands)
    return root


def _add_stage_commands(commands: Any) -> None:
    deploy = _add_for_a_stage(
        commands, "deploy", stages.deploy, "bring a stage up, or up to date; doing it twice changes nothing"
    )
    deploy.add_argument("--adopt", metavar="API", help="the REST API to go on with when Chalice's memory of it is lost")
    deploy.add_argument(
        "--allow-replacement",
        action="store_true",
        help="set a user pool, table or key aside if the template demands it",
    )
    _add_policy_options(deploy)
    destroy = _add_for_a_stage(
        commands, "destroy", stages.destroy, "take a stage down; people, policies and documents are kept"
    )
    destroy.add_argument("--purge-data", metavar="STAGE", help="delete those as well: the name of the stage again")
    look = _add_for_a_stage(commands, "verify", stages.verify_stage, "read the deployed stage back, and compare it")
    look.add_argument("--drift", action="store_true", help="let CloudFormation compare as well, which takes it minutes")
    _add_for_a_stage(commands, "outputs", stages.outputs, "what the stage consists of, as JSON")


def _add_policy_commands(commands: Any) -> None:
    text = "check policies/*.yaml, or apply them"
    subcommands = commands.add_parser("policies", help=text, description=text).add_subparsers(
        required=True, metavar="COMMAND"
    )
    apply = _add(subcommands, "apply", policies.apply, "write the files into a stage, effective for the next request")
    apply.add_argument("--stage", required=True, help=_OR_LOCAL)
    _add_policy_options(apply)
    lint = _add(subcommands, "lint", policies.lint, "check the files; offline, unless a stage is given")
    lint.add_argument("--stage", help=f"compare with the groups of this stage's user pool: {_OR_LOCAL}")


def _add_policy_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--overwrite-policies", action="store_true", help="also policies that somebody has changed in the table"
    )
    command.add_argument(
        "--allow-unknown-group", action="store_true", help="also policies of groups that the user pool does not have"
    )


def _add_for_a_stage(commands: Any, name: str, run: Run, text: str) -> argparse.ArgumentParser:
    command = _add(commands, name, run, text)
    command.add_argument("--stage", required=True, help=_STAGE)
    return command


def _add(commands: Any, name: str, run: Run, text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    return command
