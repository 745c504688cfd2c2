"""The commands for an emergency: freeze, lockdown, restrictions. They use the operator's credentials."""

import re
from typing import TYPE_CHECKING, Annotated

from typer import Context, Option

from infra.errors import Refused
from operations.invocation import Invocation
from operations.options import AsJson, StageOrLocal
from operations.repetition import repeatable

if TYPE_CHECKING:
    from chalicelib.ports import RestrictionKind

Duration = Annotated[
    str, Option("--for", metavar="TIME", help="The duration: a number and m, h or d, such as 30m, 2h or 1d.")
]
Reason = Annotated[str, Option("--reason", metavar="TEXT", help="The reason, for the other operators.")]
Lift = Annotated[bool, Option("--lift", help="End the restriction now.")]

_REQUESTS = "Requests that are in progress may still be answered for up to 5 s."
_SECONDS = {"m": 60, "h": 3600, "d": 86_400}


def freeze(
    context: Context,
    stage_name: StageOrLocal,
    reason: Reason,
    duration: Duration = "1h",
    lift: Lift = False,
    as_json: AsJson = False,
) -> int:
    """Refuse changes of policies for some time.

    The API, `policies apply` and `deploy` refuse them. Revocations stay possible. A write that has begun may complete.
    """
    return _restrict(context.obj, stage_name, "freeze", duration, reason, lift, as_json)


def lockdown(
    context: Context,
    stage_name: StageOrLocal,
    reason: Reason,
    duration: Duration = "1h",
    lift: Lift = False,
    as_json: AsJson = False,
) -> int:
    """Deny every request of use case 2 for some time.

    This includes /admin. It is effective for every request that starts after this command. It flushes API Gateway's
    cache of results, if the stage has one. Routes of use case 1 are not denied.
    """
    return _restrict(context.obj, stage_name, "lockdown", duration, reason, lift, as_json)


def restrictions(context: Context, stage_name: StageOrLocal, as_json: AsJson = False) -> int:
    """Show whether a stage is frozen or locked down.

    It also compares the copies of the authorization state. If copies differ, it names the command that repairs them,
    and the exit status is 1.
    """
    from dataclasses import asdict

    from chalicelib.restrict import moment
    from infra.shards import Shards
    from operations.connection import open_outputs
    from operations.stage_access import restrict_stage

    invocation: Invocation = context.obj
    outputs, client = open_outputs(invocation, stage_name)
    found = restrict_stage(stage_name, outputs, client, invocation.output.fail).active().values()
    differing = Shards(client("dynamodb"), outputs["StateTableName"]).differences(stage_name)
    if as_json:
        invocation.output.json({"restrictions": list(map(asdict, found)), "differences": list(map(asdict, differing))})
    else:
        rows = [[it.kind, moment(it.until), it.reason, it.author] for it in found]
        invocation.output.table(["restriction", "until", "reason", "by"], rows)
        for difference in differing:
            invocation.output.fail(str(difference))
    return 1 if differing else 0


def _restrict(
    invocation: Invocation,
    stage_name: str,
    kind: "RestrictionKind",
    duration: str,
    reason: str,
    lift: bool,
    as_json: bool,
) -> int:
    from dataclasses import asdict

    from chalicelib.restrict import moment
    from infra.audit_log import operator_of
    from operations.connection import named_stage, open_outputs
    from operations.stage_access import restrict_stage

    seconds = _seconds(duration)
    outputs, client = open_outputs(invocation, stage_name)
    use_case, author = restrict_stage(stage_name, outputs, client, invocation.output.fail), operator_of(client)()
    effect = ("--lift",) if lift else ("--for", duration)
    with repeatable(f"{kind} of {stage_name}", kind, "--stage", stage_name, *effect, "--reason", reason):
        done = use_case.lift(kind, reason, author) if lift else use_case.restrict(kind, seconds, reason, author)
    document = asdict(done)
    if not as_json:
        invocation.output.say(f"{kind} of {stage_name}: {'lifted' if lift else f'until {moment(done.until)}'}")
    if kind == "lockdown":
        from operations.old_results import end_old_results

        if not as_json:
            invocation.output.say(_REQUESTS)
        document |= end_old_results(invocation, named_stage(invocation, stage_name, client), client, as_json)
    if as_json:
        invocation.output.json(document)
    return 0


def _seconds(duration: str) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", duration)
    if not match:
        raise Refused(f"--for: got {duration!r}, expected a number and m, h or d, such as 30m, 2h or 1d.")
    return int(match[1]) * _SECONDS[match[2]]


COMMANDS = (freeze, lockdown, restrictions)
