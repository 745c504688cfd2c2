"""Creates the sample users and policies of the local cloud. Does not overwrite later changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from infra.apply_policies import apply_policies
from infra.package import PROJECT
from infra.policy_groups import REMEDY, TEMPLATE, template_groups
from infra.stage_rules import rules_of_parameters
from infra.templates import read_yaml
from local.cloud import LocalCloud, app_name

_OVERWRITE = "`.venv/bin/python manage.py policies apply --stage local --overwrite-policies`"


@dataclass(frozen=True)
class SampleUser:
    """A user of one group. The password is valid on this machine only."""

    group: str
    address: str
    password: str


@cache
def sample_users() -> dict[str, SampleUser]:
    """Returns one user for each group of infra/identity.yaml, by name: `reader` is the user of the group `readers`."""
    groups = sorted(template_groups(read_yaml(PROJECT, TEMPLATE)))
    names = {group.removesuffix("s") or group: group for group in groups}
    return {
        name: SampleUser(group, f"{name}@{app_name()}.example", f"{name}-signs-in-here")
        for name, group in names.items()
    }


def seed(cloud: LocalCloud, outputs: Mapping[str, str]) -> list[str]:
    """Creates missing sample users, applies `policies/`, and returns one line for each changed or retained policy.

    Raises:  Refused for policy files that cannot be applied
    """
    cognito = cloud.client("cognito-idp")
    for user in sample_users().values():
        _create_user(cognito, outputs["UserPoolId"], user.group, user.address, user.password)
    return apply_policies(PROJECT, outputs, cloud.client, rules_of_parameters(outputs), remedy=REMEDY).notes(_OVERWRITE)


def _create_user(cognito: Any, pool_id: str, group: str, address: str, password: str) -> None:
    try:
        created = cognito.admin_create_user(
            UserPoolId=pool_id,
            Username=address,
            TemporaryPassword=password,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": address}, {"Name": "email_verified", "Value": "true"}],
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "UsernameExistsException":
            return
        raise
    username = created["User"]["Username"]
    cognito.admin_set_user_password(UserPoolId=pool_id, Username=username, Password=password, Permanent=True)
    cognito.admin_add_user_to_group(UserPoolId=pool_id, Username=username, GroupName=group)
