"""The command `package`: writes the template and the bundle for CloudFormation."""

import hashlib
import platform
from pathlib import Path
from typing import Annotated

from typer import Context, Option

from infra.errors import PackagingFailed
from operations.invocation import Invocation


def package(
    context: Context,
    out: Annotated[Path, Option(metavar="FOLDER", help="Folder for sam.json and deployment.zip.")] = Path(
        "build/package"
    ),
) -> int:
    """Package the application for CloudFormation."""
    from infra.package import package_for_lambda

    invocation: Invocation = context.obj
    try:
        _, code = package_for_lambda(out, invocation.project)
    except PackagingFailed as failure:
        raise PackagingFailed(f"The application could not be packaged: {failure}") from failure
    files = f"{out / 'sam.json'} and {out / 'deployment.zip'}"
    invocation.output.say(f"{files}: Python {platform.python_version()}, {len(code):,} bytes")
    invocation.output.say(f"sha256 {hashlib.sha256(code).hexdigest()}")
    return 0
