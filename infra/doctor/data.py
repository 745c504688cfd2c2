"""Checks the state of the tables, of the stream and of the alarms. `verify` checks their settings."""

from collections.abc import Iterator

from chalicelib.aws.restrictions import RestrictionTable
from chalicelib.restrict import active_restrictions, moment
from infra.checks import stream
from infra.checks.check import Check
from infra.checks.live import Live
from infra.checks.tables import has_generation, table
from infra.checks.watch import metric_alarms
from infra.shards import Shards

_TABLES = "AWS::DynamoDB::Table"


def _active(live: Live) -> Iterator[str]:
    for name in live.expected.of(_TABLES):
        status = table(live, name)["TableStatus"]
        if status not in ("ACTIVE", "UPDATING"):
            yield f"{name} is {status}."


def _generation(live: Live) -> Iterator[str]:
    if not has_generation(live) and live.stored_policies:
        yield "There are policies, but the state table has no generation. All requests of use case 2 get HTTP 500."


def _restrictions(live: Live) -> Iterator[str]:
    restrictions = RestrictionTable(live.client("dynamodb"), live.physical["StateTable"])
    for kind, found in active_restrictions(restrictions).items():
        yield f"A {kind} is active until {moment(found.until)}: {found.reason}."


def _copies(live: Live) -> Iterator[str]:
    shards = Shards(live.client("dynamodb"), live.physical["StateTable"])
    yield from map(str, shards.differences(live.stage.name))
    if unusable := shards.unusable():
        numbers = ", ".join(map(str, unusable))
        yield f"These copies of the state cannot be read: {numbers}. To repair them, deploy the stage."


def _results(live: Live) -> Iterator[str]:
    for item in stream.mappings(live):
        result = item.get("LastProcessingResult", "")
        if result.startswith("PROBLEM"):
            yield f"The stream handler failed on the last changes of policies: {result}."


def _dead_letters(live: Live) -> Iterator[str]:
    queue, number = live.physical["StreamDeadLetters"], "ApproximateNumberOfMessages"
    found = live.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=[number])["Attributes"]
    if int(found[number]):
        yield (
            f"Batches of policy changes that were not handled: {found[number]}. A change by another tool is effective"
            " after at most 60 s. The audit log can lack its entry."
        )


def _alarms(live: Live) -> Iterator[str]:
    for name, actual, _ in metric_alarms(live):
        if actual.get("StateValue") == "ALARM":
            yield f"{name}: {actual.get('StateReason') or 'no reason given'}."


CHECKS = (
    Check(
        "tables",
        "Every table is active.",
        _active,
        "Wait for DynamoDB, or restore the table (docs/runbook/restore-a-table.md).",
    ),
    Check(
        "generation",
        "If there are policies, there is a generation.",
        _generation,
        "Follow docs/runbook/restore-generation.md.",
    ),
    Check(
        "restrictions",
        "The stage has no freeze and no lockdown.",
        _restrictions,
        "If the emergency is over, run `manage.py freeze --lift` or `manage.py lockdown --lift`.",
    ),
    Check(
        "state-copies",
        "All copies of the authorization state can be read, and have the same lockdown and revocations.",
        _copies,
        "See docs/how-to/lock-down-a-stage.md.",
    ),
    stream.mapping(),
    Check(
        "stream-results",
        "The stream handler handled the last changes.",
        _results,
        "See the log of policy_changed. Write any policy again after the repair.",
    ),
    Check(
        "dead-letters-empty",
        "No change of a policy is in the dead-letter queue.",
        _dead_letters,
        "Write any policy again: this invalidates all cached policies. Then purge the queue.",
    ),
    Check("alarms-quiet", "No alarm is in the state ALARM.", _alarms, "Find the alarm in docs/runbook/alarms.md."),
)
