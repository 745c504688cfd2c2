"""Defines the operator's command line. Progress goes to stdout, and a failure is one message on stderr."""

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
from operations import fork, policies, stages
from operations.aws import connect as connect_to_aws
from operations.aws import sentence
from operations.invocation import Invocation

PROJECT = Path(__file__).resolve().parents[1]
_STAGE = "name of a file in infra/stages/, without .yaml"
_OR_LOCAL = f"{_STAGE}, or `local` for the cloud that `make run` started"

Run = Callable[[Invocation], int]


def main(words: Sequence[str], project: Path = PROJECT, connect: Callable[[Stage], Client] = connect_to_aws) -> int:
    """Runs one command and returns the exit status. It is 1 for a command that failed or reported a fault.

    connect  returns a function that creates boto3 clients for a stage

    Raises:  SystemExit with the status 2 for invalid arguments
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
        print("Interrupted. To continue, run the same command again.", file=sys.stderr)
        return 130
    return status


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


class _Parser(argparse.ArgumentParser):
    """Reports invalid arguments with one message. Does not accept abbreviated options."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}. See `{self.prog} --help`.\n")


def parser() -> argparse.ArgumentParser:
    """Returns the parser of all commands. The default of `run` is the function of the command."""
    root = _Parser(prog="python manage.py", description="Operates Gatehouse: deploys stages and applies policies.")
    commands = root.add_subparsers(required=True, metavar="COMMAND")
    _add_stage_commands(commands)
    _add_policy_commands(commands)
    _add_fork(commands)
    return root


def _add_stage_commands(commands: Any) -> None:
    deploy = _add_for_a_stage(
        commands, "deploy", stages.deploy, "create or update a stage; a second run changes nothing"
    )
    deploy.add_argument("--adopt", metavar="API", help="id of the REST API to use when Chalice's state is missing")
    deploy.add_argument(
        "--allow-replacement",
        action="store_true",
        help="permit an update that replaces or removes a user pool, a table or a key",
    )
    _add_policy_options(deploy)
    destroy = _add_for_a_stage(
        commands, "destroy", stages.destroy, "delete a stage; the user pool, the tables and the key are retained"
    )
    destroy.add_argument("--purge-data", metavar="STAGE", help="also delete the retained data; repeat the stage's name")
    check = _add_for_a_stage(commands, "verify", stages.verify_stage, "compare the deployed stage with the repository")
    check.add_argument("--drift", action="store_true", help="also run CloudFormation's drift detection (minutes)")
    _add_for_a_stage(commands, "outputs", stages.outputs, "print the outputs of a deployed stage as JSON")


def _add_policy_commands(commands: Any) -> None:
    text = "check or apply policies/*.yaml"
    subcommands = commands.add_parser("policies", help=text, description=text).add_subparsers(
        required=True, metavar="COMMAND"
    )
    apply = _add(subcommands, "apply", policies.apply, "write the files to a stage; effective for the next request")
    apply.add_argument("--stage", required=True, help=_OR_LOCAL)
    _add_policy_options(apply)
    lint = _add(subcommands, "lint", policies.lint, "check the files; without --stage, works offline")
    lint.add_argument("--stage", help=f"compare with the groups of this stage's user pool: {_OR_LOCAL}")


def _add_fork(commands: Any) -> None:
    command = _add(commands, "fork", fork.fork, "make this checkout the start of another application")
    command.add_argument("name", metavar="NAME", help="prefix of the names of stacks and functions")
    command.add_argument("--title", help="title for users (default: NAME, capitalized)")
    command.add_argument(
        "--resource-server", metavar="URL", help="prefix of the custom scopes (default: https://NAME.example)"
    )
    command.add_argument("--keep-sample", action="store_true", help="rename only, and keep the files and reports")


def _add_policy_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--overwrite-policies", action="store_true", help="also replace policies that another author wrote or deleted"
    )
    command.add_argument(
        "--allow-unknown-group", action="store_true", help="also write policies of groups that do not exist"
    )


def _add_for_a_stage(commands: Any, name: str, run: Run, text: str) -> argparse.ArgumentParser:
    command = _add(commands, name, run, text)
    command.add_argument("--stage", required=True, help=_STAGE)
    return command


def _add(commands: Any, name: str, run: Run, text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    return command
