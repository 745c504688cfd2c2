"""Finds and deletes the resources that a deleted stack retains: user pool, tables, key and artifact bucket."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from infra.clients import Client
from infra.errors import DeploymentFailed
from infra.stage import Stage

_TABLES = ("PolicyTable", "StateTable", "OnboardingTable", "AuditTable", "SampleTable")
_KEY_DELETION_DAYS = 7  # a deletion can be cancelled within this time


@dataclass(frozen=True)
class Retained:
    """A resource with data. `delete` switches its deletion protection off first, and takes effect `when`."""

    name: str
    delete: Callable[[], Any]
    when: str = "at once"


def find_retained(stage: Stage, client: Client) -> list[Retained]:
    """Returns every retained resource of this stage, also from earlier deployments."""
    return [
        *_pools(stage, client("cognito-idp")),
        *_tables(stage, client("dynamodb")),
        *_keys(stage, client("kms")),
        *_buckets(stage, client("s3")),
    ]


def _is_ours(stage: Stage, tags: Mapping[str, str]) -> bool:
    """Returns whether a resource has the tags of the identity stack. Others can use the same name or description."""
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
    # UpdateUserPool resets every setting that is not passed. The pool is deleted next, so this does not matter.
    cognito.update_user_pool(UserPoolId=pool_id, DeletionProtection="INACTIVE")
    domain = cognito.describe_user_pool(UserPoolId=pool_id)["UserPool"].get("Domain")
    if domain:
        cognito.delete_user_pool_domain(UserPoolId=pool_id, Domain=domain)
    cognito.delete_user_pool(UserPoolId=pool_id)


def _tables(stage: Stage, dynamodb: Any) -> Iterator[Retained]:
    # CloudFormation generates these names from the name of the stack. Nobody chooses such a name by chance.
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
                when = f"in {_KEY_DELETION_DAYS} days"
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
        return False  # the policy of our key lets the whole account describe it
    return _is_ours(stage, {tag["TagKey"]: tag["TagValue"] for tag in tags})


def _delete_key(kms: Any, key_id: str) -> None:
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=_KEY_DELETION_DAYS)


def _buckets(stage: Stage, s3: Any) -> Iterator[Retained]:
    for page in s3.get_paginator("list_buckets").paginate():
        for bucket in page["Buckets"]:
            # CloudFormation generates the name from the name of the stack.
            if bucket["Name"].startswith(f"{stage.app}-{stage.name}-") and _is_our_bucket(stage, s3, bucket["Name"]):
                yield Retained(f"bucket {bucket['Name']}", partial(_delete_bucket, s3, bucket["Name"]))


def _is_our_bucket(stage: Stage, s3: Any, name: str) -> bool:
    try:
        tags = s3.get_bucket_tagging(Bucket=name)["TagSet"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchTagSet", "AccessDenied"):
            raise
        return False
    return _is_ours(stage, {tag["Key"]: tag["Value"] for tag in tags})


def _delete_bucket(s3: Any, name: str) -> None:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):  # at most 1,000, as one deletion
        versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if not versions:
            continue
        objects = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
        answer = s3.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
        if errors := answer.get("Errors"):  # the call itself succeeds
            first = errors[0]
            raise DeploymentFailed(
                f"bucket {name}: {len(errors)} of {len(objects)} objects were not deleted: {first['Key']}:"
                f" {first['Code']}: {first.get('Message', '')}"
            )
    s3.delete_bucket(Bucket=name)
