"""Reviews the folder of policies: every file, the policies together, and the table of expected permissions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib.core.route import Route
from chalicelib.core.route_paths import TooManyPatterns
from chalicelib.policy_lint import Surroundings
from chalicelib.stage_rules import StageRules
from chalicelib.wiring import check_written
from infra.errors import Refused
from infra.expected import Expected, parameter_values
from infra.package import PROJECT
from infra.packaged_routes import package_routes
from infra.policy_files import EXPECTED, PolicyFile, examine
from infra.policy_groups import REMEDY, unknown_groups
from infra.policy_lint import lint_file, lint_together
from infra.policy_table import read_table
from infra.policy_table_check import check_table

# The scopes that every user pool has.
_STANDARD_SCOPES = {"openid", "email", "profile", "phone", "aws.cognito.signin.user.admin"}


@dataclass(frozen=True)
class Known:
    """What the files can name, and the rules under which they are checked.

    outputs  of the identity stack, or their names as placeholders
    groups   that exist in `where`
    rules    of the stage
    """

    outputs: Mapping[str, str]
    groups: Collection[str]
    where: str
    rules: StageRules


def review(folder: Path, template: Mapping[str, Any], routes: Sequence[Route], known: Known) -> list[str]:
    """Returns one line for each mistake: the file, the statement, what is wrong, and what to do.

    template  of the identity stack
    Raises:   Refused if the folder is missing
    """
    results = list(examine(folder, known.outputs, check_written(known.rules)))
    files = [result for result in results if isinstance(result, PolicyFile)]
    found = [str(result) for result in results if isinstance(result, Refused)]
    found += [f"{name}: {fault} {REMEDY}" for name, fault in unknown_groups(files, known.groups, known.where).items()]
    around = _surroundings(template, routes, known.outputs)
    for file in files:
        try:
            found += lint_file(file, around)
        except TooManyPatterns:
            found.append(
                f"{file.name}: its statements overlap in too many ways to check them. Use fewer *, ? and scopes."
            )
    if any(isinstance(result, Refused) for result in results):
        return sorted(found)  # the checks below would report the missing policy a second time
    try:
        found += [*lint_together(files, around, known.rules), *_check_table(folder, files, around, known)]
    except Refused as refused:
        found.append(str(refused))
    return sorted(found)


def read_routes(template: Mapping[str, Any], project: Path = PROJECT) -> tuple[Route, ...]:
    """Returns the routes of the application, with the scopes of the template's default resource server."""
    return package_routes(project, str(template["Parameters"]["ResourceServerIdentifier"]["Default"]))


def _check_table(folder: Path, files: Sequence[PolicyFile], around: Surroundings, known: Known) -> list[str]:
    if not (folder / EXPECTED).exists():
        return [f"{folder.name}/{EXPECTED}: this file is missing. Create it as docs/policies.md describes."]
    subjects = {
        f"client:{name}": f"client:{known.outputs[name]}" for name in known.outputs if name.endswith("ClientId")
    }
    return check_table(
        read_table(folder), files, around.routes, subjects, known.groups, around.scopes or (), known.rules
    )


def _surroundings(template: Mapping[str, Any], routes: Sequence[Route], outputs: Mapping[str, str]) -> Surroundings:
    resources = template["Resources"]
    server = template["Parameters"]["ResourceServerIdentifier"]["Default"]
    own = {
        f"{server}/{scope['ScopeName']}"
        for resource in resources.values()
        if resource["Type"] == "AWS::Cognito::UserPoolResourceServer"
        for scope in resource["Properties"]["Scopes"]
    }
    values = {
        **parameter_values(template["Parameters"], {}),
        **{name: name for name in resources},
        "ResourceServer": server,
    }
    clients = Expected(template, values, attribute=lambda name, attribute: f"{name}.{attribute}").of(
        "AWS::Cognito::UserPoolClient"
    )
    granted: dict[str, Collection[str]] = {}
    for name, output in template["Outputs"].items():
        client = output["Value"].get("Ref", "") if isinstance(output["Value"], dict) else ""
        if client in clients and name in outputs:
            granted[f"client:{outputs[name]}"] = set(clients[client]["AllowedOAuthScopes"])
    return Surroundings(routes, own | _STANDARD_SCOPES, granted)
