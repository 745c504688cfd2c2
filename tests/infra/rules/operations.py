"""Rules about operation: failures are retained and raise alarms, and a web ACL blocks requests."""

from collections.abc import Iterator, Mapping

from tests.configured import APP, FUNCTIONS, function
from tests.infra.resolve import Resource, Stack
from tests.infra.rules import for_each_stack
from tests.infra.rules.people import pool

FORTNIGHT = 14 * 24 * 3600
# Each metric with all its dimensions, and the highest threshold that its alarm can have.
WATCHED = {
    f"Gatehouse Decisions function={APP}-dev-policy_authorizer decision=failed": 0,
    f"Gatehouse OnboardingFailed function={APP}-dev-post_confirmation": 0,
    f"Gatehouse OnboardingFailed function={APP}-dev-pre_token": 0,
    f"Gatehouse KeysOutageSeconds function={APP}-dev-policy_authorizer decision=allowed": 0,
    # API Gateway's errors show a fault of the service or of the authorizer.
    **{
        f"AWS/Lambda Errors FunctionName={function('dev', it.name)}": 0
        for it in FUNCTIONS
        if it.is_trigger or it.reads_stream
    },
    f"AWS/Lambda Duration FunctionName={APP}-dev-policy_authorizer": 3000,
    f"AWS/Lambda Throttles FunctionName={APP}-dev-policy_authorizer": 0,
    **{f"AWS/Lambda IteratorAge FunctionName={function('dev', it.name)}": 60000 for it in FUNCTIONS if it.reads_stream},
    "AWS/SQS ApproximateNumberOfMessagesVisible QueueName=<StreamDeadLetters.QueueName>": 0,
}


@for_each_stack
def failures_are_retained(stack: Stack) -> Iterator[str]:
    queues = stack.of("AWS::SQS::Queue")
    if not queues:
        yield "there is no dead-letter queue"
    for queue in queues:
        if queue.properties.get("MessageRetentionPeriod") != FORTNIGHT:
            yield f"{queue.name} does not retain messages for two weeks"


@for_each_stack
def failures_raise_alarms(stack: Stack) -> Iterator[str]:
    topics = stack.of("AWS::SNS::Topic")
    actions = [stack.parameters["AlarmTopicArn"] or f"<{topics[0].name}>"]
    if len(topics) != (not stack.parameters["AlarmTopicArn"]):
        yield f"there are {len(topics)} topics"
    yield from alarms(stack, WATCHED, actions)
    expected = [{"Protocol": "email", "Endpoint": stack.parameters["AlarmEmail"]}]
    for topic in topics:
        if topic.properties.get("Subscription", []) != (expected if stack.parameters["AlarmEmail"] else []):
            yield f"{topic.name} notifies {topic.properties.get('Subscription')}"


def alarms(stack: Stack, watched: Mapping[str, int], actions: list[str]) -> Iterator[str]:
    """Every metric has an alarm, and every alarm notifies the topic at once.

    watched  metrics with all their dimensions, and the highest threshold
    """
    thresholds = {metric(alarm): alarm.properties["Threshold"] for alarm in stack.of("AWS::CloudWatch::Alarm")}
    for name, highest in watched.items():
        if thresholds.get(name, highest + 1) > highest:
            yield f"no alarm watches {name} with this threshold"
    for alarm in stack.of("AWS::CloudWatch::Alarm"):
        properties = alarm.properties
        if properties.get("AlarmActions") != actions or properties.get("ActionsEnabled", True) is not True:
            yield f"{alarm.name} notifies nobody"
        if properties.get("TreatMissingData") != "notBreaching":
            yield f"{alarm.name} treats missing data as a failure"
        if properties.get("ComparisonOperator") != "GreaterThanThreshold":
            yield f"{alarm.name} has the wrong comparison"
        statistic = properties.get("Statistic", properties.get("ExtendedStatistic"))
        if statistic not in ("Sum", "Maximum", "p99"):
            yield f"{alarm.name} uses a statistic that hides peaks"
        if properties.get("Period", 0) * properties.get("EvaluationPeriods", 0) not in (60, 300):
            yield f"{alarm.name} does not react within five minutes"


def metric(alarm: Resource) -> str:
    """Returns the metric of an alarm with its dimensions. Other dimensions mean another metric."""
    properties = alarm.properties
    dimensions = [f"{dimension['Name']}={dimension['Value']}" for dimension in properties.get("Dimensions", [])]
    return " ".join([properties["Namespace"], properties["MetricName"], *dimensions])


def associations(stack: Stack) -> list[Resource]:
    return stack.of("AWS::WAFv2::WebACLAssociation")


@for_each_stack
def firewall(stack: Stack) -> Iterator[str]:
    expected = {f"<{pool(stack).name}.Arn>"} if stack.parameters["EnableWaf"] == "true" else set()
    acls = stack.of("AWS::WAFv2::WebACL")
    protected = {it.properties["ResourceArn"] for it in associations(stack)}
    if protected != expected or len(acls) != bool(expected):
        yield f"the web ACL protects {sorted(protected)}"
    if any(it.properties.get("WebACLArn") != f"<{acl.name}.Arn>" for it in associations(stack) for acl in acls):
        yield "another web ACL is used"
    for acl in acls:
        yield from _stopped(acl)


def _stopped(acl: Resource) -> Iterator[str]:
    rules = acl.properties.get("Rules", [])
    rates = [
        rule for rule in rules if rule.get("Action") == {"Block": {}} and "RateBasedStatement" in rule["Statement"]
    ]
    limits = [rule["Statement"]["RateBasedStatement"] for rule in rates]
    if not any(limit.get("AggregateKeyType") == "IP" and 0 < limit.get("Limit", 0) <= 2000 for limit in limits):
        yield f"{acl.name} does not limit the requests of one address"
    managed = [rule for rule in rules if rule.get("OverrideAction") == {"None": {}}]
    names = {rule["Statement"].get("ManagedRuleGroupStatement", {}).get("Name") for rule in managed}
    if "AWSManagedRulesKnownBadInputsRuleSet" not in names:
        yield f"{acl.name} does not block known bad inputs"


@for_each_stack
def threats(stack: Stack) -> Iterator[str]:
    expected = {"AdvancedSecurityMode": "ENFORCED"} if stack.parameters["UserPoolTier"] == "PLUS" else None
    if pool(stack).properties.get("UserPoolTier") != stack.parameters["UserPoolTier"]:
        yield "the tier is not the expected one"
    if pool(stack).properties.get("UserPoolAddOns") != expected:
        yield "threat protection does not match the tier"
