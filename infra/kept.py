"""What outlives a stack: the user pool, the tables, the key. Found by name, since nothing else remembers it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from infra.found import Client
from infra.stage import Stage

_TABLES = ("PolicyTable", "GuardTable", "OnboardedTable", "DocumentTable")
_DAYS_TO_CHANGE_ONES_MIND = 7


@dataclass(frozen=True)
class Kept:
    """One thing with data in it; `delete` switches its protection off first, and takes effect `when`."""

    name: str
    delete: Callable[[], Any]
    when: str = "at once"


def find_kept(stage: Stage, client: Client) -> list[Kept]:
    """Everything of this stage that holds data, of this life of the stack and of earlier ones."""
    return [*_pools(stage, client("cognito-idp")), *_tables(stage, client("dynamodb")), *_keys(stage, client("kms"))]


def _pools(stage: Stage, cognito: Any) -> Iterator[Kept]:
    for page in cognito.get_paginator("list_user_pools").paginate(PaginationConfig={"PageSize": 60}):
        for pool in page["UserPools"]:
            if pool["Name"] == f"{stage.app}-{stage.name}":
                yield Kept(f"user pool {pool['Id']}", partial(_delete_pool, cognito, pool["Id"]))


def _delete_pool(cognito: Any, pool_id: str) -> None:
    # It resets what is not named; there is nothing left to be reset for.
    cognito.update_user_pool(UserPoolId=pool_id, DeletionProtection="INACTIVE")
    domain = cognito.describe_user_pool(UserPoolId=pool_id)["UserPool"].get("Domain")
    if domain:
        cognito.delete_user_pool_domain(UserPoolId=pool_id, Domain=domain)
    cognito.delete_user_pool(UserPoolId=pool_id)


def _tables(stage: Stage, dynamodb: Any) -> Iterator[Kept]:
    ours = re.compile(rf"{re.escape(stage.stack)}-({'|'.join(_TABLES)})-[A-Za-z0-9]+")
    for page in dynamodb.get_paginator("list_tables").paginate():
        for name in page["TableNames"]:
            if ours.fullmatch(name):
                yield Kept(f"table {name}", partial(_delete_table, dynamodb, name))


def _delete_table(dynamodb: Any, name: str) -> None:
    if dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    dynamodb.delete_table(TableName=name)


def _keys(stage: Stage, kms: Any) -> Iterator[Kept]:
    for page in kms.get_paginator("list_keys").paginate():
        for listed in page["Keys"]:
            key = kms.describe_key(KeyId=listed["KeyId"])["KeyMetadata"]
            if key["Description"] == f"Data of {stage.app} {stage.name}" and key["KeyState"] == "Enabled":
                when = f"in {_DAYS_TO_CHANGE_ONES_MIND} days"
                yield Kept(f"key {key['KeyId']}", partial(_delete_key, kms, key["KeyId"]), when)


def _delete_key(kms: Any, key_id: str) -> None:
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=_DAYS_TO_CHANGE_ONES_MIND)
