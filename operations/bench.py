"""The commands that compute the figures of the pages: bench, bench cost, bench scaling."""

from typing import Annotated

from typer import BadParameter, Context, Option

from infra.errors import Refused
from operations.invocation import Invocation

_ENVIRONMENT = "build/bench"  # the development environment does not contain the compared verifiers


def measure(
    context: Context, quick: Annotated[bool, Option("--quick", help="Run few rounds and write nothing.")] = False
) -> int:
    """Measure decisions, and write docs/performance.md.

    It takes six minutes on an idle machine. `make bench` first installs the packages that it needs.
    """
    if context.invoked_subcommand:
        if quick:
            raise BadParameter("it applies to `bench` without another command", param_hint="'--quick'")
        return 0
    invocation: Invocation = context.obj
    environment = invocation.project / _ENVIRONMENT
    if not (environment / "installed").exists():
        raise Refused(f"The packages of the measurement are missing in {_ENVIRONMENT}. `make bench` installs them.")
    words = [str(environment / "bin/python"), "-m", "benchmarks", *(("--quick",) if quick else ())]
    return invocation.become(words, invocation.project)


def cost(context: Context) -> int:
    """Compute the costs, and write docs/cost.md.

    They are monthly costs from list prices, for the load in benchmarks/cost.py.
    """
    from benchmarks.cost import write_page

    invocation: Invocation = context.obj
    invocation.output.say(write_page())
    return 0


def scaling(context: Context) -> int:
    """Simulate load, and write docs/scaling.md.

    It takes ten seconds and always gives the same result.
    """
    from benchmarks.scaling import write_page

    invocation: Invocation = context.obj
    invocation.output.say(write_page())
    return 0


COMMANDS = (cost, scaling)  # besides `measure`, which is `bench` alone
