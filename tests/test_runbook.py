"""What the runbook tells a tired person to type exists: commands, options, outputs, alarms. None of it is run."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore import xform_name

from chalicelib.aws.guard import GuardTable
from chalicelib.aws.policies import PolicyTable
from chalicelib.core.principal import Principal

PROJECT = Path(__file__).resolve().parents[1]
RUNBOOK = (PROJECT / "docs/runbook.md").read_text("utf-8")
PAGES = RUNBOOK + (PROJECT / "docs/scaling.md").read_text("utf-8")


class _Template(yaml.BaseLoader):
    """Reads a CloudFormation template without caring for its functions."""


_Template.add_multi_constructor("!", lambda *_: None)  # type: ignore[no-untyped-call]
TEMPLATE: Any = yaml.load((PROJECT / "infra/identity.yaml").read_text("utf-8"), _Template)  # noqa: S506
AWS = botocore.session.get_session()

GLOBAL = {"output", "query", "max-items"}
# What the AWS CLI makes of several operations, with its own options.
CUSTOM = {
    "cloudformation deploy": {
        "stack-name",
        "template-file",
        "capabilities",
        "parameter-overrides",
        "s3-bucket",
        "no-fail-on-empty-changeset",
    },
    "cloudformation package": {"template-file", "s3-bucket", "output-template-file", "use-json"},
    "logs tail": {"since", "follow"},
    "sso login": set(),
}
PERMISSION_ONLY = {"apigateway:GET", "iam:PassRole", "iam:TagRole"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGES, re.DOTALL)


def typed() -> Iterator[tuple[str, str, str]]:
    """Every `aws` command of the pages: service, operation, and what follows up to the next one."""
    text = "\n".join([*blocks("sh"), *re.findall(r"`(aws [^`]+)`", re.sub(r"```.*?```", "", PAGES, flags=re.DOTALL))])
    text = re.sub(r"\\\n\s*", " ", text)
    for command in re.findall(r"\baws ([a-z][a-z0-9-]+ .*?)(?=\baws [a-z]|\n|$)", text):
        service, operation, rest = [*command.split(None, 2), ""][:3]
        yield service, operation.rstrip(")"), rest


COMMANDS = sorted(set(typed()))


def test_there_are_commands_to_look_at() -> None:
    assert len(COMMANDS) > 40


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_a_command_and_its_options_exist(command: tuple[str, str, str]) -> None:
    service, operation, rest = command
    given = set(re.findall(r"(?<![\w-])--([a-z0-9-]+)", rest.split(" | ")[0].split("; ")[0].split(" #")[0]))
    if f"{service} {operation}" in CUSTOM:
        assert given - GLOBAL <= CUSTOM[f"{service} {operation}"]
        return
    model = AWS.get_service_model(service)
    if operation == "wait":
        waiters = AWS.get_waiter_model(service).waiter_names
        name = rest.split()[0]
        operation = next(
            xform_name(AWS.get_waiter_model(service).get_waiter(waiter).operation, "-")
            for waiter in waiters
            if xform_name(waiter, "-") == name
        )
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    shape = model.operation_model(operations[operation]).input_shape
    known = {xform_name(member, "-") for member in shape.members} if shape else set()
    assert given - GLOBAL <= known


def test_every_output_that_is_asked_for_is_one_of_the_identity_stack() -> None:
    asked = set(re.findall(r"(?<!-)\bout ([A-Z]\w+)", PAGES))
    assert len(asked) > 8
    assert asked <= set(TEMPLATE["Outputs"])


def test_every_alarm_of_the_template_has_its_answer() -> None:
    alarms = {name for name, item in TEMPLATE["Resources"].items() if item["Type"] == "AWS::CloudWatch::Alarm"}
    answered = set(re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE))
    assert {alarm.removesuffix("Alarm") for alarm in alarms} == answered


def test_every_code_of_a_decision_that_failed_has_its_answer() -> None:
    rows = re.findall(r"^\| failed \| (.+?) \|", (PROJECT / "docs/reasons.md").read_text("utf-8"), re.MULTILINE)
    codes = {code for cell in rows for code in re.findall(r"`(\w+)`", cell)}
    answers = RUNBOOK.partition("### DecisionsFailed")[2].partition("### ")[0]
    assert codes - {"not_a_method_arn"} <= set(re.findall(r"`(\w+)`", answers))


def test_every_parameter_of_a_stage_that_is_shown_can_be_set() -> None:
    (shown,) = (yaml.safe_load(block) for block in blocks("yaml"))
    application = json.loads((PROJECT / ".chalice/package.json").read_text("utf-8"))["Parameters"]
    assert set(shown["identity"]) <= set(TEMPLATE["Parameters"])
    assert set(shown["application"]) <= set(application)
    assert all(isinstance(group, str) for group in json.loads(shown["application"]["GroupMap"]).values())


def test_what_manage_is_told_to_do_it_can_do() -> None:
    source = (PROJECT / "operations/command_line.py").read_text("utf-8")
    told = re.findall(r"manage\.py (\w+)((?: --?[a-z-]+(?: \S+)?)*)", RUNBOOK)
    assert {command for command, _ in told} <= set(re.findall(r'add\(\s*"(\w+)"', source))
    options = {option for _, rest in told for option in re.findall(r"--[a-z-]+", rest)}
    assert options <= set(re.findall(r'"(--[a-z-]+)"', source))


class Answering:
    """Stands in for DynamoDB with one item in its table."""

    def __init__(self, item: dict[str, Any]) -> None:
        self._item = item

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:
        return {"Responses": {table: [self._item] for table in RequestItems}, "UnprocessedKeys": {}}


def item_put(beginning: str) -> dict[str, Any]:
    """The item that a command of the runbook puts, as the shell hands it over."""
    text = RUNBOOK[RUNBOOK.index(beginning) :]
    quote, written = re.search(r"--item (['\"])(.+?)\1\n", text, re.DOTALL).groups()  # type: ignore[union-attr]
    if quote == '"':
        written = re.sub(r"\$\(+date[^\"]*?\)+", "1800000000", written).replace('\\"', '"')
    item: dict[str, Any] = json.loads(written)
    return item


def test_the_policy_that_lets_administrators_in_again_is_one_that_the_authorizer_reads() -> None:
    item = item_put("## Nobody may do anything")
    policy = PolicyTable(Answering(item), "policies").get("group:admins")  # type: ignore[arg-type]
    assert [(s.effect.value, s.paths) for s in policy.statements] == [("Allow", ("/*",))]


def test_the_generation_that_is_started_again_is_one_that_the_guard_reads() -> None:
    item = item_put("### Start the generation again")
    somebody = Principal("sub", "client", "name", (), frozenset(), "session", 0, 1)
    assert GuardTable(Answering(item), "guard").read(somebody).generation > 1_700_000_000_000  # type: ignore[arg-type]


def test_a_revocation_by_table_is_one_that_the_guard_reads() -> None:
    item = item_put("Without an administrator's token")
    assert item["id"]["S"].startswith("revoked:sub:")
    assert set(item) == {"id", "revoked_at", "revoked_by", "expires_at"}
    assert int(item["revoked_at"]["N"]) == 1_800_000_000


def test_the_policies_of_the_pipelines_roles_name_actions_that_exist() -> None:
    policies = [json.loads(block) for block in blocks("json")]
    assert len(policies) == 3
    for statement in (statement for policy in policies for statement in policy["Statement"]):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        for action in (action for action in actions if "*" not in action and action not in PERMISSION_ONLY):
            service, operation = action.split(":")
            assert operation in AWS.get_service_model(service).operation_names, action


def test_the_role_that_only_looks_may_ask_what_verify_asks() -> None:
    source = "\n".join(path.read_text("utf-8") for path in PROJECT.glob("infra/checks/*.py"))
    asked = set(re.findall(r'(?:ask|listed)\(\s*"([a-z0-9-]+)",\s*"([a-z_]+)"', source))
    assert len(asked) > 30
    (plan,) = (json.loads(block) for block in blocks("json") if "DetectStackDrift" in block)
    granted = {
        action
        for statement in plan["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    for service, call in asked:
        names = {xform_name(name): name for name in AWS.get_service_model(service).operation_names}
        needed = "apigateway:GET" if service == "apigateway" else f"{service}:{names[call]}"
        assert needed in granted
