"""What outlives a stack: the user pool, the tables, the key. Found by name and tags: nothing else remembers it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from infra.discovery import Client
from infra.stage import Stage

_TABLES = ("PolicyTable", "StateTable", "OnboardingTable", "SampleTable")
_DAYS_TO_CHANGE_ONES_MIND = 7


@dataclass(frozen=True)
class Retained:
    """One thing with data in it; `delete` switches its protection off first, and takes effect `when`."""

    name: str
    delete: Callable[[], Any]
    when: str = "at once"


def find_retained(stage: Stage, client: Client) -> list[Retained]:
    """Everything of this stage that holds data, of this life of the stack and of earlier ones."""
    return [*_pools(stage, client("cognito-idp")), *_tables(stage, client("dynamodb")), *_keys(stage, client("kms"))]


def _is_ours(stage: Stage, tags: Mapping[str, str]) -> bool:
    """Whether the identity stack has put its tags there: a name or a description may be anybody's."""
    return {"app": stage.app, "stage": stage.name}.items() <= tags.items()


def _pools(stage: Stage, cognito: Any) -> Iterator[Retained]:
    for page in cognito.get_paginator("list_user_pools").paginate(PaginationConfig={"PageSize": 60}):
        for pool in page["UserPools"]:
            if pool["Name"] == f"{stage.app}-{stage.name}" and _is_ours(stage, _pool_tags(cognito, pool["Id"])):
                yield Retained(f"user pool {pool['Id']}", partial(_delete_pool, cognito, pool["Id"]))


def _pool_tags(cognito: Any, pool_id: str) -> Mapping[str, str]:
    tags: Mapping[str, str] = cognito.describe_user_pool(UserPoolId=pool_id)["UserPool"].get("UserPoolTags", {})
    return tags


def _delete_pool(cognito: Any, pool_id: str) -> None:
    # It resets what is not named; there is nothing left to be reset for.
    cognito.update_user_pool(UserPoolId=pool_id, DeletionProtection="INACTIVE")
    domain = cognito.describe_user_pool(UserPoolId=pool_id)["UserPool"].get("Domain")
    if domain:
        cognito.delete_user_pool_domain(UserPoolId=pool_id, Domain=domain)
    cognito.delete_user_pool(UserPoolId=pool_id)


def _tables(stage: Stage, dynamodb: Any) -> Iterator[Retained]:
    # CloudFormation makes these names of the stack's, and nobody gives a table such a one by chance.
    ours = re.compile(rf"{re.escape(stage.stack)}-({'|'.join(_TABLES)})-[A-Za-z0-9]+")
    for page in dynamodb.get_paginator("list_tables").paginate():
        for name in page["TableNames"]:
            if ours.fullmatch(name):
                yield Retained(f"table {name}", partial(_delete_table, dynamodb, name))


def _delete_table(dynamodb: Any, name: str) -> None:
    if dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    dynamodb.delete_table(TableName=name)


def _keys(stage: Stage, kms: Any) -> Iterator[Retained]:
    for page in kms.get_paginator("list_keys").paginate():
        for listed in page["Keys"]:
            if _is_our_key(stage, kms, listed["KeyId"]):
                when = f"in {_DAYS_TO_CHANGE_ONES_MIND} days"
                yield Retained(f"key {listed['KeyId']}", partial(_delete_key, kms, listed["KeyId"]), when)


def _is_our_key(stage: Stage, kms: Any, key_id: str) -> bool:
    try:
        key = kms.describe_key(KeyId=key_id)["KeyMetadata"]
        if key["Description"] != f"Data of {stage.app} {stage.name}" or key["KeyState"] != "Enabled":
            return False
        tags = kms.list_resource_tags(KeyId=key_id)["Tags"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return False  # a key says who may look at it; ours lets the whole account
    return _is_ours(stage, {tag["TagKey"]: tag["TagValue"] for tag in tags})


def _delete_key(kms: Any, key_id: str) -> None:
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=_DAYS_TO_CHANGE_ONES_MIND)
