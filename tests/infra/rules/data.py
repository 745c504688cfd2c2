"""Rules about data: retention, deletion protection, encryption, logs and secrets."""

import json
import re
from collections.abc import Iterator

from tests.infra.intrinsics import ACCOUNT
from tests.infra.resolve import Stack, Template
from tests.infra.rules import Sets, for_each_stack
from tests.infra.rules.access import many
from tests.infra.rules.people import pool

OWNER = f"arn:aws:iam::{ACCOUNT}:root"
EVERYONE = {"Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*"}
RETAINED = {
    *("AWS::Cognito::UserPool", "AWS::DynamoDB::Table", "AWS::KMS::Key"),
    *("AWS::S3::Bucket", "AWS::S3::BucketPolicy"),
}
# The users of the key and their actions: the functions' roles, CloudWatch alarms, CloudWatch Logs.
BY_ROLES = {"kms:Decrypt", "kms:GenerateDataKey"}
BY_SERVICES = {
    "cloudwatch.amazonaws.com": BY_ROLES,
    "logs.mars-west-1.amazonaws.com": {
        *("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"),
    },
}
# The property that names the key, by resource type.
KEYS = {
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::SecretsManager::Secret": "KmsKeyId",
    "AWS::SQS::Queue": "KmsMasterKeyId",
    "AWS::SNS::Topic": "KmsMasterKeyId",
}
SECRET = re.compile(r"\.ClientSecret>|\{\{resolve:")
SECRET_KEEPERS = {"AWS::SecretsManager::Secret", "AWS::Cognito::UserPoolIdentityProvider"}


@for_each_stack
def retained(stack: Stack) -> Iterator[str]:
    for resource in stack.resources.values():
        if resource.type in RETAINED:
            deleted, replaced = resource.beside.get("DeletionPolicy"), resource.beside.get("UpdateReplacePolicy")
            if deleted not in ("Retain", "RetainExceptOnCreate") or replaced != "Retain":
                yield f"{resource.name} is deleted with the stack"
    expected = stack.parameters["DataProtection"] == "true"
    if (pool(stack).properties.get("DeletionProtection") == "ACTIVE") is not expected:
        yield "the user pool's deletion protection is not the expected one"
    for table in stack.of("AWS::DynamoDB::Table"):
        if table.properties.get("PointInTimeRecoverySpecification") != {"PointInTimeRecoveryEnabled": True}:
            yield f"{table.name} has no point-in-time recovery"
        if table.properties.get("DeletionProtectionEnabled", False) is not expected:
            yield f"{table.name}'s deletion protection is not the expected one"


def protected_by_default(template: Template, sets: Sets) -> Iterator[str]:
    if pool(template.resolve({})).properties.get("DeletionProtection") != "ACTIVE":
        yield "deletion protection is off by default"


@for_each_stack
def encrypted(stack: Stack) -> Iterator[str]:
    keys = stack.of("AWS::KMS::Key")
    key = f"<{keys[0].name}.Arn>" if keys else None
    if bool(keys) is not (stack.parameters["UseCustomerKey"] == "true"):
        yield "the customer managed key does not match UseCustomerKey"
    for table in stack.of("AWS::DynamoDB::Table"):
        expected = {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key} if key else None
        if table.properties.get("SSESpecification") != expected:
            yield f"{table.name} is encrypted with another key"
    configuration = {"KeyType": "CUSTOMER_MANAGED_KEY", "KmsKeyArn": key} if key else None
    if pool(stack).properties.get("KeyConfiguration") != configuration:
        yield "the user pool is encrypted with another key"
    for resource in stack.resources.values():
        if resource.type in KEYS and resource.properties.get(KEYS[resource.type]) != key:
            yield f"{resource.name} is encrypted with another key"
    for bucket in stack.of("AWS::S3::Bucket"):
        (rule,) = bucket.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        algorithm = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} if key else {"SSEAlgorithm": "AES256"}
        if rule["ServerSideEncryptionByDefault"] != algorithm:
            yield f"{bucket.name} is encrypted with another key"
    for queue in stack.of("AWS::SQS::Queue"):
        if not keys and queue.properties.get("SqsManagedSseEnabled") is not True:
            yield f"{queue.name} is not encrypted"


@for_each_stack
def artifacts(stack: Stack) -> Iterator[str]:
    """The artifact bucket is private, encrypted, versioned and retained. A bundle is never deleted before its use."""
    (bucket,) = stack.of("AWS::S3::Bucket")
    properties = bucket.properties
    if set(properties.get("PublicAccessBlockConfiguration", {}).values()) != {True}:
        yield f"{bucket.name} can become public"
    if len(properties.get("PublicAccessBlockConfiguration", {})) != 4:
        yield f"{bucket.name} does not block all public access"
    if properties.get("OwnershipControls") != {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}:
        yield f"{bucket.name} has access control lists"
    if properties.get("VersioningConfiguration") != {"Status": "Enabled"}:
        yield f"{bucket.name} keeps no versions"
    rules = properties.get("LifecycleConfiguration", {}).get("Rules", [])
    if any(key.startswith(("Expiration", "Transition")) for rule in rules for key in rule):
        yield f"{bucket.name} deletes bundles that a rollback needs"
    if not any("NoncurrentVersionExpiration" in rule and rule["Status"] == "Enabled" for rule in rules):
        yield f"{bucket.name} keeps old versions for ever"
    yield from _private(bucket.name, stack)


def _private(bucket: str, stack: Stack) -> Iterator[str]:
    policies = [it.properties for it in stack.of("AWS::S3::BucketPolicy") if it.properties["Bucket"] == f"<{bucket}>"]
    statements = [it for policy in policies for it in many(policy["PolicyDocument"]["Statement"])]
    if any(it["Effect"] != "Deny" for it in statements):
        yield f"the policy of {bucket} allows access"
    everything = {f"<{bucket}.Arn>", f"<{bucket}.Arn>/*"}
    refused = {**EVERYONE, "Condition": {"Bool": {"aws:SecureTransport": "false"}}, "Resource": everything}
    if refused not in [{**it, "Resource": set(many(it["Resource"]))} for it in statements]:
        yield f"{bucket} accepts requests without TLS"


@for_each_stack
def key_policy(stack: Stack) -> Iterator[str]:
    for key in stack.of("AWS::KMS::Key"):
        if key.properties.get("EnableKeyRotation") is not True:
            yield f"{key.name} does not rotate"
        statements = many(key.properties["KeyPolicy"]["Statement"])
        if statements[0]["Principal"] != {"AWS": OWNER}:
            yield f"{key.name} is not administered by the account alone"
        users = {str(it["Principal"].get("Service")): set(many(it["Action"])) for it in statements[1:]}
        if users != BY_SERVICES:
            yield f"{key.name} is used by {users}"
        if not all(ACCOUNT in json.dumps(it.get("Condition", {})) for it in statements[1:]):
            yield f"{key.name} can be used for other accounts"
        yield from _used_by_roles(f"<{key.name}.Arn>", stack)


def _used_by_roles(key: str, stack: Stack) -> Iterator[str]:
    """Every function's role must be able to use the key of its tables."""
    users = set()
    for policy in stack.of("AWS::IAM::Policy"):
        for statement in many(policy.properties["PolicyDocument"]["Statement"]):
            if many(statement["Resource"]) == [key] and set(many(statement["Action"])) == BY_ROLES:
                users |= set(policy.properties["Roles"])
    if users != {f"<{role.name}>" for role in stack.of("AWS::IAM::Role")}:
        yield f"only {sorted(users)} can use the key"


@for_each_stack
def streamed_and_expired(stack: Stack) -> Iterator[str]:
    """The stream contains old and new policies. Revocations expire when no token can match them any more."""
    tables = {table.name: table.properties for table in stack.of("AWS::DynamoDB::Table")}
    if tables["PolicyTable"].get("StreamSpecification") != {"StreamViewType": "NEW_AND_OLD_IMAGES"}:
        yield "the stream does not contain old and new policies"
    if tables["StateTable"].get("TimeToLiveSpecification") != {"AttributeName": "expires_at", "Enabled": True}:
        yield "revocations do not expire"


@for_each_stack
def logs(stack: Stack) -> Iterator[str]:
    for group in stack.of("AWS::Logs::LogGroup"):
        if group.properties.get("RetentionInDays") != stack.parameters["LogRetentionDays"]:
            yield f"{group.name} has a retention time of {group.properties.get('RetentionInDays')} days"


@for_each_stack
def secrets(stack: Stack) -> Iterator[str]:
    """A person who can read the stack sees outputs and most properties."""
    for name, value in stack.outputs.items():
        if SECRET.search(str(value)):
            yield f"the output {name} contains a secret"
    for resource in stack.resources.values():
        if resource.type not in SECRET_KEEPERS and SECRET.search(resource.text):
            yield f"{resource.name} contains a secret"


def secret_parameters(template: Template, sets: Sets) -> Iterator[str]:
    for name in template.source["Parameters"]:
        if re.search(r"(Secret|Password)$", name):
            yield f"the parameter {name} contains a secret"
