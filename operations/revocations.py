"""The commands that refuse issued tokens: revoke, revocations."""

import re
from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Option

from chalicelib.stage_rules import NO_RULES
from infra.errors import Refused
from operations.invocation import Invocation
from operations.options import AsJson, StageOrLocal
from operations.repetition import repeatable
from operations.users import explained, open_access

if TYPE_CHECKING:
    from chalicelib.ports import RevocationKind
    from operations.stage_access import UserAccess

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

RevokedUser = Annotated[
    str | None,
    Option(
        "--user", metavar="USER", help="Refuse the issued tokens of a user. For a deleted user, USER must be the sub."
    ),
]
RevokedClient = Annotated[
    str | None,
    Option(
        "--client",
        metavar="CLIENT",
        help="Refuse the issued tokens of an app client: its ID, or the name of its output.",
    ),
]
RevokedSession = Annotated[
    str | None, Option("--session", metavar="ORIGIN_JTI", help="Refuse all tokens of one sign-in, permanently.")
]
Lift = Annotated[bool, Option("--lift", help="Remove this revocation.")]


def revoke(
    context: Context,
    stage_name: StageOrLocal,
    user: RevokedUser = None,
    client: RevokedClient = None,
    session: RevokedSession = None,
    lift: Lift = False,
    as_json: AsJson = False,
) -> int:
    """Refuse the tokens of a user, an app client or a session.

    It flushes API Gateway's cache of results, if the stage has one.
    Routes of use case 1 accept a token until it expires. A user can get new tokens: `users disable` prevents this.
    """
    from operations.connection import named_stage, open_outputs
    from operations.old_results import end_old_results
    from operations.stage_access import administer_users_of_stage

    invocation: Invocation = context.obj
    given = [(kind, value) for kind, value in (("sub", user), ("client", client), ("session", session)) if value]
    if len(given) != 1:
        raise Refused("Give exactly one of --user, --client and --session.")
    outputs, aws = open_outputs(invocation, stage_name)
    access = administer_users_of_stage(outputs, aws, NO_RULES)  # no rule can refuse a revocation
    kind, value = _revoked(access, *given[0])
    words = ("revoke", f"--{'user' if kind == 'sub' else kind}", value, "--stage", stage_name)
    with repeatable(f"revocation of the {kind} {value}", *words, *(("--lift",) if lift else ())):
        document = _changed(access, kind, value, lift)
    if not as_json:
        invocation.output.say(f"{'lifted' if lift else 'revoked'}: {kind} {value}")
        if user and not lift:
            invocation.output.say("  The user can get new tokens. To keep the user out, use `users disable`.")
    document |= end_old_results(invocation, named_stage(invocation, stage_name, aws), aws, as_json)
    if as_json:
        invocation.output.json(document)
    return 0


def revocations(context: Context, stage_name: StageOrLocal, as_json: AsJson = False) -> int:
    """List the revocations of a stage."""
    from dataclasses import asdict
    from datetime import UTC, datetime

    invocation: Invocation = context.obj
    found = open_access(invocation, stage_name).administer.list_revocations()
    if as_json:
        invocation.output.json({"revocations": [asdict(revocation) for revocation in found]})
        return 0
    rows = [[it.kind, it.value, datetime.fromtimestamp(it.revoked_at, UTC).isoformat(), it.revoked_by] for it in found]
    invocation.output.table(["kind", "value", "revoked at", "revoked by"], rows)
    return 0


def _changed(access: "UserAccess", kind: "RevocationKind", value: str, lift: bool) -> dict[str, Any]:
    """Revokes, or lifts a revocation. Returns the document of `--json`."""
    if lift:
        access.administer.lift(kind, value, access.author())
        return {"kind": kind, "value": value, "lifted": True}
    from dataclasses import asdict

    return asdict(access.administer.revoke(kind, value, access.author()))


def _revoked(access: "UserAccess", kind: str, value: str) -> tuple["RevocationKind", str]:
    if kind == "client":
        return "client", access.outputs.get(value, value)
    if kind == "session":
        return "session", value
    # A deleted user is known by the sub only.
    return "sub", value if _UUID.fullmatch(value) else explained(lambda: access.users.show(value), value)[0].sub


COMMANDS = (revoke, revocations)
