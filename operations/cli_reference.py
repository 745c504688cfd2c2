"""Returns the reference page of the command line, from the commands themselves."""

from collections.abc import Iterator
from typing import Any

CLI_PAGE = "docs/reference/cli.md"
_PROGRAM = "python manage.py"
_WIDTH = 80
_HEAD = f"""# Command line

In a checkout, `{_PROGRAM}` means `.venv/bin/python manage.py`. `make docs` writes this page from the help of the
commands. `make help` lists the targets of `make`. Many of them run one of these commands.
"""
_END = "\n**Next step:** the [runbook](../runbook/README.md) says when to use each command on AWS.\n"


def cli_page(root: Any) -> str:
    """Returns the page, with the help of every command in its order.

    root  Typer's command for the whole tree
    """
    return _HEAD + "".join(_sections(root, root.make_context(_PROGRAM, [], resilient_parsing=True))) + _END


def _sections(command: Any, context: Any) -> Iterator[str]:
    context.terminal_width = context.max_content_width = _WIDTH
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    yield f"\n## {context.command_path.removeprefix(_PROGRAM).strip() or _PROGRAM}\n\n```text\n{text.strip()}\n```\n"
    for name, child in getattr(command, "commands", {}).items():
        yield from _sections(child, child.make_context(name, [], parent=context, resilient_parsing=True))
