"""Reads the groups of a user pool."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core.errors import InternalError, NotFound

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient


@dataclass(frozen=True, slots=True)
class PoolGroups:
    """Implements GroupReader on one user pool."""

    client: "CognitoIdentityProviderClient"
    pool_id: str

    def groups_of(self, username: str) -> tuple[str, ...]:
        pages = self.client.get_paginator("admin_list_groups_for_user")
        try:
            answers = list(pages.paginate(UserPoolId=self.pool_id, Username=username))
        except (BotoCoreError, ClientError) as error:
            if _code(error) in ("UserNotFoundException", "InvalidParameterException"):
                raise NotFound("the user") from error
            raise InternalError("groups_unreachable", "Cognito did not list the groups of a user") from error
        return tuple(group["GroupName"] for answer in answers for group in answer["Groups"])

    def group_exists(self, group: str) -> bool:
        try:
            self.client.get_group(UserPoolId=self.pool_id, GroupName=group)
        except (BotoCoreError, ClientError) as error:
            if _code(error) == "ResourceNotFoundException":
                return False
            raise InternalError("groups_unreachable", f"Cognito did not describe the group {group}") from error
        return True


def _code(error: BotoCoreError | ClientError) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
