"""The commands for one stored policy: show, history, rollback."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Context, Option

from chalicelib.core.errors import InternalError, LastAdministrator, NotFound
from infra.errors import Refused
from operations.confirmation import confirmed
from operations.invocation import Invocation
from operations.options import AsJson, Before, Limit, StageOrLocal, Yes

if TYPE_CHECKING:
    from chalicelib.administer import Administer
    from chalicelib.core.audit import AuditEntry
    from chalicelib.core.policy import Policy
    from chalicelib.core.route import Route
    from chalicelib.core.statement import Statement
    from chalicelib.stage_rules import StageRules
    from infra.policy_plan import PolicyChange

Subject = Annotated[
    str, Argument(metavar="SUBJECT", help="group:<name> or client:<app client>, with its ID or the name of its output.")
]
ToVersion = Annotated[int, Option("--to", min=1, metavar="VERSION", help="The version to restore.")]
Force = Annotated[bool, Option("--force", help="Roll back even if no administrator remains.")]
_NEWEST = 20


def show(context: Context, subject: Subject, stage_name: StageOrLocal, as_json: AsJson = False) -> int:
    """Show the policy of a group or an app client."""
    invocation: Invocation = context.obj
    administer, known, _ = _open(invocation, stage_name, subject)[:3]
    policy = _explained(lambda: administer.get_policy(known), subject)
    if as_json:
        invocation.output.json(_policy(policy))
        return 0
    invocation.output.say(f"{policy.subject}: version {policy.version}, by {policy.updated_by} at {policy.updated_at}")
    for statement in policy.statements:
        invocation.output.say(f"  {line_of(statement)}")
    return 0


def history(
    context: Context,
    subject: Subject,
    stage_name: StageOrLocal,
    before: Before = None,
    limit: Limit = _NEWEST,
    as_json: AsJson = False,
) -> int:
    """List the changes of a policy.

    The newest change is the first. Each change has its time, its author, its way, and the routes that it added and
    removed. The way is `api`, `cli`, or `other` for a tool that wrote to the table. An edit that wrote no new version
    cannot be restored.
    """
    invocation: Invocation = context.obj
    administer, known, _, rules = _open(invocation, stage_name, subject)
    page = administer.history(known, limit, before)
    if as_json:
        changes = [entry.change_as_dict() for entry in page.entries]
        invocation.output.json({"history": changes, **({"next": page.next} if page.next else {})})
        return 0
    routes = _routes(invocation)
    for entry in page.entries:
        version = "an edit" if entry.version is None else f"version {entry.version}"
        deleted = ", deleted" if entry.after is None else ""
        invocation.output.say(f"{version}{deleted}: {entry.at} by {entry.by} ({entry.way})")
        for line in _reached(*_before_and_after(entry), routes, rules):
            invocation.output.say(f"  {line}")
    if not page.entries:
        invocation.output.say(f"{subject}: no change is recorded.")
    if page.next:
        invocation.output.say(f"There are older changes: --before {page.next}")
    return 0


def rollback(
    context: Context,
    subject: Subject,
    to: ToVersion,
    stage_name: StageOrLocal,
    force: Force = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Write an earlier version of a policy again.

    The command shows the changes and asks for a confirmation. The new version is effective for the next request. The
    command fails if somebody changes the policy in the meantime. It also replaces a corrupt policy.
    """
    from infra.policy_plan import PolicyChange, as_stored

    invocation: Invocation = context.obj
    administer, known, author, rules = _open(invocation, stage_name, subject)
    statements = _explained(lambda: administer.statements_at(known, to), f"--to {to}")
    change = PolicyChange(known, administer.stored_policy(known), statements)
    lines = _reached(*as_stored(change), _routes(invocation), rules)
    if not as_json:
        invocation.output.say(f"{known}: write version {to} over {_replaced(change)}")
        for line in lines:
            invocation.output.say(f"  {line}")
    if not yes:
        if as_json:
            raise Refused("With --json, the command cannot ask for a confirmation. Pass --yes as well.")
        if not confirmed(invocation.output, "Roll back?"):
            invocation.output.say("nothing changed")
            return 0
    written = _explained(lambda: administer.put_policy(known, statements, author(), change.version, force), subject)
    if as_json:
        invocation.output.json({**_policy(written), "reach": lines})
    else:
        invocation.output.say(f"done: {known} is at version {written.version}")
    return 0


def _open(
    invocation: Invocation, stage_name: str, subject: str
) -> tuple["Administer", str, Callable[[], str], "StageRules"]:
    """Returns the use case, the subject with the id of its app client, who acts, and the rules of the stage."""
    from infra.audit_log import operator_of
    from operations.connection import open_rules
    from operations.stage_access import administer_stage

    outputs, client, rules = open_rules(invocation, stage_name)
    kind, _, name = subject.partition(":")
    known = f"client:{outputs.get(name, name)}" if kind == "client" else subject
    return administer_stage(outputs, client, rules), known, operator_of(client), rules


def _explained(question: Callable[[], Any], what: str) -> Any:
    """Returns the answer.

    what     the argument of the operator that the message names
    Raises:  Refused for a missing or corrupt policy, a missing version, and the last administrator
    """
    try:
        return question()
    except NotFound as error:
        raise Refused(f"{what}: {error.message}. `policies history` lists the versions of a policy.") from error
    except LastAdministrator as error:
        raise Refused(f"{what}: {error.reason} To proceed anyway, pass --force.") from error
    except InternalError as error:
        if error.code != "policy_corrupt":
            raise
        remedy = "Its callers get HTTP 500. Restore a version with `policies rollback`."
        raise Refused(f"{what}: {error.message}. {remedy}") from error


def _replaced(change: "PolicyChange") -> str:
    """Returns the name of what a rollback replaces."""
    from chalicelib.core.policy import CorruptPolicy

    version = "an item without a version" if change.version is None else f"version {change.version}"
    if not isinstance(change.before, CorruptPolicy):
        return version
    return f"{version}, which is corrupt: its callers get HTTP 500"


def _routes(invocation: Invocation) -> "Sequence[Route]":
    from infra.policy_groups import TEMPLATE
    from infra.policy_review import read_routes
    from infra.templates import read_yaml

    return read_routes(read_yaml(invocation.project, TEMPLATE))


def _before_and_after(entry: "AuditEntry") -> tuple["Policy", "Policy"]:
    """Returns the policies of a recorded change. A policy that did not exist permits nothing."""
    from chalicelib.core.policy import Policy

    before, after = (Policy(entry.subject, 0, found or (), "", "") for found in (entry.before, entry.after))
    return before, after


def _reached(before: "Policy", after: "Policy", routes: "Sequence[Route]", rules: "StageRules") -> list[str]:
    """Returns one line for each route that a change of a policy gives or takes."""
    from chalicelib.policy_reach import described

    return described(before, after, rules.with_upstream(routes), rules) or ["no route changes"]


def _policy(policy: "Policy") -> dict[str, Any]:
    from dataclasses import asdict

    from chalicelib.core.policy_json import as_dict

    return {**asdict(policy), "statements": [as_dict(statement) for statement in policy.statements]}


def line_of(statement: "Statement") -> str:
    from chalicelib.core.policy_json import as_dict

    shown, limit = as_dict(statement), statement.signed_in_within
    conditions = [f" for a token with {' or '.join(statement.scopes)}"] if statement.scopes else []
    conditions += [] if limit is None else [f" for {limit} s after the sign-in"]
    words = f"{shown['sid']}: {shown['effect']} {' '.join(shown['methods'])} {' '.join(shown['paths'])}"
    return words + ",".join(conditions)


COMMANDS = (show, history, rollback)
