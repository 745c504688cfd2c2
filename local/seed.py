"""The people and policies that a new local cloud begins with. What is there already is left as it is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.administer import Administer
from chalicelib.aws.guard import GuardTable
from chalicelib.aws.policies import PolicyTable
from infra.policy_files import AUTHOR, read_policies
from local.place import Place

# name → group, address, password: for nowhere but this machine
USERS = {
    "admin": ("admins", "admin@gatehouse.example", "admin-opens-every-door"),
    "editor": ("editors", "editor@gatehouse.example", "editor-writes-reports"),
    "reader": ("readers", "reader@gatehouse.example", "reader-reads-reports"),
}


def seed(place: Place, outputs: Mapping[str, str]) -> None:
    """Create the sample users that are missing, and the policies if there is none at all."""
    cognito, dynamodb = place.client("cognito-idp"), place.client("dynamodb")
    for group, address, password in USERS.values():
        _create_user(cognito, outputs["UserPoolId"], group, address, password)
    # Deleted policies leave their item: somebody who deleted them all gets none of them back.
    if not dynamodb.scan(TableName=outputs["PolicyTableName"], Limit=1, ConsistentRead=True)["Items"]:
        guard = GuardTable(dynamodb, outputs["GuardTableName"])
        administer = Administer(PolicyTable(dynamodb, outputs["PolicyTableName"]), guard, guard)
        for subject, statements in read_policies(Path(__file__).parent.parent / "policies", outputs):
            administer.put_policy(subject, {"statements": statements, "version": 0}, author=AUTHOR)


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
