"""Checks the artifact bucket: nobody else can read or replace the bundles of a stage."""

import json
from collections.abc import Iterator

from infra.checks.check import Check
from infra.checks.compare import differing, same
from infra.checks.live import Live


def _access(live: Live) -> Iterator[str]:
    bucket, expected = {"Bucket": live.physical["ArtifactBucket"]}, live.expected["ArtifactBucket"]
    blocked = live.ask("s3", "get_public_access_block", **bucket)["PublicAccessBlockConfiguration"]
    yield from differing("The artifact bucket", blocked, expected["PublicAccessBlockConfiguration"])
    policy = json.loads(live.ask("s3", "get_bucket_policy", **bucket)["Policy"])
    if not same(policy, live.expected["ArtifactBucketPolicy"]["PolicyDocument"]):
        yield "The policy of the artifact bucket differs from the deployed template."


def _protection(live: Live) -> Iterator[str]:
    bucket, expected = {"Bucket": live.physical["ArtifactBucket"]}, live.expected["ArtifactBucket"]
    versioning = live.ask("s3", "get_bucket_versioning", **bucket)
    yield from differing("The versioning of the artifact bucket", versioning, expected["VersioningConfiguration"])
    encryption = live.ask("s3", "get_bucket_encryption", **bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    (rule,) = expected["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    default = encryption[0]["ApplyServerSideEncryptionByDefault"]
    algorithm = rule["ServerSideEncryptionByDefault"]
    yield from differing("The encryption of the artifact bucket", default, {"SSEAlgorithm": algorithm["SSEAlgorithm"]})
    if default.get("KMSMasterKeyID") != algorithm.get("KMSMasterKeyID"):
        yield "The artifact bucket is not encrypted with the key that the stage file selects."


CHECKS = (
    Check("artifacts-access", "The artifact bucket is private and refuses requests without TLS.", _access),
    Check("artifacts-protection", "The artifact bucket keeps versions and is encrypted.", _protection),
)
