"""The command `openapi`: prints the OpenAPI document of this checkout."""

from typing import Annotated

from typer import Context, Option

from operations.invocation import Invocation


def openapi(
    context: Context,
    base_path: Annotated[str, Option("--base-path", metavar="PATH", help="Path of the API before its routes.")] = "/",
) -> int:
    """Print the OpenAPI 3.1 document of this checkout.

    A deployed API serves the same document at /openapi.json. The variable RESOURCE_SERVER sets the prefix of
    the scopes.
    """
    from app import app
    from chalicelib.openapi import document

    invocation: Invocation = context.obj
    invocation.output.json(document(app, base_path))
    return 0
