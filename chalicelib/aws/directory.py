"""The groups of the user pool, and the ledger of the users who have received the default groups."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.dynamodb import failures_named
from chalicelib.core.errors import InternalError, NotFound

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class UserPool:
    """Implements Directory on Cognito."""

    client: "CognitoIdentityProviderClient"

    def add_to_group(self, pool_id: str, username: str, group: str) -> None:
        try:
            self.client.admin_add_user_to_group(UserPoolId=pool_id, Username=username, GroupName=group)
        except (BotoCoreError, ClientError) as error:
            raise InternalError("group_not_added", f"Cognito did not add the user to the group {group}") from error


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


@dataclass(frozen=True, slots=True)
class OnboardingTable:
    """Implements OnboardingLedger on a DynamoDB table with one item (`sub`) for each user."""

    client: "DynamoDBClient"
    table: str

    def has_entry(self, subject: str) -> bool:
        with failures_named("ledger_unreachable"):
            answer = self.client.get_item(TableName=self.table, Key={"sub": {"S": subject}}, ConsistentRead=True)
        return "Item" in answer

    def add(self, subject: str) -> None:
        with failures_named("ledger_unreachable"):
            self.client.put_item(TableName=self.table, Item={"sub": {"S": subject}})
