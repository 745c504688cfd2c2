"""The command `docs`: writes the reference pages that follow from the code."""

from typer import Context

from operations.invocation import Invocation


def docs(context: Context) -> int:
    """Write the reference pages that follow from the code."""
    from operations.reference import SETTINGS_PAGE, write_reference

    invocation: Invocation = context.obj
    write_reference(invocation.project)
    invocation.output.say(f"Written: {SETTINGS_PAGE}")
    return 0
