"""One invocation of `manage.py`: what a command needs besides its own arguments."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from infra.clients import Client
from infra.stage import Stage
from operations.output import Output

Connect = Callable[[Stage], Client]
Become = Callable[[Sequence[str], Path], int]


@dataclass(frozen=True)
class Invocation:
    """The object of Typer's context: a command reads it as `context.obj`.

    connect  returns a function that creates boto3 clients for a stage
    become   replaces this process by another program, in a folder
    """

    project: Path
    connect: Connect
    become: Become
    output: Output


def connect_to_aws(stage: Stage) -> Client:
    """Connects to the account of a stage. Imports boto3 when a command needs it."""
    from operations.aws import connect

    return connect(stage)


def become_program(words: Sequence[str], folder: Path) -> NoReturn:
    """Replaces this process by another program. The program gets Ctrl-C, and its exit status is the command's.

    words  the path of the program, and its arguments
    """
    os.chdir(folder)
    os.execv(words[0], list(words))  # noqa: S606  # no shell: the words are passed as they are
