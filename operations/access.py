"""The commands that show permissions: explain, matrix."""

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from typer import Argument, Context, Option

from chalicelib.core.statement import METHODS
from infra.errors import Refused
from operations.invocation import Invocation
from operations.options import AsJson, OptionalStage
from operations.output import Output

if TYPE_CHECKING:
    from chalicelib.core.policy import Policy
    from chalicelib.core.route import Route
    from chalicelib.explain import Explain, Explanation
    from chalicelib.matrix import Matrix


def _needs_a_stage(*_: Any) -> NoReturn:
    raise Refused("The files know no users and no tokens. Pass --stage.")


class Form(StrEnum):
    """The form of the matrix."""

    TABLE = "table"
    SVG = "svg"
    CSV = "csv"
    JSON = "json"


Method = Annotated[str, Argument(metavar="METHOD", help="An HTTP method, such as GET.")]
Path = Annotated[str, Argument(metavar="PATH", help="The path of a request, such as /whoami.")]
Groups = Annotated[list[str] | None, Option("--group", metavar="GROUP", help="A group of the caller. Repeatable.")]
User = Annotated[str | None, Option("--user", metavar="NAME", help="A user, with the groups that the pool has now.")]
Machine = Annotated[
    str | None, Option("--client", metavar="CLIENT", help="An app client: its ID, or the name of its output.")
]
Token = Annotated[bool, Option("--token", help="Read the caller's access token from standard input.")]
Scopes = Annotated[list[str] | None, Option("--scope", metavar="SCOPE", help="A scope of the token. Repeatable.")]
ShownGroups = Annotated[list[str] | None, Option("--group", metavar="GROUP", help="Show this group. Repeatable.")]
ShownClient = Annotated[
    str | None, Option("--client", metavar="CLIENT", help="Show this app client: its ID, or the name of its output.")
]
ShownPath = Annotated[str, Option("--path", metavar="PATH", help="Show only the routes that begin with this path.")]
MatrixForm = Annotated[Form, Option("--format", help="The form of the matrix.")]


def explain(
    context: Context,
    method: Method,
    path: Path,
    group: Groups = None,
    user: User = None,
    client: Machine = None,
    token: Token = False,
    scope: Scopes = None,
    stage_name: OptionalStage = None,
    as_json: AsJson = False,
) -> int:
    """Explain the decision on one request.

    It names the deciding statements, and the nearest change that reverses the decision. Without --stage, it uses
    the files in policies/, for a stage without AuthorizerCacheSeconds and without an upstream. Give exactly one of
    --group, --user, --client and --token.
    """
    invocation: Invocation = context.obj
    if sum([bool(group), bool(user), bool(client), token]) != 1:
        raise Refused("Give exactly one of --group, --user, --client and --token.")
    if method.upper() not in METHODS:
        raise Refused(f"METHOD: got {method!r}, expected one of {', '.join(METHODS)}.")
    if token and scope:
        raise Refused("--scope: a token carries its own scopes. Remove this option.")
    use_case, outputs, routes, assumed = _open(invocation, stage_name)
    ask = partial(_ask, use_case, method.upper(), path)
    if token:
        found = ask("for_token", sys.stdin.readline().strip(), routes)
    elif user:
        found = ask("for_user", user, scope or [], routes)
    else:
        subjects = [f"group:{name}" for name in group or []]
        subjects += [f"client:{outputs.get(client, client)}"] if client else []
        found = ask("for_subjects", subjects, scope or [], routes)
    if as_json:
        invocation.output.json(found.as_dict())
    else:
        _show(invocation.output, f"{method.upper()} {path}", found)
        if assumed:
            invocation.output.say(f"  {assumed}")
    return 0


def matrix(
    context: Context,
    stage_name: OptionalStage = None,
    group: ShownGroups = None,
    client: ShownClient = None,
    path: ShownPath = "",
    form: MatrixForm = Form.TABLE,
    as_json: AsJson = False,
) -> int:
    """Show which group may call which route.

    Without --stage, it uses the files in policies/, for a stage without AuthorizerCacheSeconds and without an upstream.
    """
    from operations.matrix_views import as_csv, as_svg, as_table, legend

    invocation: Invocation = context.obj
    use_case, outputs, routes, assumed = _open(invocation, stage_name)
    subjects = [f"group:{name}" for name in group or []]
    subjects += [f"client:{outputs.get(client, client)}"] if client else []
    found, output = shown_matrix(use_case, routes, subjects, path), invocation.output
    if as_json or form is Form.JSON:
        output.json(found.as_dict())
    elif form is Form.TABLE:
        output.table(*as_table(found))
        for line in (*legend(found), *([assumed] if assumed else [])):
            output.say(line)
    else:
        output.write(as_svg(found) if form is Form.SVG else as_csv(found))
    return 0


def shown_matrix(use_case: "Explain", routes: Sequence["Route"], subjects: Sequence[str], path: str) -> "Matrix":
    """Returns the matrix of some subjects and routes. Raises Refused, with the options, if it is too large."""
    from chalicelib.matrix import MatrixTooLarge

    try:
        return use_case.matrix(routes, subjects, path)
    except MatrixTooLarge as error:
        remedy = "Choose groups with --group, an app client with --client, or routes with --path."
        raise Refused(f"{error.size}. {remedy}") from error


def _ask(use_case: "Explain", method: str, path: str, question: str, *arguments: Any) -> "Explanation":
    explained: Explanation = getattr(use_case, question)(method, path, *arguments)
    return explained


def _show(output: Output, request: str, found: "Explanation") -> None:
    from chalicelib.explain import STAGE
    from operations.matrix_views import duration

    output.say(f"{request} is {'allowed' if found.allowed else 'denied'}: {found.reason}")
    if found.route is None:
        output.say("  No route of the application handles this request: API Gateway returns 404.")
    if found.signed_in_within is not None:
        output.say(f"  It is allowed only while the sign-in is at most {duration(found.signed_in_within)} old.")
    for name in found.because:
        if name.subject == STAGE:
            output.say(f'  decided by the statement "{name.sid}", which a stage with an upstream adds for every caller')
            continue
        version = f", version {name.version}" if name.version else ""
        output.say(f'  decided by the statement "{name.sid}" of {name.subject}{version}')
    if found.policies:
        output.say(f"  policies in force: {', '.join(name.removesuffix('@0') for name in found.policies)}")
    if found.nearest:
        output.say(f"  To {'deny' if found.allowed else 'allow'} it: {found.nearest}")


def _open(
    invocation: Invocation, stage_name: str | None
) -> tuple["Explain", Mapping[str, str], tuple["Route", ...], str]:
    """Returns the use case for a stage or for the files, the outputs by name, the routes, and what is assumed."""
    from infra.policy_files import read_policies, template_outputs
    from infra.policy_groups import TEMPLATE
    from infra.policy_lint import as_policy
    from infra.policy_review import read_routes
    from infra.stage_rules import assumed_offline
    from infra.templates import read_yaml

    template = read_yaml(invocation.project, TEMPLATE)
    routes = read_routes(template)
    if stage_name is None:
        outputs = template_outputs(template)
        files = read_policies(invocation.project / "policies", outputs)
        return of_files([as_policy(file) for file in files]), outputs, routes, assumed_offline().assumed
    from operations.connection import open_rules
    from operations.stage_access import explain_stage

    found, client, rules = open_rules(invocation, stage_name)
    return explain_stage(found, client, rules), found, rules.with_upstream(routes), ""


def of_files(policies: Sequence["Policy"]) -> "Explain":
    """Returns the use case on policies that no stage stores."""
    from chalicelib.explain import Explain

    return Explain(_Files(policies), _NoPool(), _needs_a_stage, _needs_a_stage)


class _Files:
    """Implements PolicyCatalog on the files."""

    def __init__(self, policies: Sequence["Policy"]) -> None:
        self._policies = policies

    def list_stored(self) -> Sequence["Policy"]:
        return self._policies


class _NoPool:
    """Implements GroupReader without a user pool."""

    def groups_of(self, _username: str) -> tuple[str, ...]:
        _needs_a_stage()

    def group_exists(self, _group: str) -> bool:
        _needs_a_stage()


COMMANDS = (explain, matrix)
