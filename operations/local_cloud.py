"""The commands of the local cloud: run, demo, token, reset, local.

This is the only module of the command line that imports `local/`, and it does so when a command runs. The deploy
program works without that package.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Context, Option

from infra.errors import Refused
from operations.invocation import Invocation

if TYPE_CHECKING:
    from local.cloud import LocalCloud


def run(
    verbose: Annotated[bool, Option("--verbose", help="List the patches of the emulator at the start.")] = False,
    mfa: Annotated[
        Literal["OFF", "OPTIONAL", "ON"],
        Option(help="`MfaMode` of the local stage. `ON` requires an authenticator app."),
    ] = "OPTIONAL",
    origins: Annotated[
        str,
        Option(
            metavar="ORIGINS",
            help="`AllowedOrigins`: pages of other origins that can call the API, separated by commas.",
            show_default=False,
        ),
    ] = "",
    upstream: Annotated[
        str,
        Option(
            metavar="URL",
            help="`UpstreamUrl`: a server on this machine that `/upstream` protects.",
            show_default=False,
        ),
    ] = "",
) -> int:
    """Run the whole cloud on this machine, until Ctrl-C."""
    cloud = _cloud()
    from local.choices import chosen_parameters
    from local.run import run as run_cloud

    return run_cloud(cloud, chosen_parameters(origins, upstream), verbose=verbose, mfa=mfa)


def demo() -> int:
    """Show sign-in and permissions with real requests.

    It needs `run` in another terminal.
    """
    cloud = _cloud()
    from local.demo import demo as play
    from local.outputs import read_outputs
    from local.sign_in import SignInFailed
    from local.story import PromiseBroken

    try:
        play(read_outputs(cloud.outputs))
    except (PromiseBroken, SignInFailed) as failed:
        raise Refused(f"\nThe demo failed: {failed}.") from failed
    return 0


def token(
    context: Context,
    user: Annotated[str, Argument(metavar="USER", help="A sample user.", show_default=False)] = "",
    client: Annotated[str, Option(metavar="NAME", help="`machine`, in place of a user.", show_default=False)] = "",
    scope: Annotated[
        str,
        Option(metavar="SCOPES", help="`read`, `write` or full names, separated by commas.", show_default=False),
    ] = "",
) -> int:
    """Print an access token of a user or of the machine.

    It needs `run` in another terminal.
    """
    cloud = _cloud()
    from local.outputs import read_outputs
    from local.tokens import split_scopes, token_for

    invocation: Invocation = context.obj
    invocation.output.say(token_for(read_outputs(cloud.outputs), user, client, split_scopes(scope)))
    return 0


def reset(context: Context) -> int:
    """Delete the data of the local cloud.

    It deletes the users, the policies and the sample data. The next `run` starts with a new cloud.
    """
    cloud = _cloud()
    invocation: Invocation = context.obj
    if cloud.is_running():
        raise Refused("The local cloud is running. To stop it, press Ctrl-C in its terminal. Then reset it.")
    shutil.rmtree(cloud.folder, ignore_errors=True)
    invocation.output.say("Deleted: the users, policies and sample data of the local cloud.")
    return 0


def local(
    context: Context,
    port: Annotated[
        int,
        Option(metavar="PORT", envvar="GATEHOUSE_LOCAL_PORT", min=1, max=65535, help="Port on the loopback interface."),
    ] = 8000,
    autoreload: Annotated[
        bool, Option("--autoreload/--no-autoreload", help="Start again when a source file changes.")
    ] = True,
) -> int:
    """Run the routes in one process (`chalice local`).

    It needs `run` in another terminal, for sign-in, tables and policies.
    """
    invocation: Invocation = context.obj
    chalice = Path(sys.executable).with_name("chalice")
    if not chalice.exists():
        raise Refused(f"{chalice} is missing. Run `make local`, which installs it into .venv.")
    words = [str(chalice), "local", "--port", str(port), *(() if autoreload else ("--no-autoreload",))]
    return invocation.become(words, invocation.project)


def _cloud() -> "LocalCloud":
    """Returns the local cloud. Before, it removes the settings of AWS from this process."""
    from local.isolation import isolate

    isolate(os.environ)  # before the imports that read these settings
    from local.cloud import from_environment

    return from_environment()


COMMANDS = (run, demo, token, reset, local)
