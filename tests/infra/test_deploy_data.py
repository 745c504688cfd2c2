"""Finding and deleting the data that a destroyed stage retains."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.errors import DeploymentFailed
from infra.retained import find_retained
from tests.infra.account import Account
from tests.infra.stages import TRIAL

TABLES = {
    "TableNames": [
        "gatehouse-trial-identity-PolicyTable-C92E2991881DF",
        "gatehouse-trial-identity-identity-PolicyTable-1",
        "gatehouse-trials-identity-PolicyTable-1",
        "gatehouse-trial-identity-Carts-1",
        "gatehouse-trial-identity-StateTable",
    ]
}


TAGS = {"app": "gatehouse", "stage": "trial"}
STRANGE = [
    pytest.param({}, id="without tags"),
    pytest.param({**TAGS, "stage": "dev"}, id="of another stage"),
    pytest.param({"app": "carts", "stage": "trial"}, id="of another application"),
]


def account(protected: bool = True, tags: dict[str, str] = TAGS, **more: Any) -> Account:
    pools = {"UserPools": [{"Id": "p1", "Name": "gatehouse-trial"}, {"Id": "p2", "Name": "gatehouse-trials"}]}
    return Account(
        cognito_idp={"list_user_pools": pools, "describe_user_pool": {"UserPool": {"UserPoolTags": tags, **more}}},
        dynamodb={"list_tables": TABLES, "describe_table": {"Table": {"DeletionProtectionEnabled": protected}}},
        kms={
            "list_keys": {"Keys": [{"KeyId": "k1"}, {"KeyId": "k2"}, {"KeyId": "k3"}]},
            "describe_key": lambda KeyId: {
                "KeyMetadata": {
                    "KeyId": KeyId,
                    "Description": "Data of carts" if KeyId == "k2" else "Data of gatehouse trial",
                    "KeyState": "PendingDeletion" if KeyId == "k3" else "Enabled",
                }
            },
            "list_resource_tags": {"Tags": [{"TagKey": key, "TagValue": value} for key, value in tags.items()]},
        },
        s3={
            "list_buckets": {"Buckets": [{"Name": name} for name in ("gatehouse-trial-identity-artifact", "carts")]},
            "get_bucket_tagging": {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]},
            "list_object_versions": {
                "Versions": [{"Key": "one.zip", "VersionId": "v1"}, {"Key": "one.zip", "VersionId": "v2"}],
                "DeleteMarkers": [{"Key": "two.zip", "VersionId": "v3"}],
            },
        },
    )


def deleted(opened: Account) -> list[tuple[str, dict[str, Any]]]:
    for thing in find_retained(TRIAL, opened):
        thing.delete()
    return opened.calls


def test_only_the_resources_of_this_stage_are_found() -> None:
    assert [thing.name for thing in find_retained(TRIAL, account())] == [
        "user pool p1",
        "table gatehouse-trial-identity-PolicyTable-C92E2991881DF",
        "key k1",
        "bucket gatehouse-trial-identity-artifact",
    ]


@pytest.mark.parametrize("tags", STRANGE)
def test_a_pool_a_key_and_a_bucket_without_our_tags_are_not_found(tags: dict[str, str]) -> None:
    assert [thing.name for thing in find_retained(TRIAL, account(tags=tags))] == [
        "table gatehouse-trial-identity-PolicyTable-C92E2991881DF"
    ]


def test_additional_tags_do_not_hide_a_resource() -> None:
    assert "user pool p1" in [thing.name for thing in find_retained(TRIAL, account(tags={**TAGS, "cost": "carts"}))]


def refusing(code: str, *keys: str) -> Account:
    """Returns an account in which some keys belong to other teams."""
    opened, described = account(), account()("kms").describe_key

    def describe_key(KeyId: str) -> Any:
        if KeyId in keys:
            raise ClientError({"Error": {"Code": code, "Message": "not you"}}, "DescribeKey")
        return described(KeyId=KeyId)

    opened.answer("kms", describe_key=describe_key)
    return opened


def test_a_key_that_cannot_be_described_is_skipped() -> None:
    names = [thing.name for thing in find_retained(TRIAL, refusing("AccessDeniedException", "k2"))]
    assert names == [thing.name for thing in find_retained(TRIAL, account())]


def test_another_error_of_kms_is_not_ignored() -> None:
    with pytest.raises(ClientError, match="not you"):
        find_retained(TRIAL, refusing("ThrottlingException", "k1"))


def test_finding_resources_changes_nothing() -> None:
    opened = account()
    find_retained(TRIAL, opened)
    assert opened.calls == []


def test_protection_is_switched_off_before_a_resource_is_deleted() -> None:
    assert [operation for operation, _ in deleted(account())] == [
        "update_user_pool",
        "delete_user_pool",
        "update_table",
        "delete_table",
        "schedule_key_deletion",
        "delete_objects",
        "delete_bucket",
    ]


def test_every_version_of_every_object_is_deleted_before_the_bucket() -> None:
    bucket = {"Bucket": "gatehouse-trial-identity-artifact"}
    objects = [("one.zip", "v1"), ("one.zip", "v2"), ("two.zip", "v3")]
    batch = {"Objects": [{"Key": key, "VersionId": version} for key, version in objects], "Quiet": True}
    assert deleted(account())[-2:] == [("delete_objects", {**bucket, "Delete": batch}), ("delete_bucket", bucket)]


def test_a_bucket_whose_objects_could_not_be_deleted_is_named_and_stays() -> None:
    refused = [{"Key": "one.zip", "Code": "AccessDenied", "Message": "not you"}]

    def delete_objects(Bucket: str, Delete: Any) -> dict[str, Any]:
        return {"Errors": refused}

    opened = account()
    opened.answer("s3", delete_objects=delete_objects)
    with pytest.raises(DeploymentFailed, match=r"artifact: 1 of 3 objects were not deleted: one\.zip: AccessDenied"):
        deleted(opened)
    assert "delete_bucket" not in [operation for operation, _ in opened.calls]


def test_an_empty_bucket_is_deleted_without_a_deletion_of_objects() -> None:
    opened = account()
    opened.answer("s3", list_object_versions={"Versions": []})
    assert "delete_objects" not in [operation for operation, _ in deleted(opened)]


@pytest.mark.parametrize(("code", "ignored"), [("NoSuchTagSet", True), ("AccessDenied", True), ("SlowDown", False)])
def test_only_a_bucket_without_readable_tags_is_skipped(code: str, ignored: bool) -> None:
    def get_bucket_tagging(Bucket: str) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": "not you"}}, "GetBucketTagging")

    opened = account()
    opened.answer("s3", get_bucket_tagging=get_bucket_tagging)
    if ignored:
        assert not any(thing.name.startswith("bucket") for thing in find_retained(TRIAL, opened))
    else:
        with pytest.raises(ClientError, match="not you"):
            find_retained(TRIAL, opened)


def test_a_table_without_protection_is_deleted_without_an_update() -> None:
    assert "update_table" not in [operation for operation, _ in deleted(account(protected=False))]


def test_the_domain_of_a_pool_is_deleted_before_the_pool() -> None:
    calls = deleted(account(Domain="merchants"))
    assert calls[1:3] == [
        ("delete_user_pool_domain", {"UserPoolId": "p1", "Domain": "merchants"}),
        ("delete_user_pool", {"UserPoolId": "p1"}),
    ]


def test_the_deletion_of_a_key_is_scheduled_in_seven_days() -> None:
    assert ("schedule_key_deletion", {"KeyId": "k1", "PendingWindowInDays": 7}) in deleted(account())
