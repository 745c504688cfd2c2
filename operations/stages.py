"""Runs the commands for a stage on AWS: deploy, destroy, verify, outputs."""

import json

from infra import discovery
from infra.chalice_state import ChaliceState
from infra.checks.stack import drift
from infra.deploy import Deploy, Options
from infra.destroy import Destroy
from infra.errors import Refused
from infra.progress import Progress
from infra.verify import CHECKS, line, table, total, verify
from operations.invocation import Invocation, stack_outputs
from operations.say import say, write


def deploy(typed: Invocation) -> int:
    """Deploys a stage, then verifies it. The exit status is 1 if a check fails."""
    arguments = typed.arguments
    stage, client = typed.open_stage()
    progress = Progress(write)
    options = Options(
        arguments.adopt, arguments.overwrite_policies, arguments.allow_replacement, arguments.allow_unknown_group
    )
    url = Deploy(typed.project, stage, client, progress)(options)
    findings = verify(stage, client, typed.project)
    failed = [finding for finding in findings if not finding.ok]
    for finding in failed:
        say(line(finding))
    say(f"verified: {total(findings)}")
    say(f"API: {url}")
    say("done" if progress.changed else "nothing changed")
    return 1 if failed else 0


def destroy(typed: Invocation) -> int:
    """Destroys a stage. `--purge-data` must repeat the name of the stage."""
    arguments = typed.arguments
    if arguments.purge_data not in (None, arguments.stage):
        raise Refused(
            f"--purge-data: got {arguments.purge_data!r}, expected the name of the stage, {arguments.stage}."
            " To delete its data, repeat the name."
        )
    stage, client = typed.open_stage()
    progress = Progress(write)
    Destroy(typed.project, stage, client, progress)(purge=arguments.purge_data is not None)
    say("done" if progress.changed else "nothing changed")
    return 0


def verify_stage(typed: Invocation) -> int:
    """Verifies a deployed stage. The exit status is 1 if a check fails."""
    stage, client = typed.open_stage()
    stack_outputs(stage, client)  # refuses a stage that is not deployed; otherwise every check would fail
    findings = verify(stage, client, typed.project, (*CHECKS, drift()) if typed.arguments.drift else CHECKS)
    say(table(findings))
    return 0 if all(finding.ok for finding in findings) else 1


def outputs(typed: Invocation) -> int:
    """Prints the outputs of the identity stack and the URL of the API as JSON."""
    stage, client = typed.open_stage()
    stack = stack_outputs(stage, client)
    state = ChaliceState(typed.project, stage, client).read()
    api_id = state.api_id if state else None
    say(json.dumps({**stack, **({"ApiUrl": discovery.api_url(stage, api_id)} if api_id else {})}, indent=2))
    return 0
