"""Runs the commands for the reviewed policy files: apply, lint."""

from collections.abc import Collection, Mapping

from infra.apply_policies import apply_policies
from infra.errors import Refused
from infra.policy_files import PolicyFile, examine, template_outputs
from infra.policy_groups import REMEDY, TEMPLATE, pool_groups, template_groups, unknown_groups
from infra.progress import Progress
from infra.templates import read_yaml
from operations.invocation import Invocation
from operations.say import say, write


def apply(typed: Invocation) -> int:
    """Writes the files to a deployed stage or to the local cloud."""
    arguments = typed.arguments
    outputs, client = typed.open_outputs()
    progress = Progress(write)
    with progress.step("Apply the policies") as step:
        applied = apply_policies(
            typed.project, outputs, client, arguments.overwrite_policies, arguments.allow_unknown_group
        )
        step.changed = applied.changed
        step.notes += applied.notes()
    say("done" if progress.changed else "nothing changed")
    return 0


def lint(typed: Invocation) -> int:
    """Checks every file, offline or against the groups of a stage. The exit status is 1 if a file has a fault."""
    outputs, groups, where = _known(typed)
    results = list(examine(typed.project / "policies", outputs))
    files = [result for result in results if isinstance(result, PolicyFile)]
    faults = [str(result) for result in results if isinstance(result, Refused)]
    faults += [f"{name}: {fault} {REMEDY}" for name, fault in unknown_groups(files, groups, where).items()]
    for fault in sorted(faults):
        say(f"FAIL {fault}")
    count = f"{len(faults)} with a fault" if faults else "no fault"
    say(f"{len(results)} policy files, compared with {where}: {count}")
    return 1 if faults else 0


def _known(typed: Invocation) -> tuple[Mapping[str, str], Collection[str], str]:
    """Returns the outputs and the groups that files can name, and where they come from."""
    if typed.arguments.stage is None:
        template = read_yaml(typed.project, TEMPLATE)
        return template_outputs(template), template_groups(template), TEMPLATE
    outputs, client = typed.open_outputs()
    return outputs, pool_groups(client, outputs["UserPoolId"]), "the user pool"
