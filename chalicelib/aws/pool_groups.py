"""Reads the groups of a user pool.

No error contains anything of Cognito's message, which can contain an e-mail address.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.failure_name import failure_name
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
        with failures_named("groups_unreachable", {"InvalidParameterException": NotFound("the user")}):
            answers = list(pages.paginate(UserPoolId=self.pool_id, Username=username))
        return tuple(group["GroupName"] for answer in answers for group in answer["Groups"])

    def group_exists(self, group: str) -> bool:
        try:
            with failures_named("groups_unreachable", {"ResourceNotFoundException": NotFound("the group")}):
                self.client.get_group(UserPoolId=self.pool_id, GroupName=group)
        except NotFound:
            return False
        return True


@contextmanager
def failures_named(reason: str, answers: Mapping[str, Exception] | None = None) -> Iterator[None]:
    """Raises a failure of Cognito as one of ours.

    reason   the code of the InternalError
    answers  the errors that answer a caller, by Cognito's code
    """
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        code = failure_name(error)
        known = {"UserNotFoundException": NotFound("the user"), **(answers or {})}
        raise known.get(code) or InternalError(reason, f"Cognito: {code}") from None
