"""The commands for a stage on AWS: deploy, rollback, destroy, verify, doctor, outputs.

A command imports what it needs when it runs, so that `manage.py --help` loads neither boto3 nor the deploy program.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Context, Option

from infra.errors import Refused
from operations.invocation import Invocation
from operations.options import AllowUnknownGroup, AsJson, OverwritePolicies, StageName, StageOrLocal, Yes
from operations.output import Output

if TYPE_CHECKING:
    from infra.checks.check import Finding

Plan = Annotated[bool, Option("--plan", help="Only print the changes that a deployment would make.")]
PackageFolder = Annotated[
    Path | None, Option("--package", metavar="FOLDER", help="Deploy the files that `package` wrote into a folder.")
]
RevertDrift = Annotated[bool, Option("--revert-drift", help="Also revert manual changes of the stacks' resources.")]
AllowReplacement = Annotated[
    bool,
    Option(
        "--allow-replacement", help="Permit an update that replaces or removes a user pool, a table, a key or the API."
    ),
]


def deploy(
    context: Context,
    stage_name: StageName,
    plan: Plan = False,
    package: PackageFolder = None,
    revert_drift: RevertDrift = False,
    allow_replacement: AllowReplacement = False,
    overwrite_policies: OverwritePolicies = False,
    allow_unknown_group: AllowUnknownGroup = False,
) -> int:
    """Create or update a stage, then verify it.

    A second run changes nothing. The exit status is 1 if a check fails.
    """
    from infra.deploy import Deploy, Options
    from infra.progress import Progress
    from infra.verify import verify as run_checks
    from operations.connection import open_stage

    invocation: Invocation = context.obj
    output = invocation.output
    stage, client = open_stage(invocation, stage_name)
    progress = Progress(output.write)
    options = Options(revert_drift, package, overwrite_policies, allow_replacement, allow_unknown_group)
    deployment = Deploy(invocation.project, stage, client, progress, options)
    if plan:
        changes = deployment.preview()
        output.say("\n".join(changes) if changes else "no stack would change")
        return 0
    url = deployment()
    passed = _report_failed(output, run_checks(stage, client, invocation.project))
    output.say(f"API: {url}")
    output.say("done" if progress.changed else "nothing changed")
    return 0 if passed else 1


def _report_failed(output: Output, findings: Sequence["Finding"]) -> bool:
    """Writes the checks that failed, and how many passed. Returns whether all passed."""
    from infra.verify import line, total

    failed = [finding for finding in findings if not finding.ok]
    for finding in failed:
        output.say(line(finding))
    output.say(f"verified: {total(findings)}")
    return not failed


def rollback(
    context: Context,
    stage_name: StageName,
    undo: Annotated[
        bool, Option("--undo", help="Return to the versions of the last deployment. Does not ask.")
    ] = False,
    yes: Yes = False,
) -> int:
    """Return the functions of a stage to their previous versions.

    It shows the release and asks for a confirmation. It takes seconds and does not use CloudFormation. A second
    rollback returns to the next older release.
    """
    from infra.rollback import execute, plan_rollback, plan_undo
    from infra.shards import refuse_rollback
    from operations.confirmation import confirmed
    from operations.connection import open_stage

    invocation: Invocation = context.obj
    output = invocation.output
    stage, client = open_stage(invocation, stage_name)
    moves = (plan_undo if undo else plan_rollback)(client, stage.application_stack)
    refuse_rollback(stage, client, moves)
    if not moves:
        output.say("nothing changed: the functions have the versions of the last deployment")
        return 0
    rows = [(move.function, str(move.before), str(move.after), move.release, move.modified) for move in moves]
    output.table(("function", "live version", "new version", "of", "last modified"), rows)
    if not undo:
        output.say(
            "The new versions are the ones before the live versions. If the live release repairs the release before it,"
            " this is the release with the fault. To return to an older release, deploy its commit."
        )
        if not (yes or confirmed(output, "Use these versions?")):
            output.say("nothing changed")
            return 0
    execute(client, stage.application_stack, moves)
    output.say("done")
    if not undo:
        output.say(
            "CloudFormation still expects the versions of the last deployment. The next deployment of other code or"
            " other parameters publishes and uses new versions. To return to the last deployment, add `--undo`."
        )
    return 0


def destroy(
    context: Context,
    stage_name: StageName,
    purge_data: Annotated[
        str | None,
        Option("--purge-data", metavar="STAGE", help="Also delete the retained data. Repeat the name of the stage."),
    ] = None,
) -> int:
    """Delete a stage, and retain its data.

    The user pool, the tables, the key and the artifact bucket are retained. The command does not ask for a
    confirmation. It refuses a stage without `DataProtection: false`.
    """
    if purge_data not in (None, stage_name):
        raise Refused(
            f"--purge-data: got {purge_data!r}, expected the name of the stage, {stage_name}."
            " To delete its data, repeat the name."
        )
    from infra.destroy import Destroy
    from infra.progress import Progress
    from operations.connection import open_stage

    invocation: Invocation = context.obj
    stage, client = open_stage(invocation, stage_name)
    progress = Progress(invocation.output.write)
    Destroy(invocation.project, stage, client, progress)(purge=purge_data is not None)
    invocation.output.say("done" if progress.changed else "nothing changed")
    return 0


def verify(
    context: Context,
    stage_name: StageName,
    drift: Annotated[bool, Option("--drift", help="Also run CloudFormation's drift detection (minutes).")] = False,
    as_json: AsJson = False,
) -> int:
    """Compare a deployed stage with this checkout.

    It changes nothing. The exit status is 1 if a check fails.
    """
    from infra.checks.stack import drift as drift_check
    from infra.verify import CHECKS
    from infra.verify import verify as run_checks
    from operations.connection import open_stage, stack_outputs

    invocation: Invocation = context.obj
    stage, client = open_stage(invocation, stage_name)
    stack_outputs(stage, client)  # refuses a stage that is not deployed; otherwise every check would fail
    findings = run_checks(stage, client, invocation.project, (*CHECKS, drift_check()) if drift else CHECKS)
    return report(invocation.output, findings, as_json)


def doctor(context: Context, stage_name: StageOrLocal, as_json: AsJson = False) -> int:
    """Diagnose a stage that does not work.

    It checks the API, keys, settings, tables, stream, alarms, groups and policies. It changes nothing. The
    exit status is 1 if a check fails. `verify` compares a stage with its templates.
    """
    from infra.doctor import CHECKS
    from infra.verify import verify as run_checks
    from operations.connection import open_deployed

    invocation: Invocation = context.obj
    stage, client = open_deployed(invocation, stage_name)
    return report(invocation.output, run_checks(stage, client, invocation.project, CHECKS), as_json)


def report(output: Output, findings: Sequence["Finding"], as_json: bool) -> int:
    """Writes the findings of a comparison, and returns the exit status: 1 if a check failed."""
    from infra.verify import table

    passed = all(finding.ok for finding in findings)
    if as_json:
        output.json({"ok": passed, "findings": [asdict(finding) for finding in findings]})
    else:
        output.say(table(findings))
    return 0 if passed else 1


def configure(context: Context, stage_name: StageName) -> int:
    """Prepare a trial stage for `chalice deploy`.

    It deploys the identity stack, and writes the stage into .chalice/config.json. It refuses a stage that `deploy`
    has deployed.
    """
    from infra.deploy import Deploy
    from infra.progress import Progress
    from infra.stacks import Stacks
    from infra.trial_configuration import configure as write_entry
    from operations.connection import open_stage

    invocation: Invocation = context.obj
    stage, client = open_stage(invocation, stage_name)
    if Stacks(client("cloudformation")).describe(stage.application_stack):
        raise Refused(
            f"Refused: `manage.py deploy` deployed the stage {stage.name}. Destroy it first, or use another stage."
        )
    progress = Progress(invocation.output.write)
    stack = Deploy(invocation.project, stage, client, progress).deploy_identity_stack(
        TriggerQualifier=""
    )  # Chalice creates no alias
    with progress.step("Write .chalice/config.json") as step:
        step.changed = write_entry(invocation.project, stage, stack)
    invocation.output.say(f"Next: chalice deploy --stage {stage.name}")
    return 0


def connect(context: Context, stage_name: StageName) -> int:
    """Connect a trial stage after each `chalice deploy`.

    It permits the user pool to invoke the triggers, sets the stream and the error responses, and applies the policies.
    """
    from infra.apply_policies import apply_policies
    from infra.clients import simulated_keys
    from infra.progress import Progress
    from infra.stage_rules import planned_rules
    from infra.trial_connection import Connect
    from operations.connection import open_stage, stack_outputs

    invocation: Invocation = context.obj
    stage, client = open_stage(invocation, stage_name)
    stack = stack_outputs(stage, client)
    stack |= simulated_keys(client, stack["UserPoolId"])
    progress = Progress(invocation.output.write)
    with progress.step("Connect the application") as step:
        url = Connect(invocation.project, stage, client, stack)()
        step.changed = True
    with progress.step("Apply the policies") as step:
        applied = apply_policies(invocation.project, stack, client, planned_rules(stage))
        step.changed = applied.changed
        step.notes += applied.notes("manage.py policies apply --overwrite-policies")
    invocation.output.say(f"API: {url}")
    return 0


def outputs(context: Context, stage_name: StageName, as_json: AsJson = False) -> int:
    """Print the outputs of a stage.

    They are the outputs of the identity stack and of the application stack. `ApiUrl` is the URL of the API.
    """
    from infra.stacks import Stacks
    from operations.connection import open_stage, stack_outputs

    invocation: Invocation = context.obj
    stage, client = open_stage(invocation, stage_name)
    values = stack_outputs(stage, client) | Stacks(client("cloudformation")).outputs(stage.application_stack)
    if as_json:
        invocation.output.json(values)
    else:
        invocation.output.table(("output", "value"), list(values.items()))
    return 0


COMMANDS = (deploy, rollback, verify, doctor, outputs, destroy, configure, connect)
