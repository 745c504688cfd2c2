"""Reads the command tree of `manage.py`: its commands, and whether it accepts a command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from operations.command_line import application


def tree() -> list[tuple[str, Any]]:
    """Returns every command with its words, such as "policies apply". The words of the root are empty."""
    return list(_below("", get_command(application())))


def parse(words: Sequence[str]) -> None:
    """Parses a command line and runs nothing. Raises TyperException for wrong arguments."""
    commands = tree()
    for _, command in commands:
        command.callback = lambda **_: 0
    commands[0][1].main(list(words), prog_name="manage.py", standalone_mode=False)


def _below(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield words, command
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from _below(f"{words} {name}".strip(), inner)
