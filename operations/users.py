"""The commands for users: list, show, invite, groups, disable, enable, sign-out, reset-mfa."""

from collections.abc import Callable, Mapping, Sequence
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Context, Option

from chalicelib.core.errors import Conflict, LastAdministrator, NotFound
from chalicelib.core.user_search import Attribute, Status
from chalicelib.stage_rules import NO_RULES
from infra.errors import Refused
from operations.invocation import Invocation
from operations.options import AsJson, StageOrLocal
from operations.output import Output

if TYPE_CHECKING:
    from chalicelib.users import Result
    from operations.stage_access import UserAccess

_PAGE = 60

Name = Annotated[str, Argument(metavar="USER", help="A user: e-mail address, sub or username.")]
Address = Annotated[str, Argument(metavar="ADDRESS", help="The e-mail address of the new user.")]
Groups = Annotated[list[str] | None, Option("--group", metavar="GROUP", help="A group of the user. Repeatable.")]
Force = Annotated[bool, Option("--force", help="Proceed even if the user is the last administrator.")]
BeginsWith = Annotated[
    str | None, Option("--begins-with", metavar="TEXT", help="Only users whose attribute begins with this text.")
]
SearchedAttribute = Annotated[Attribute, Option("--attribute", help="The attribute that --begins-with searches.")]
MembersOf = Annotated[str | None, Option("--group", metavar="GROUP", help="Only members of this group.")]
WithStatus = Annotated[
    Status | None, Option("--status", metavar="STATUS", help="Only users with this UserStatus of Cognito.")
]
Enabled = Annotated[bool | None, Option("--enabled/--disabled", help="Only enabled users, or only disabled users.")]
NoGroup = Annotated[bool, Option("--none", help="Remove all groups.")]


def list_(
    context: Context,
    stage_name: StageOrLocal,
    begins_with: BeginsWith = None,
    attribute: SearchedAttribute = "email",
    group: MembersOf = None,
    status: WithStatus = None,
    enabled: Enabled = None,
    as_json: AsJson = False,
) -> int:
    """List the users of a stage who meet all given criteria.

    Cognito searches for the beginning of a text only, and not for a part of it.
    """
    from chalicelib.core.user_search import UserSearch

    invocation: Invocation = context.obj
    use_case = open_access(invocation, stage_name).users
    search = UserSearch(begins_with, attribute, group, status, enabled)
    page = use_case.list(_PAGE, search=search)
    users = [*page.users]
    while page.next_token:
        page = use_case.list(_PAGE, page.next_token, search)
        users += page.users
    if as_json:
        from dataclasses import asdict

        invocation.output.json({"users": [asdict(user) for user in users]})
        return 0
    rows = [
        [user.email or "-", user.name or "-", user.username, user.status, "yes" if user.enabled else "no"]
        for user in users
    ]
    invocation.output.table(["address", "name", "username", "status", "enabled"], rows)
    return 0


def show(context: Context, name: Name, stage_name: StageOrLocal, as_json: AsJson = False) -> int:
    """Show a user and the user's groups."""
    from chalicelib.users import Result

    invocation: Invocation = context.obj
    user, groups = explained(lambda: open_access(invocation, stage_name).users.show(name), name)
    document = Result(user, groups).as_dict()["user"]
    if as_json:
        invocation.output.json(document)
    else:
        shown = {**document, "groups": ", ".join(groups) or "-", "enabled": "yes" if user.enabled else "no"}
        invocation.output.table(["field", "value"], [[field, value or "-"] for field, value in shown.items()])
    return 0


def invite(
    context: Context, address: Address, stage_name: StageOrLocal, group: Groups = None, as_json: AsJson = False
) -> int:
    """Create a user and send an invitation by e-mail.

    A user who has not accepted an invitation yet is invited again. Without --group, the user gets the default groups.
    """
    return _change(
        context, stage_name, address, as_json, "invited", lambda it: _invite(it, stage_name, address, group or [])
    )


def _invite(access: "UserAccess", stage_name: str, address: str, wanted: Sequence[str]) -> "Result":
    """Invites a user. Raises Refused for a user who cannot be invited, with the commands for this user."""
    try:
        return access.users.invite(address, wanted, access.author())
    except Conflict as error:
        if error.code != "user_exists":
            raise
        user, before = access.users.show(address)
        kept = " ".join(f"--group {quote(name)}" for name in sorted({*before, *wanted})) or "--group NAME"
        commands = [f"groups {quote(address)} {kept}", f"reset-mfa {quote(address)}"]
        if not user.enabled:
            commands.insert(0, f"enable {quote(address)}")
        typed = ", ".join(f"`users {command} --stage {stage_name}`" for command in commands)
        raise Refused(f"{address}: {error.message} The commands are: {typed}.") from error


def groups(
    context: Context,
    name: Name,
    stage_name: StageOrLocal,
    group: Groups = None,
    none: NoGroup = False,
    force: Force = False,
    as_json: AsJson = False,
) -> int:
    """Give a user exactly these groups.

    It also revokes the user's issued tokens, unless it only adds groups.
    """
    if bool(group) is none:
        raise Refused("Give the groups of the user with --group, or --none.")
    return _change(
        context,
        stage_name,
        name,
        as_json,
        "groups set",
        lambda it: it.users.set_groups(name, group or [], it.author(), force),
        open_access_with_rules,
    )


def disable(
    context: Context, name: Name, stage_name: StageOrLocal, force: Force = False, as_json: AsJson = False
) -> int:
    """Prevent sign-ins of a user, and revoke the issued tokens.

    The user cannot sign in and gets no new token, even with the cookie of the sign-in pages.
    """
    return _change(
        context,
        stage_name,
        name,
        as_json,
        "disabled",
        lambda it: it.users.disable(name, it.author(), force),
        open_access_with_rules,
    )


def enable(context: Context, name: Name, stage_name: StageOrLocal, as_json: AsJson = False) -> int:
    """Let a disabled user sign in again."""
    return _change(context, stage_name, name, as_json, "enabled", lambda it: it.users.enable(name, it.author()))


def sign_out(context: Context, name: Name, stage_name: StageOrLocal, as_json: AsJson = False) -> int:
    """End all sessions of a user.

    The user can sign in again. If SignInCookieMinutes of the stage is 0, this needs the password.
    To prevent a new sign-in, disable the user.
    """
    return _change(context, stage_name, name, as_json, "signed out", lambda it: it.users.sign_out(name, it.author()))


def reset_mfa(context: Context, name: Name, stage_name: StageOrLocal, as_json: AsJson = False) -> int:
    """Remove a lost authenticator app, and end all sessions.

    Check the identity of the person first. Afterwards, the password is enough to set up a new authenticator app.
    """
    return _change(context, stage_name, name, as_json, "MFA reset", lambda it: it.users.reset_mfa(name, it.author()))


def open_access(invocation: Invocation, stage_name: str) -> "UserAccess":
    """Connects to a deployed stage or to the local cloud, for actions that no rule of the stage can refuse."""
    from operations.connection import open_outputs
    from operations.stage_access import administer_users_of_stage

    return administer_users_of_stage(*open_outputs(invocation, stage_name), NO_RULES)


def open_access_with_rules(invocation: Invocation, stage_name: str) -> "UserAccess":
    """Connects as `open_access` does, and reads the rules of the stage, for a change that checks the lock-out."""
    from operations.connection import open_rules
    from operations.stage_access import administer_users_of_stage

    return administer_users_of_stage(*open_rules(invocation, stage_name))


def _change(
    context: Context,
    stage_name: str,
    name: str,
    as_json: bool,
    done: str,
    change: Callable[["UserAccess"], "Result"],
    connect: Callable[[Invocation, str], "UserAccess"] = open_access,
) -> int:
    invocation: Invocation = context.obj
    access = connect(invocation, stage_name)
    result = explained(lambda: change(access), name)
    if as_json:
        invocation.output.json(result.as_dict())
    else:
        _show(invocation.output, name, done, result)
    return 0


def explained(question: Callable[[], Any], name: str) -> Any:
    """Returns the answer. Raises Refused with one sentence for an unknown user and for the last administrator."""
    try:
        return question()
    except NotFound as error:
        raise Refused(f"{name}: the user pool has no such user. `users list` shows the users.") from error
    except LastAdministrator as error:
        raise Refused(f"{name}: {error.reason} To proceed anyway, pass --force.") from error


def _show(output: Output, name: str, done: str, result: "Result") -> None:
    output.say(f"{name}: {done}")
    output.say(f"  groups: {', '.join(result.groups) or '-'}")
    for word, changed in (("added", result.added), ("removed", result.removed)):
        if changed:
            output.say(f"  {word}: {', '.join(changed)}")
    for notice in result.notices:
        output.say(f"  {notice}")


COMMANDS: Mapping[str, Callable[..., int]] = {
    "list": list_,
    "show": show,
    "invite": invite,
    "groups": groups,
    "disable": disable,
    "enable": enable,
    "sign-out": sign_out,
    "reset-mfa": reset_mfa,
}
