"""The commands for an emergency: freeze, lockdown, restrictions. They use the operator's credentials."""

import re
from typing import TYPE_CHECKING, Annotated

from typer import Context, Option

from infra.errors import Refused
from operations.invocation import Invocation
from operations.options import AsJson, StageOrLocal

if TYPE_CHECKING:
    from chalicelib.ports import RestrictionKind

Duration = Annotated[
    str, Option("--for", metavar="TIME", help="The duration: a number and m, h or d, such as 30m, 2h or 1d.")
]
Reason = Annotated[str, Option("--reason", metavar="TEXT", help="The reason, for the other operators.")]
Lift = Annotated[bool, Option("--lift", help="End the restriction now.")]

_SECONDS = {"m": 60, "h": 3600, "d": 86_400}
_REQUESTS = "Requests that are in progress may still be answered for up to 5 s."


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

    This includes /admin. It is effective for every request that starts after this command. Routes of use case 1 are not
    denied.
    """
    return _restrict(context.obj, stage_name, "lockdown", duration, reason, lift, as_json)


def restrictions(context: Context, stage_name: StageOrLocal, as_json: AsJson = False) -> int:
    """Show whether a stage is frozen or locked down."""
    from dataclasses import asdict

    from chalicelib.restrict import moment
    from operations.connection import open_outputs
    from operations.stage_access import restrict_stage

    invocation: Invocation = context.obj
    outputs, client = open_outputs(invocation, stage_name)
    found = restrict_stage(stage_name, outputs, client, invocation.output.fail).active().values()
    if as_json:
        invocation.output.json({"restrictions": [asdict(restriction) for restriction in found]})
        return 0
    rows = [[it.kind, moment(it.until), it.reason, it.author] for it in found]
    invocation.output.table(["restriction", "until", "reason", "by"], rows)
    return 0


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
    from operations.connection import open_outputs
    from operations.stage_access import restrict_stage

    seconds = _seconds(duration)
    outputs, client = open_outputs(invocation, stage_name)
    use_case, author = restrict_stage(stage_name, outputs, client, invocation.output.fail), operator_of(client)()
    done = use_case.lift(kind, reason, author) if lift else use_case.restrict(kind, seconds, reason, author)
    if as_json:
        invocation.output.json(asdict(done))
    elif lift:
        invocation.output.say(f"{kind} of {stage_name}: lifted")
    else:
        invocation.output.say(f"{kind} of {stage_name}: until {moment(done.until)}")
    if kind == "lockdown" and not as_json:
        invocation.output.say(_bound(lift))
    return 0


def _bound(lift: bool) -> str:
    effect = "Deny" if lift else "Allow"
    return (
        f"{_REQUESTS} API Gateway can reuse a cached {effect} for up to AUTHORIZER_CACHE_SECONDS. An authorizer can"
        " reuse its last reading of the state for up to POLICY_MAX_STALENESS_SECONDS. Both are 0 by default."
    )


def _seconds(duration: str) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", duration)
    if not match:
        raise Refused(f"--for: got {duration!r}, expected a number and m, h or d, such as 30m, 2h or 1d.")
    return int(match[1]) * _SECONDS[match[2]]


COMMANDS = (freeze, lockdown, restrictions)
