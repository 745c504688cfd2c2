"""The commands for the reviewed policy files: apply, lint."""

from collections.abc import Collection, Mapping

from typer import Context

from infra.errors import Refused
from operations.invocation import Invocation
from operations.options import AllowUnknownGroup, AsJson, ComparedStage, OverwritePolicies, StageOrLocal


def apply(
    context: Context,
    stage_name: StageOrLocal,
    overwrite_policies: OverwritePolicies = False,
    allow_unknown_group: AllowUnknownGroup = False,
) -> int:
    """Write the policy files to a stage.

    They are effective for the next request.
    """
    from infra.apply_policies import apply_policies
    from infra.progress import Progress
    from operations.connection import open_outputs

    invocation: Invocation = context.obj
    outputs, client = open_outputs(invocation, stage_name)
    progress = Progress(invocation.output.write)
    with progress.step("Apply the policies") as step:
        applied = apply_policies(invocation.project, outputs, client, overwrite_policies, allow_unknown_group)
        step.changed = applied.changed
        step.notes += applied.notes()
    invocation.output.say("done" if progress.changed else "nothing changed")
    return 0


def lint(context: Context, stage_name: ComparedStage = None, as_json: AsJson = False) -> int:
    """Check every policy file, offline by default.

    Without --stage, it compares the files with infra/identity.yaml. The exit status is 1 if a file has a fault.
    """
    from infra.policy_files import PolicyFile, examine
    from infra.policy_groups import REMEDY, unknown_groups

    invocation: Invocation = context.obj
    outputs, groups, where = _known(invocation, stage_name)
    results = list(examine(invocation.project / "policies", outputs))
    files = [result for result in results if isinstance(result, PolicyFile)]
    faults = [str(result) for result in results if isinstance(result, Refused)]
    faults += [f"{name}: {fault} {REMEDY}" for name, fault in unknown_groups(files, groups, where).items()]
    _report(invocation, len(results), where, sorted(faults), as_json)
    return 1 if faults else 0


def _report(invocation: Invocation, files: int, where: str, faults: list[str], as_json: bool) -> None:
    if as_json:
        invocation.output.json({"ok": not faults, "files": files, "compared_with": where, "faults": faults})
        return
    for fault in faults:
        invocation.output.say(f"FAIL {fault}")
    count = f"{len(faults)} with a fault" if faults else "no fault"
    invocation.output.say(f"{files} policy files, compared with {where}: {count}")


def _known(invocation: Invocation, stage_name: str | None) -> tuple[Mapping[str, str], Collection[str], str]:
    """Returns the outputs and the groups that files can name, and where they come from."""
    from infra.policy_files import template_outputs
    from infra.policy_groups import TEMPLATE, pool_groups, template_groups
    from infra.templates import read_yaml

    if stage_name is None:
        template = read_yaml(invocation.project, TEMPLATE)
        return template_outputs(template), template_groups(template), TEMPLATE
    from operations.connection import open_outputs

    outputs, client = open_outputs(invocation, stage_name)
    return outputs, pool_groups(client, outputs["UserPoolId"]), "the user pool"


COMMANDS = (apply, lint)
