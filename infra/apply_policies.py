"""Applies `policies/` to the tables of a stage or of the local cloud."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.policy_groups import OR_ALLOW, pool_groups, refuse_unknown_groups
from infra.policy_plan import Applied, PolicyChange, PolicyFiles, plan, refuse_lock_out


def apply_policies(
    project: Path,
    outputs: Mapping[str, str],
    client: Callable[[str], Any],
    overwrite: bool = False,
    allow_unknown_group: bool = False,
    remedy: str = OR_ALLOW,
    allow_no_administrator: bool = False,
    confirm: Callable[[Sequence[PolicyChange]], bool] = lambda _: True,
) -> Applied:
    """Writes the policies that differ from their files. They are effective for the next request.

    outputs                 of the identity stack
    client                  returns the boto3 client of a service
    overwrite               also replace policies that another author wrote or deleted last
    allow_unknown_group     also write policies of groups that the user pool does not have
    remedy                  for the message about unknown groups: what the operator can do
    allow_no_administrator  also make changes that leave no administrator
    confirm                 returns whether to make the changes

    Raises:  Refused, before anything is written
    """
    policies = PolicyFiles(project / "policies", outputs, client("dynamodb"))
    groups = pool_groups(client, outputs["UserPoolId"])
    if not allow_unknown_group:
        refuse_unknown_groups(policies.files, groups, "the user pool", remedy)
    stored = policies.stored()
    changes = plan(policies.files, stored, overwrite)
    if not allow_no_administrator:
        refuse_lock_out(changes, stored, groups.__contains__)
    return policies.execute(changes if confirm(changes) else [])
