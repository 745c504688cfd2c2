"""Composes the command line of `manage.py`. Progress goes to stdout, and a failure is one message on stderr."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from typer import Typer, TyperException
from typer.core import TyperGroup
from typer.main import get_group

from chalicelib.core.errors import GatehouseError
from infra.errors import OperatorError
from operations import (
    audit,
    bench,
    docs,
    fork,
    local_cloud,
    openapi,
    package,
    policies,
    restrictions,
    revocations,
    shards,
    stages,
    users,
)
from operations.invocation import Become, Connect, Invocation, become_program, connect_to_aws
from operations.output import Output, is_styled

PROJECT = Path(__file__).resolve().parents[1]
PROGRAM = "python manage.py"
FAILED, INTERRUPTED = 1, 130
_STATUS = "Exit status: 0 done; 1 the command failed, or it reported a fault; 2 wrong arguments; 130 interrupted."

Command = Callable[..., int]
# The titles group the commands in `--help` on a terminal. A function gives its command the name and the help.
_COMMANDS: Mapping[str, Sequence[Command]] = {
    "The cloud on this machine": local_cloud.COMMANDS,
    "A stage on AWS": (
        *stages.COMMANDS,
        *revocations.COMMANDS,
        *restrictions.COMMANDS,
        *shards.COMMANDS,
        *audit.COMMANDS,
    ),
    "This checkout": (package.package, openapi.openapi, docs.docs, fork.fork),
}


def main(
    words: Sequence[str],
    project: Path = PROJECT,
    connect: Connect = connect_to_aws,
    become: Become = become_program,
    output: Output | None = None,
) -> int:
    """Runs one command and returns the exit status, as the help documents it.

    connect, become  see Invocation
    output           the default is the standard streams
    """
    output = output or Output(sys.stdout, sys.stderr, is_styled(sys.stdout))
    invocation = Invocation(project, connect, become, output)
    command = _command(output.styled)
    try:
        status: int = command.main(list(words), prog_name=PROGRAM, standalone_mode=False, obj=invocation)
    except (OperatorError, GatehouseError) as error:
        return _fail(output, str(error))
    except TyperException as error:
        return _fail(output, _refusal(error), error.exit_code)
    except _aws_errors() as error:
        from operations.aws import sentence

        return _fail(output, sentence(error))
    except OSError as error:
        return _fail(output, f"{error.filename or 'The system'}: {error.strerror or error}")
    if status == INTERRUPTED:  # Typer returns this status for Ctrl-C
        output.fail("Interrupted. To continue, run the same command again.")
    return status


def application(styled: bool = False) -> Typer:
    """Returns the tree of all commands.

    styled  whether the help has colours and frames
    """
    root = Typer(
        help="Runs, deploys and administers Gatehouse.",
        epilog=_STATUS,
        add_completion=False,  # a shell completes the name of a program, and not `python manage.py`
        pretty_exceptions_enable=False,  # its traceback prints local variables, which can be secrets
        rich_markup_mode="rich" if styled else None,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    for title, commands in _COMMANDS.items():
        for command in commands:
            root.command(rich_help_panel=title)(command)
    files = Typer(help="Check and apply the files in policies/. Show, explain and undo the policies of a stage.")
    for command in policies.COMMANDS:
        files.command()(command)
    root.add_typer(files, name="policies", rich_help_panel="A stage on AWS")
    people = Typer(help="Invite users, set their groups, end their access.")
    for name, user_command in users.COMMANDS.items():
        people.command(name)(user_command)
    root.add_typer(people, name="users", rich_help_panel="A stage on AWS")
    measurements = Typer(invoke_without_command=True, subcommand_metavar="[COMMAND]")
    measurements.callback()(bench.measure)
    for command in bench.COMMANDS:
        measurements.command()(command)
    root.add_typer(measurements, name="bench", rich_help_panel="This checkout")
    return root


@cache  # the tests run hundreds of commands in one process
def _command(styled: bool) -> TyperGroup:
    return get_group(application(styled))


def _refusal(error: TyperException) -> str:
    """Returns one line about wrong arguments, with the command whose help explains them."""
    context = getattr(error, "ctx", None)
    program = context.command_path if context else PROGRAM
    message = " ".join(error.format_message().split()).rstrip(".")
    end = "" if message.endswith("?") else "."
    return f"{program}: {message}{end} See `{program} --help`."


def _aws_errors() -> tuple[type[Exception], ...]:
    """Returns the errors of AWS. A command that ends without another error does not pay for this import."""
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError


def _fail(output: Output, message: str, status: int = FAILED) -> int:
    output.fail(message)
    return status
