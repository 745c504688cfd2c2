"""The commands for a whole stage on AWS: deploy, destroy, verify, outputs."""

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
    arguments = typed.arguments
    stage, client = typed.open_stage()
    progress = Progress(write)
    options = Options(
        arguments.adopt, arguments.overwrite_policies, arguments.allow_replacement, arguments.allow_unknown_group
    )
    url = Deploy(typed.project, stage, client, progress)(options)
    findings = verify(stage, client, typed.project)
    bad = [finding for finding in findings if not finding.ok]
    for finding in bad:
        say(line(finding))
    say(f"verified: {total(findings)}")
    say(f"the API: {url}")
    say("done" if progress.changed else "nothing changed")
    return 1 if bad else 0


def destroy(typed: Invocation) -> int:
    arguments = typed.arguments
    if arguments.purge_data not in (None, arguments.stage):
        raise Refused(
            f"--purge-data: type the name of the stage again, {arguments.stage}, if its data shall be deleted"
        )
    stage, client = typed.open_stage()
    progress = Progress(write)
    Destroy(typed.project, stage, client, progress)(purge=arguments.purge_data is not None)
    say("done" if progress.changed else "nothing changed")
    return 0


def verify_stage(typed: Invocation) -> int:
    stage, client = typed.open_stage()
    stack_outputs(stage, client)  # refuses a stage that is not deployed: every check would fail
    findings = verify(stage, client, typed.project, (*CHECKS, drift()) if typed.arguments.drift else CHECKS)
    say(table(findings))
    return 0 if all(finding.ok for finding in findings) else 1


def outputs(typed: Invocation) -> int:
    stage, client = typed.open_stage()
    of_stack = stack_outputs(stage, client)
    memory = ChaliceState(typed.project, stage, client).recall()
    api_id = memory.api_id if memory else None
    say(json.dumps({**of_stack, **({"ApiUrl": discovery.api_url(stage, api_id)} if api_id else {})}, indent=2))
    return 0
