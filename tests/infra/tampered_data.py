"""Changes of the tables, the functions, their roles and the stream, each with the check that reports it."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from infra.alias_calls import LIVE
from tests.infra.target import Arguments, Tampering, Target, Undo, pair, setting

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
EVERYONE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*", "Resource": "*"}],
}
_AUTHORIZER = "policy_authorizer"


def _bucket(target: Target) -> dict[str, str]:
    return {"Bucket": target.names["ArtifactBucket"]}


def _public_bucket(target: Target) -> Undo:
    s3 = target.client("s3")
    was = s3.get_public_access_block(**_bucket(target))["PublicAccessBlockConfiguration"]

    def block(settings: dict[str, bool]) -> None:
        s3.put_public_access_block(**_bucket(target), PublicAccessBlockConfiguration=settings)

    block({**was, "BlockPublicPolicy": False})
    return lambda: block(was)


def _readable_bucket(target: Target) -> Undo:
    s3 = target.client("s3")
    was = s3.get_bucket_policy(**_bucket(target))["Policy"]
    reader = {"Effect": "Allow", "Principal": {"AWS": "210987654321"}, "Action": "s3:GetObject", "Resource": "*"}
    policy = {**json.loads(was), "Statement": [*json.loads(was)["Statement"], reader]}
    s3.put_bucket_policy(**_bucket(target), Policy=json.dumps(policy))
    return lambda: s3.put_bucket_policy(**_bucket(target), Policy=was)


def _encrypted_bucket(target: Target) -> Undo:
    s3 = target.client("s3")
    was = s3.get_bucket_encryption(**_bucket(target))["ServerSideEncryptionConfiguration"]

    def encrypt(configuration: Any) -> None:
        s3.put_bucket_encryption(**_bucket(target), ServerSideEncryptionConfiguration=configuration)

    encrypt({"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]})
    return lambda: encrypt(was)


def _table(operation: str, name: str, bad: Arguments, good: Arguments) -> Tampering:
    return setting("dynamodb", operation, lambda target: target.table(name), bad, good)


def _recovery(on: bool) -> Arguments:
    return {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": on}}


def _expiry(on: bool) -> Arguments:
    return {"TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": on}}


def _key(target: Target) -> dict[str, Any]:
    described = target.client("kms").describe_key(KeyId=target.names["DataKey"])["KeyMetadata"]
    return {"SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": described["Arn"]}}


def _function(name: str, bad: Arguments, good: Arguments) -> Tampering:
    return setting("lambda", "update_function_configuration", lambda target: target.function(name), bad, good)


def variables(name: str, **bad: str) -> Tampering:
    def environment(target: Target, /, **changes: str) -> dict[str, Any]:
        return {"Environment": {"Variables": {**target.configuration(name)["Environment"]["Variables"], **changes}}}

    return _function(name, partial(environment, **bad), environment)


def _permitted(function: str, permission: dict[str, str], **where: str) -> Tampering:
    return pair(
        "lambda",
        "add_permission",
        "remove_permission",
        lambda target: {**target.function(function), "StatementId": "troy", **where},
        {"Action": "lambda:InvokeFunction", **permission},
    )


def _other_version(target: Target) -> Undo:
    """Publishes another version, and points the alias to it. The version differs only in its description."""
    service, function = target.client("lambda"), target.function("api_handler")
    alias = {**function, "Name": LIVE}
    was, described = service.get_alias(**alias)["FunctionVersion"], target.configuration("api_handler")["Description"]
    service.update_function_configuration(**function, Description="horse")
    other = service.publish_version(**function)["Version"]
    service.update_alias(**alias, FunctionVersion=other)

    def undo() -> None:
        service.update_alias(**alias, FunctionVersion=was)
        service.delete_function(**function, Qualifier=other)
        service.update_function_configuration(**function, Description=described)

    return undo


def _layer(target: Target) -> Undo:
    service, function = target.client("lambda"), target.function(_AUTHORIZER)
    code = bytes.fromhex("504b0506" + "00" * 18)  # an empty archive
    layer = service.publish_layer_version(LayerName="horse", Content={"ZipFile": code})["LayerVersionArn"]
    service.update_function_configuration(**function, Layers=[layer])
    return lambda: service.update_function_configuration(**function, Layers=[])


def _second_mapping(target: Target) -> Undo:
    service = target.client("lambda")
    queue = target.outputs["StreamDeadLettersArn"]
    made = service.create_event_source_mapping(**target.function("policy_changed"), EventSourceArn=queue)
    return lambda: service.delete_event_source_mapping(UUID=made["UUID"])


def _mapping(bad: dict[str, Any], good: dict[str, Any]) -> Tampering:
    return setting("lambda", "update_event_source_mapping", lambda target: target.mapping, bad, good)


def _trust(service: str) -> Arguments:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"PolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}


def _wider_role(target: Target) -> Undo:
    iam, policy = target.client("iam"), {**target.role("AuthorizerRole"), "PolicyName": "run"}
    good = iam.get_role_policy(**policy)["PolicyDocument"]
    iam.put_role_policy(**policy, PolicyDocument=json.dumps(EVERYTHING))
    return lambda: iam.put_role_policy(**policy, PolicyDocument=json.dumps(good))


def _corrupt(target: Target) -> Undo:
    dynamodb, item = target.client("dynamodb"), {"subject": {"S": "group:trojans"}}
    dynamodb.put_item(**target.table("PolicyTable"), Item={**item, "statements": {"S": "[{"}})
    return lambda: dynamodb.delete_item(**target.table("PolicyTable"), Key=item)


TAMPERINGS: dict[str, tuple[str, Tampering]] = {
    "the artifact bucket can become public": ("artifacts-access", _public_bucket),
    "another account can read the artifact bucket": ("artifacts-access", _readable_bucket),
    "the artifact bucket is encrypted with AWS's key": ("artifacts-protection", _encrypted_bucket),
    "the artifact bucket keeps no versions": (
        "artifacts-protection",
        setting(
            "s3",
            "put_bucket_versioning",
            _bucket,
            {"VersioningConfiguration": {"Status": "Suspended"}},
            {"VersioningConfiguration": {"Status": "Enabled"}},
        ),
    ),
    "a table loses point-in-time recovery": (
        "tables-recovery",
        _table("update_continuous_backups", "PolicyTable", _recovery(False), _recovery(True)),
    ),
    "a table loses deletion protection": (
        "tables-protection",
        _table(
            "update_table",
            "OnboardingTable",
            *({"DeletionProtectionEnabled": protected} for protected in (False, True)),
        ),
    ),
    "revocations never expire": (
        "tables-expiry",
        _table("update_time_to_live", "StateTable", _expiry(False), _expiry(True)),
    ),
    "policies expire": (
        "tables-expiry",
        _table("update_time_to_live", "PolicyTable", _expiry(True), _expiry(False)),
    ),
    "the sample table gets a stream": (
        "tables-streams",
        _table(
            "update_table",
            "OnboardingTable",
            {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}},
            {"StreamSpecification": {"StreamEnabled": False}},
        ),
    ),
    "a table is encrypted with AWS's key": (
        "tables-encryption",
        _table("update_table", "OnboardingTable", {"SSESpecification": {"Enabled": False}}, _key),
    ),
    "a table gets a public resource policy": (
        "tables-sharing",
        pair(
            "dynamodb",
            "put_resource_policy",
            "delete_resource_policy",
            lambda target: {"ResourceArn": target.table_arn("StateTable")},
            {"Policy": json.dumps(EVERYONE)},
        ),
    ),
    "a policy is corrupt": ("policies-readable", _corrupt),
    "a function gets the role of another function": (
        "functions-roles",
        _function(
            _AUTHORIZER,
            lambda target: {"Role": target.outputs["ApiRoleArn"]},
            lambda target: {"Role": target.outputs["AuthorizerRoleArn"]},
        ),
    ),
    "the authorizer reads keys from another URL": (
        "functions-environment",
        variables(_AUTHORIZER, JWKS_URL="https://troy.example/jwks.json"),
    ),
    "the authorizer accepts tokens of another client": (
        "functions-environment",
        variables(_AUTHORIZER, CLIENT_IDS="horse"),
    ),
    "a function gets an additional variable": (
        "functions-environment",
        variables("api_handler", PYTHONPATH="/tmp/horse"),  # noqa: S108
    ),
    "the authorizer gets a short timeout": ("functions-limits", _function(_AUTHORIZER, {"Timeout": 1}, {"Timeout": 5})),
    "a function runs on another Python": (
        "functions-code",
        _function(
            _AUTHORIZER,
            {"Runtime": "python3.9"},
            lambda target: {"Runtime": target.configuration("api_handler")["Runtime"]},
        ),
    ),
    "the authorizer gets another handler": (
        "functions-code",
        _function(
            _AUTHORIZER,
            {"Handler": "app.horse"},
            lambda target: {"Handler": target.configuration(_AUTHORIZER)["Handler"]},
        ),
    ),
    "the authorizer gets reserved concurrency 0": (
        "functions-concurrency",
        pair(
            "lambda",
            "put_function_concurrency",
            "delete_function_concurrency",
            lambda target: target.function(_AUTHORIZER),
            {"ReservedConcurrentExecutions": 0},
        ),
    ),
    "the authorizer gets a layer": ("functions-code", _layer),
    "any API can invoke the service": (
        "functions-callers",
        _permitted("api_handler", {"Principal": "apigateway.amazonaws.com"}),
    ),
    "any API can invoke the alias of the service": (
        "functions-callers",
        _permitted("api_handler", {"Principal": "apigateway.amazonaws.com"}, Qualifier=LIVE),
    ),
    "another account can invoke the service": (
        "functions-callers",
        _permitted("api_handler", {"Principal": "210987654321"}),
    ),
    "any user pool can invoke a trigger": (
        "functions-callers",
        _permitted("pre_token", {"Principal": "cognito-idp.amazonaws.com"}),
    ),
    "another account's user pool can invoke a trigger": (
        "functions-callers",
        _permitted(
            "post_confirmation",
            {
                "Principal": "cognito-idp.amazonaws.com",
                "SourceArn": "arn:aws:cognito-idp:us-east-1:210987654321:userpool/us-east-1_Troy",
            },
        ),
    ),
    "an alias points to another version": ("functions-versions", _other_version),
    "the service gets a function URL": (
        "functions-addresses",
        pair(
            "lambda",
            "create_function_url_config",
            "delete_function_url_config",
            lambda target: target.function("api_handler"),
            {"AuthType": "NONE"},
        ),
    ),
    "a role gets all permissions": ("roles-permissions", _wider_role),
    "a role gets an additional policy": (
        "roles-permissions",
        pair(
            "iam",
            "put_role_policy",
            "delete_role_policy",
            lambda target: {**target.role("ApiRole"), "PolicyName": "horse"},
            {"PolicyDocument": json.dumps(EVERYTHING)},
        ),
    ),
    "a role gets a managed policy": (
        "roles-attached",
        pair(
            "iam",
            "attach_role_policy",
            "detach_role_policy",
            lambda target: {**target.role("PreTokenRole"), "PolicyArn": ADMINISTRATOR},
        ),
    ),
    "EC2 can assume a role": (
        "roles-trust",
        setting(
            "iam",
            "update_assume_role_policy",
            lambda target: target.role("ApiRole"),
            _trust("ec2.amazonaws.com"),
            _trust("lambda.amazonaws.com"),
        ),
    ),
    "the stream handler reads another source": ("stream-mapping", _second_mapping),
    "the event source mapping is disabled": ("stream-mapping", _mapping({"Enabled": False}, {"Enabled": True})),
    "failed records are retried without a limit": (
        "stream-settings",
        _mapping({"MaximumRetryAttempts": -1}, {"MaximumRetryAttempts": 10}),
    ),
    "partial batch failures are switched off": (
        "stream-settings",
        _mapping({"FunctionResponseTypes": []}, {"FunctionResponseTypes": ["ReportBatchItemFailures"]}),
    ),
    "the dead-letter queue gets a public access policy": (
        "dead-letters",
        setting(
            "sqs",
            "set_queue_attributes",
            lambda target: {"QueueUrl": target.names["StreamDeadLetters"]},
            {"Attributes": {"Policy": json.dumps(EVERYONE)}},
            {"Attributes": {"Policy": ""}},
        ),
    ),
}
