"""Runs `doctor` on a simulated stage: it finds no fault in an intact stage, and each planted fault by its check."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from infra.checks.check import Finding
from infra.clients import Client
from infra.doctor import CHECKS, answers
from infra.shards import Shards
from infra.verify import CHECKS as CHECKS_OF_VERIFY
from infra.verify import verify
from tests.aws.test_fetch_jwks import jwk
from tests.configured import PRIVILEGED_GROUP
from tests.infra.conftest import ADMINISTRATOR
from tests.infra.doctored import Change, doctored, set_in
from tests.infra.target import Target, Undo

DAWN = 1_800_000_000.0
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"  # of DAWN
KEY = jwk("dawn")
ALLOW = {"sid": "read", "effect": "Allow", "methods": ["GET"], "paths": ["/whoami"]}


def examine(target: Target, client: Client | None = None, checks: Any = CHECKS) -> list[Finding]:
    return [finding for finding in verify(target.stage, client or target.client, checks=checks) if not finding.ok]


def test_every_check_passes_on_an_intact_stage(target: Target) -> None:
    findings = verify(target.stage, target.client, checks=CHECKS)
    assert [finding for finding in findings if not finding.ok] == []
    assert [finding.name for finding in findings] == [check.name for check in CHECKS]
    assert [check.title for check in CHECKS if not check.title.endswith(".")] == []


def test_all_checks_together_scan_the_policy_table_once(target: Target) -> None:
    first_items: list[dict[str, Any]] = []
    counting = doctored(target.client, "dynamodb", "scan", lambda page: first_items.extend(page["Items"][:1]))
    assert examine(target, counting) == []
    assert sum("subject" in item for item in first_items) == 1


def test_a_name_that_is_also_a_check_of_verify_is_the_same_check() -> None:
    by_name = {check.name: check for check in CHECKS_OF_VERIFY}
    shared = {check.name for check in CHECKS if check.name in by_name}
    assert shared == {"policies-readable", "stream-mapping"}
    assert len({check.name for check in CHECKS}) == len(CHECKS)


# --- faults that are planted in the stage ---


def policy(subject: str, **more: Any) -> Callable[[Target], Undo]:
    """Returns a fault: a policy that another tool wrote."""

    def plant(target: Target) -> Undo:
        table, dynamodb = target.table("PolicyTable"), target.client("dynamodb")
        named = subject.replace("<web>", target.outputs["WebClientId"])
        key = {"subject": {"S": named}}
        old = dynamodb.get_item(**table, Key=key).get("Item")
        statements = json.dumps([{**ALLOW, **more}])
        fields = {"version": {"N": "1"}, "updated_by": {"S": "hermes"}, "updated_at": {"S": "2027-01-15"}}
        dynamodb.put_item(**table, Item={**key, **fields, "statements": {"S": statements}})
        return lambda: dynamodb.put_item(**table, Item=old) if old else dynamodb.delete_item(**table, Key=key)

    return plant


def environment(function: str, **changes: str) -> Callable[[Target], Undo]:
    """Returns a fault: variables of a function that somebody changed, and for which the alias was moved."""

    def plant(target: Target) -> Undo:
        functions, name = target.client("lambda"), target.function(function)
        before = functions.get_function_configuration(**name)["Environment"]["Variables"]
        version = functions.get_alias(**name, Name="live")["FunctionVersion"]
        after = {key: value for key, value in {**before, **changes}.items() if value != "gone"}
        functions.update_function_configuration(**name, Environment={"Variables": after})
        functions.update_alias(**name, Name="live", FunctionVersion="$LATEST")

        def undo() -> None:
            functions.update_alias(**name, Name="live", FunctionVersion=version)
            functions.update_function_configuration(**name, Environment={"Variables": before})

        return undo

    return plant


def new_group(target: Target) -> Undo:
    group = {**target.pool, "GroupName": "muses"}
    target.client("cognito-idp").create_group(**group)
    return lambda: target.client("cognito-idp").delete_group(**group)


def new_client(target: Target) -> Undo:
    cognito = target.client("cognito-idp")
    made = cognito.create_user_pool_client(**target.pool, ClientName="lyre")["UserPoolClient"]["ClientId"]
    return lambda: cognito.delete_user_pool_client(**target.pool, ClientId=made)


def disabled_administrator(target: Target) -> Undo:
    zeus, cognito = {**target.pool, "Username": ADMINISTRATOR}, target.client("cognito-idp")
    cognito.admin_disable_user(**zeus)
    return lambda: cognito.admin_enable_user(**zeus)


def no_generation(target: Target) -> Undo:
    table, key, dynamodb = target.table("StateTable"), {"id": {"S": "generation"}}, target.client("dynamodb")
    item = dynamodb.get_item(**table, Key=key)["Item"]
    dynamodb.delete_item(**table, Key=key)
    return lambda: dynamodb.put_item(**table, Item=item)


def lockdown(target: Target) -> Undo:
    table, key, dynamodb = target.table("StateTable"), {"id": {"S": "generation"}}, target.client("dynamodb")
    item = dynamodb.get_item(**table, Key=key)["Item"]
    until = {"locked_until": {"N": "4102444800"}, "locked_reason": {"S": "a drill"}, "locked_by": {"S": "zeus"}}
    dynamodb.put_item(**table, Item={**item, **until})
    return lambda: dynamodb.put_item(**table, Item=item)


def half_written_lockdown(target: Target) -> Undo:
    dynamodb, table = target.client("dynamodb"), target.table("StateTable")
    shards = Shards(dynamodb, table["TableName"])
    shards.ensure(2)
    dynamodb.update_item(
        **table,
        Key={"id": {"S": "shard:2"}},
        UpdateExpression="SET locked_until = :until",
        ExpressionAttributeValues={":until": {"N": "4102444800"}},
    )
    return lambda: shards.shrink(1)


def unusable_copy(target: Target) -> Undo:
    dynamodb, table = target.client("dynamodb"), target.table("StateTable")
    shards = Shards(dynamodb, table["TableName"])
    shards.ensure(2)
    dynamodb.delete_item(**table, Key={"id": {"S": "shard:2"}})
    return lambda: shards.shrink(1)


def disabled_mapping(target: Target) -> Undo:
    functions, mapping = target.client("lambda"), target.mapping
    functions.update_event_source_mapping(**mapping, Enabled=False)
    return lambda: functions.update_event_source_mapping(**mapping, Enabled=True)


def dead_letter(target: Target) -> Undo:
    sqs, queue = target.client("sqs"), target.names["StreamDeadLetters"]
    sqs.send_message(QueueUrl=queue, MessageBody="a batch")
    return lambda: sqs.purge_queue(QueueUrl=queue)


def alarm(target: Target) -> Undo:
    def set_state(value: str) -> None:
        name = target.names["DecisionsFailedAlarm"]
        target.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=value, StateReason="3 failures")

    set_state("ALARM")
    return lambda: set_state("OK")


PLANTED: dict[str, tuple[Callable[[Target], Undo], str, str]] = {
    "a policy of a missing group": (
        policy("group:centaurs"),
        "policy-subjects",
        "There is a policy of group:centaurs, but the user pool has no such group.",
    ),
    "a policy of a missing client": (
        policy("client:pegasus"),
        "policy-subjects",
        "There is a policy of client:pegasus, but the user pool has no such app client.",
    ),
    "a scope of nobody": (
        policy("client:<web>", scopes=["https://olympus.example/fly"]),
        "granted-scopes",
        "the statement read needs the scope https://olympus.example/fly, which no token of this subject can have.",
    ),
    "an unreadable policy": (policy(f"group:{PRIVILEGED_GROUP}", effect="Maybe"), "policies-readable", "HTTP 500"),
    "no administrator by policy": (
        policy(f"group:{PRIVILEGED_GROUP}"),
        "administrator",
        "No group of the user pool may change policies through the API.",
    ),
    "a disabled administrator": (
        disabled_administrator,
        "administrator",
        f"No enabled user of {PRIVILEGED_GROUP} has signed in.",
    ),
    "another client": (new_client, "clients", "The authorizer refuses the tokens of the app client lyre"),
    "no generation": (no_generation, "generation", "but the state table has no generation."),
    "a lockdown": (lockdown, "restrictions", "A lockdown is active until 2100-01-01T00:00:00Z: a drill."),
    "a lockdown in one copy": (
        half_written_lockdown,
        "state-copies",
        "The lockdown differs from the original in 1 of 2 copies of the state (2).",
    ),
    "a deleted copy": (unusable_copy, "state-copies", "These copies of the state cannot be read: 2."),
    "a disabled mapping": (disabled_mapping, "stream-mapping", "is Disabled. Expected: Enabled."),
    "a dead letter": (dead_letter, "dead-letters-empty", "Batches of policy changes that were not handled: 1."),
    "an alarm": (alarm, "alarms-quiet", "DecisionsFailedAlarm: 3 failures."),
    "a setting of another form": (
        environment("policy_changed", AUTHORIZER_CACHE_SECONDS="soon"),
        "settings",
        "AUTHORIZER_CACHE_SECONDS",
    ),
    "a missing setting": (environment("post_confirmation", ONBOARDING_TABLE="gone"), "settings", "is not set"),
    "an issuer of another pool": (
        environment("policy_authorizer", ISSUER="https://delphi.example"),
        "settings-agree",
        "The authorizer expects the issuer https://delphi.example.",
    ),
    "two policy tables": (environment("policy_authorizer", POLICY_TABLE="Delphi"), "settings-agree", "POLICY_TABLE"),
    "an unknown client": (
        environment("policy_authorizer", CLIENT_IDS="pegasus"),
        "clients",
        "CLIENT_IDS names the app client pegasus, which the user pool does not have.",
    ),
    "a default group without a policy": (
        environment("pre_token", DEFAULT_GROUPS="centaurs"),
        "default-groups",
        "DEFAULT_GROUPS names the group centaurs, which the user pool does not have.",
    ),
    "keys that nobody serves": (
        environment("policy_authorizer", JWKS_URL="http://127.0.0.1:9/jwks"),
        "keys",
        "JWKS_URL: http://127.0.0.1:9/jwks: ",
    ),
}


@pytest.mark.parametrize(("plant", "name", "message"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_fault_is_found_with_its_message_and_remedy(
    target: Target, plant: Callable[[Target], Undo], name: str, message: str
) -> None:
    undo = plant(target)
    try:
        found = {finding.name: finding for finding in examine(target)}
    finally:
        undo()
    assert message in found[name].detail
    assert found[name].detail.endswith(next(check.remedy for check in CHECKS if check.name == name))


def test_a_group_without_a_policy_is_a_note(target: Target) -> None:
    undo = new_group(target)
    try:
        (found,) = verify(target.stage, target.client, checks=[it for it in CHECKS if it.name == "group-policies"])
    finally:
        undo()
    assert found.ok
    assert found.detail.startswith("Note: The group muses has no policy.")


def test_every_check_passes_again_after_all_faults_are_undone(target: Target) -> None:
    assert examine(target) == []


# --- states that the emulator cannot produce ---


def served(target: Target, name: str, seconds: int | None) -> Client:
    def change(answer: dict[str, Any]) -> None:
        definition = json.loads(answer["body"].read())
        settings = definition["securityDefinitions"][name]["x-amazon-apigateway-authorizer"]
        settings.pop("authorizerResultTtlInSeconds", None)
        if seconds is not None:
            settings["authorizerResultTtlInSeconds"] = seconds
        answer["body"] = io.BytesIO(json.dumps(definition).encode())

    return doctored(target.client, "apigateway", "get_export", change)


def test_a_cache_of_the_gateway_is_found(target: Target) -> None:
    (found,) = examine(target, served(target, "pool", None))
    assert found.name == "authorizer-cache"
    assert "API Gateway accepts a token at pool for up to 300 s after its expiry." in found.detail
    (found,) = examine(target, served(target, "policy_authorizer", 60))
    assert "API Gateway caches results of policy_authorizer for 60 s." in found.detail


ANSWERS: dict[str, tuple[str, str, Change, str, str]] = {
    "a function that failed": (
        "lambda",
        "get_function_configuration",
        lambda answer: answer.update(State="Failed", StateReason="The role is gone."),
        "functions",
        "State is Failed. The role is gone.",
    ),
    "a function that may not run": (
        "lambda",
        "get_function_concurrency",
        lambda answer: answer.update(ReservedConcurrentExecutions=0),
        "functions",
        "its reserved concurrency is 0.",
    ),
    "a failing stream handler": (
        "lambda",
        "list_event_source_mappings",
        lambda answer: [it.update(LastProcessingResult="PROBLEM: timeout") for it in answer["EventSourceMappings"]],
        "stream-results",
        "The stream handler failed on the last changes of policies: PROBLEM: timeout.",
    ),
    "a pool without triggers": (
        "cognito-idp",
        "describe_user_pool",
        set_in("UserPool", "LambdaConfig", {}),
        "triggers",
        "The user pool has no trigger PostConfirmation.",
    ),
    "a table that is being made": (
        "dynamodb",
        "describe_table",
        set_in("Table", "TableStatus", "CREATING"),
        "tables",
        "PolicyTable is CREATING.",
    ),
}


@pytest.mark.parametrize(("service", "operation", "change", "name", "message"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_unexpected_answer_of_aws_is_found(
    target: Target, service: str, operation: str, change: Change, name: str, message: str
) -> None:
    found = examine(target, doctored(target.client, service, operation, change))
    assert [(finding.name, message in finding.detail) for finding in found] == [(name, True)]


def client_with_clock(date: str) -> Client:
    class Sts:
        def get_caller_identity(self) -> Any:
            return {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}

    return lambda _: Sts()


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, None), (9, None), (-9, None), (75, "75 s ahead of"), (-75, "75 s behind")]
)
def test_the_clock_may_differ_by_ten_seconds(target: Target, seconds: int, words: str | None) -> None:
    check = answers.clock(lambda: DAWN + seconds)
    (finding,) = verify(target.stage, client_with_clock(DATE), checks=[check])
    assert finding.ok is (words is None)
    assert (words or "") in finding.detail


@pytest.mark.parametrize(
    ("answered", "words"),
    [
        (lambda _: 401, "GET / is public and answers 401."),
        (lambda _: 200, "answers 200 to a request without a token. Expected: 401."),
        (lambda url: 500 if url.endswith("/") else 401, "GET / is public and answers 500."),
        (lambda _: (_ for _ in ()).throw(OSError("refused")), "no answer: refused."),
    ],
)
def test_an_api_with_an_unexpected_status_is_found(target: Target, answered: Callable[[str], int], words: str) -> None:
    (finding,) = verify(target.stage, target.client, checks=[answers.api(answered)])
    assert not finding.ok
    assert words in finding.detail


def test_keys_with_the_same_id_or_of_another_kind_are_found(target: Target) -> None:
    url = target.outputs["JwksUrl"]
    served_keys: list[dict[str, Any]] = []
    fetched = answers.keys(lambda _: json.dumps({"keys": served_keys}).encode())

    def finding() -> Finding:
        return verify(target.stage, target.client, checks=[fetched])[0]

    assert url
    assert "the JWKS document has no RS256 key" in finding().detail
    served_keys += [KEY, KEY]
    assert "2 keys have the id dawn. Only one of them is used." in finding().detail
    served_keys[1:] = [{**KEY, "kid": "dusk", "alg": "RS512"}]
    assert "1 of 2 keys are not RS256 keys of at least 2048 bits." in finding().detail
    served_keys[1:] = []
    assert finding().ok


def test_a_check_that_does_not_complete_is_a_fault(target: Target) -> None:
    def without_date(_: str) -> Any:
        raise KeyError("sts")

    (finding,) = verify(target.stage, without_date, checks=[answers.clock(time.time)])
    assert (finding.ok, "did not complete" in finding.detail) == (False, True)
