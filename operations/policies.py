"""The commands for the reviewed policy files: apply, diff, lint."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from typer import Context

from operations import access, policy_history
from operations.confirmation import confirmed
from operations.invocation import Invocation
from operations.options import (
    AllowNoAdministrator,
    AllowUnknownGroup,
    AsJson,
    ComparedStage,
    OverwritePolicies,
    StageOrLocal,
    Yes,
)
from operations.output import Output

if TYPE_CHECKING:
    from chalicelib.core.route import Route
    from chalicelib.stage_rules import StageRules
    from infra.policy_plan import PolicyChange
    from infra.policy_review import Known

    Reach = Callable[[PolicyChange], list[str]]


def apply(
    context: Context,
    stage_name: StageOrLocal,
    overwrite_policies: OverwritePolicies = False,
    allow_unknown_group: AllowUnknownGroup = False,
    allow_no_administrator: AllowNoAdministrator = False,
    yes: Yes = False,
) -> int:
    """Show the changes, ask, and write the files to a stage.

    The policies are effective for the next request. Each policy is written completely or not at all, and only if
    nobody has changed it since the command showed the changes.
    """
    from infra.apply_policies import plan_policies
    from infra.policy_groups import TEMPLATE
    from infra.policy_review import read_routes
    from infra.progress import Progress
    from infra.templates import read_yaml
    from operations.connection import open_rules

    invocation: Invocation = context.obj
    outputs, client, rules = open_rules(invocation, stage_name)
    files, changes = plan_policies(
        invocation.project,
        outputs,
        client,
        rules,
        overwrite=overwrite_policies,
        allow_unknown_group=allow_unknown_group,
        allow_no_administrator=allow_no_administrator,
    )
    _show(invocation.output, changes, partial(_reach, rules, read_routes(read_yaml(invocation.project, TEMPLATE))))
    if not (yes or all(change.kept for change in changes) or confirmed(invocation.output, "Apply these changes?")):
        invocation.output.say("nothing changed")
        return 0
    progress = Progress(invocation.output.write)
    with progress.step("Apply the policies") as step:
        applied = files.execute(changes)
        step.changed = applied.changed
        step.notes += applied.notes()
    invocation.output.say("done" if progress.changed else "nothing changed")
    return 0


def diff(
    context: Context,
    stage_name: StageOrLocal,
    overwrite_policies: OverwritePolicies = False,
    as_json: AsJson = False,
) -> int:
    """Show the routes that each group and client would gain or lose."""
    from infra.policy_groups import TEMPLATE
    from infra.policy_plan import PolicyFiles, plan
    from infra.policy_review import read_routes
    from infra.templates import read_yaml
    from operations.connection import open_rules

    invocation: Invocation = context.obj
    outputs, client, rules = open_rules(invocation, stage_name)
    files = PolicyFiles(invocation.project / "policies", outputs, client("dynamodb"), rules)
    changes = plan(files.files, files.stored(), overwrite_policies)
    reach = partial(_reach, rules, read_routes(read_yaml(invocation.project, TEMPLATE)))
    if as_json:
        invocation.output.json({"changes": [_as_dict(change, reach) for change in changes]})
    else:
        _show(invocation.output, changes, reach)
    return 0


def lint(context: Context, stage_name: ComparedStage = None, as_json: AsJson = False) -> int:
    """Check the files against routes, groups and expected.yaml.

    Without --stage, it works offline: it compares the groups with infra/identity.yaml, and assumes a stage without
    AuthorizerCacheSeconds and without an upstream. The exit status is 1 if a file has a fault.
    """
    from infra.policy_groups import TEMPLATE
    from infra.policy_review import read_routes, review
    from infra.templates import read_yaml

    invocation: Invocation = context.obj
    template = read_yaml(invocation.project, TEMPLATE)
    known, assumed = _known(invocation, template, stage_name)
    folder = invocation.project / "policies"
    faults = review(folder, template, read_routes(template), known)
    _report(invocation.output, len(list(folder.glob("*.yaml"))), known.where, faults, as_json, assumed)
    return 1 if faults else 0


def _show(output: Output, changes: Sequence["PolicyChange"], reach: "Reach") -> None:
    for change in changes:
        output.say(_headline(change))
        for line in reach(change) or ["no route changes"]:
            output.say(f"  {line}")
    if not changes:
        output.say("The stage is equal to the files.")


def _headline(change: "PolicyChange") -> str:
    if change.kept:
        return f"{change} differs from its file and is not changed. With --overwrite-policies, the changes are:"
    if change.after is None:
        return f"{change.subject}: delete version {change.version}, because its file no longer exists"
    return f"{change.subject}: write over version {change.version}" if change.version else f"{change.subject}: write"


def _reach(rules: "StageRules", routes: Sequence["Route"], change: "PolicyChange") -> list[str]:
    """Returns one line for each route that a change gives or takes, on a stage with these rules."""
    from chalicelib.policy_reach import described
    from infra.policy_plan import as_stored

    return described(*as_stored(change), rules.with_upstream(routes), rules)


def _as_dict(change: "PolicyChange", reach: "Reach") -> dict[str, Any]:
    action = "keep" if change.kept else "delete" if change.after is None else "write"
    return {
        "subject": change.subject,
        "action": action,
        "version": change.version,
        "reach": reach(change),
    }


def _report(output: Output, files: int, where: str, faults: list[str], as_json: bool, assumed: str) -> None:
    if as_json:
        about = {"ok": not faults, "files": files, "compared_with": where, "assumed": assumed or None}
        output.json({**about, "faults": faults})
        return
    for fault in faults:
        output.say(f"FAIL {fault}")
    count = f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'}" if faults else "no fault"
    output.say(f"{files} files, compared with {where}: {count}")
    if assumed:
        output.say(assumed)


def _known(invocation: Invocation, template: Mapping[str, Any], stage_name: str | None) -> tuple["Known", str]:
    """Returns what the files are compared with, and what is assumed about the stage."""
    from infra.policy_files import template_outputs
    from infra.policy_groups import TEMPLATE, pool_groups, template_groups
    from infra.policy_review import Known
    from infra.stage_rules import assumed_offline

    if stage_name is None:
        offline = assumed_offline()
        known = Known(template_outputs(template), template_groups(template), TEMPLATE, offline.rules)
        return known, offline.assumed
    from operations.connection import open_rules

    outputs, client, rules = open_rules(invocation, stage_name)
    return Known(outputs, pool_groups(client, outputs["UserPoolId"]), "the user pool", rules), ""


COMMANDS = (apply, diff, lint, *policy_history.COMMANDS, *access.COMMANDS)
