"""Applies `policies/` to the tables of a stage or of the local cloud."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.policy_files import Applied, PolicyFiles
from infra.policy_groups import OR_ALLOW, pool_groups, refuse_unknown_groups


def apply_policies(
    project: Path,
    outputs: Mapping[str, str],
    client: Callable[[str], Any],
    overwrite: bool = False,
    allow_unknown_group: bool = False,
    remedy: str = OR_ALLOW,
) -> Applied:
    """Writes the policies that differ from their files. They are effective for the next request.

    outputs              of the identity stack
    client               returns the boto3 client of a service
    overwrite            also replace policies that another author wrote or deleted last
    allow_unknown_group  also write policies of groups that the user pool does not have
    remedy               for the message about unknown groups: what the operator can do

    Raises:  Refused, before anything is written
    """
    policies = PolicyFiles(project / "policies", outputs, client("dynamodb"))
    if not allow_unknown_group:
        refuse_unknown_groups(policies.files, pool_groups(client, outputs["UserPoolId"]), "the user pool", remedy)
    return policies.apply(overwrite)
