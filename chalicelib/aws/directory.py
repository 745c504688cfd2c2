"""The groups of the user pool, and the ledger of the users who have received the default groups.

Most sign-ins only read the ledger. Therefore the SDK is imported, and its clients are created, only when a user
is added to a group.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.aws.items import ItemReader, ReadFailed
from chalicelib.core.errors import InternalError

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class UserPool:
    """Implements Directory on Cognito.

    client  returns the client of the SDK
    """

    client: "Callable[[], CognitoIdentityProviderClient]"

    def add_to_group(self, pool_id: str, username: str, group: str) -> None:
        client = self.client()
        from botocore.exceptions import BotoCoreError, ClientError

        from chalicelib.aws.failure_name import failure_name

        try:
            client.admin_add_user_to_group(UserPoolId=pool_id, Username=username, GroupName=group)
        except (BotoCoreError, ClientError) as error:
            message = f"Cognito did not add the user to the group {group}: {failure_name(error)}"
            raise InternalError("group_not_added", message) from None


@dataclass(frozen=True, slots=True)
class OnboardingTable:
    """Implements OnboardingLedger on a DynamoDB table with one item (`sub`) for each user.

    client  returns the client of the SDK
    """

    reader: ItemReader
    client: "Callable[[], DynamoDBClient]"
    table: str

    def has_entry(self, subject: str) -> bool:
        try:
            return "Item" in self.reader.get_item(
                TableName=self.table, Key={"sub": {"S": subject}}, ConsistentRead=True
            )
        except ReadFailed as failed:
            raise InternalError("ledger_unreachable", f"DynamoDB: {failed}") from failed

    def add(self, subject: str) -> None:
        from chalicelib.aws.dynamodb import failures_named

        with failures_named("ledger_unreachable"):
            self.client().put_item(TableName=self.table, Item={"sub": {"S": subject}})
