"""The people and policies of the local cloud. What somebody has changed there since is left as it is."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra.apply_policies import apply_policies
from infra.package import PROJECT
from infra.policy_groups import REMEDY
from local.cloud import LocalCloud

_OVERWRITE = "`.venv/bin/python manage.py policies apply --stage local --overwrite-policies`"

# name → group, address, password: for nowhere but this machine
USERS = {
    "admin": ("admins", "admin@gatehouse.example", "admin-opens-every-door"),
    "editor": ("editors", "editor@gatehouse.example", "editor-writes-reports"),
    "reader": ("readers", "reader@gatehouse.example", "reader-reads-reports"),
}


def seed(cloud: LocalCloud, outputs: Mapping[str, str]) -> list[str]:
    """Create the sample users that are missing, apply `policies/`, and say what became of which policy.

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
