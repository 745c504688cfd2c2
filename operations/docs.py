"""The command `docs`: writes the reference pages that follow from the code."""

from typer import Context

from operations.invocation import Invocation


def docs(context: Context) -> int:
    """Write the reference pages that are generated from the code."""
    from operations.cli_reference import CLI_PAGE, cli_page
    from operations.reference import SETTINGS_PAGE, write_reference

    invocation: Invocation = context.obj
    write_reference(invocation.project)
    (invocation.project / CLI_PAGE).write_text(cli_page(context.find_root().command), encoding="utf-8")
    invocation.output.say(f"Written: {SETTINGS_PAGE}, {CLI_PAGE}")
    return 0
