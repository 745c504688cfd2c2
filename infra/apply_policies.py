"""Applies `policies/` to a user pool's tables: the same code for a stage and for the local cloud."""

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
    """Write the files that differ; the next request is decided on them.

    outputs              of the identity stack
    client               gives a boto3 client by the name of its service
    overwrite            also replace policies that somebody else wrote or deleted last
    allow_unknown_group  also write policies of groups that the user pool does not have
    remedy               what a person may do about those, for the message of the refusal

    Raises:  Refused before anything is written
    """
    policies = PolicyFiles(project / "policies", outputs, client("dynamodb"))
    if not allow_unknown_group:
        refuse_unknown_groups(policies.files, pool_groups(client, outputs["UserPoolId"]), "the user pool", remedy)
    return policies.apply(overwrite)
