"""Creates the sample users and policies of the local cloud. Does not overwrite later changes."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra.apply_policies import apply_policies
from infra.package import PROJECT
from infra.policy_groups import REMEDY
from local.cloud import LocalCloud

_OVERWRITE = "`.venv/bin/python manage.py policies apply --stage local --overwrite-policies`"

# name → group, e-mail address, password; valid on this machine only
USERS = {
    "admin": ("admins", "admin@gatehouse.example", "admin-opens-every-door"),
    "editor": ("editors", "editor@gatehouse.example", "editor-writes-reports"),
    "reader": ("readers", "reader@gatehouse.example", "reader-reads-reports"),
}


def seed(cloud: LocalCloud, outputs: Mapping[str, str]) -> list[str]:
    """Creates missing sample users, applies `policies/`, and returns one line for each changed or retained policy.

    Raises:  Refused for policy files that cannot be applied
    """
    cognito = cloud.client("cognito-idp")
    for group, address, password in USERS.values():
        _create_user(cognito, outputs["UserPoolId"], group, address, password)
    return apply_policies(PROJECT, outputs, cloud.client, remedy=REMEDY).notes(_OVERWRITE)


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
