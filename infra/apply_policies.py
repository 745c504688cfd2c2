"""Applies `policies/` to the tables of a stage or of the local cloud."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chalicelib.stage_rules import StageRules
from infra.audit_log import operator_of
from infra.policy_groups import OR_ALLOW, pool_groups, refuse_unknown_groups
from infra.policy_plan import Applied, PolicyChange, PolicyFiles, plan, refuse_lock_out


def apply_policies(
    project: Path,
    outputs: Mapping[str, str],
    client: Callable[[str], Any],
    rules: StageRules,
    *,
    overwrite: bool = False,
    allow_unknown_group: bool = False,
    remedy: str = OR_ALLOW,
) -> Applied:
    """Writes the policies that differ from their files. They are effective for the next request.

    The parameters are those of `plan_policies`.

    Raises:  Refused
    """
    files, changes = plan_policies(
        project, outputs, client, rules, overwrite=overwrite, allow_unknown_group=allow_unknown_group, remedy=remedy
    )
    return files.execute(changes)


def plan_policies(
    project: Path,
    outputs: Mapping[str, str],
    client: Callable[[str], Any],
    rules: StageRules,
    *,
    overwrite: bool = False,
    allow_unknown_group: bool = False,
    remedy: str = OR_ALLOW,
    allow_no_administrator: bool = False,
) -> tuple[PolicyFiles, list[PolicyChange]]:
    """Returns the files, and the changes that make the policies of a stage equal to them. Writes nothing.

    outputs                 of the identity stack
    client                  returns the boto3 client of a service
    rules                   of the stage
    overwrite               also replace policies that another author wrote or deleted last
    allow_unknown_group     also write policies of groups that the user pool does not have
    remedy                  for the message about unknown groups: what the operator can do
    allow_no_administrator  also make changes that leave no administrator

    Raises:  Refused
    """
    files = PolicyFiles(project / "policies", outputs, client("dynamodb"), rules, operator_of(client))
    groups = pool_groups(client, outputs["UserPoolId"])
    if not allow_unknown_group:
        refuse_unknown_groups(files.files, groups, "the user pool", remedy)
    stored = files.stored()
    changes = plan(files.files, stored, overwrite)
    if not allow_no_administrator:
        refuse_lock_out(changes, stored, groups.__contains__, rules)
    return files, changes
