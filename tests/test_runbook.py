"""What the runbook tells a tired person to type exists: commands, options, outputs, alarms. None of it is run."""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore import xform_name

from chalicelib.aws.authorization_state import StateTable
from chalicelib.aws.policies import PolicyTable
from chalicelib.core.principal import Principal
from operations.command_line import parser

PROJECT = Path(__file__).resolve().parents[1]
RUNBOOK = (PROJECT / "docs/runbook.md").read_text("utf-8")
PAGES = RUNBOOK + (PROJECT / "docs/scaling.md").read_text("utf-8")


class _Template(yaml.BaseLoader):
    """Reads a CloudFormation template without caring for its functions."""


_Template.add_multi_constructor("!", lambda *_: None)  # type: ignore[no-untyped-call]
TEMPLATE: Any = yaml.load((PROJECT / "infra/identity.yaml").read_text("utf-8"), _Template)  # noqa: S506
AWS = botocore.session.get_session()

GLOBAL = {"output", "query", "max-items"}
_RESTORATION = {"user-pool-id", "restore-id"}
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
    # Newer than the botocore that is pinned; read in botocore 1.44.8.
    "cognito-idp initiate-point-in-time-recovery": {"user-pool-id", "restore-timestamp"},
    **{f"cognito-idp {step}-point-in-time-recovery": _RESTORATION for step in ("describe", "start", "cancel")},
    "sso login": set(),
}
PERMISSION_ONLY = {"apigateway:GET", "cognito-idp:GetWebACLForResource", "iam:PassRole", "iam:TagRole"}
ONLY_WITH_A_KEY = {"kms:ScheduleKeyDeletion"}  # asked of a key that `UseCustomerKey` made, and granted with it


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


def test_no_command_is_looked_up_in_a_list_here_that_the_installed_botocore_knows() -> None:
    known = {xform_name(name, "-") for name in AWS.get_service_model("cognito-idp").operation_names}
    listed = {name.split()[1] for name in CUSTOM if name.startswith("cognito-idp ")}
    assert listed & known == set(), "botocore was upgraded: take these out of CUSTOM"


def test_somebody_is_disabled_before_tokens_are_revoked_since_the_sign_in_cookie_outlives_a_revocation() -> None:
    section = RUNBOOK.partition("## Revoke a user's access")[2].partition("\n## ")[0]
    assert "cookie" in section
    assert (
        section.index("admin-disable-user --")
        < section.index("admin-user-global-sign-out --")
        < section.index("revoke()")
    )


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


def test_a_first_deployment_shows_the_steps_that_there_are() -> None:
    steps = re.findall(r'progress\.step\("(.+?)"\)', (PROJECT / "infra/deploy.py").read_text("utf-8"))
    shown = RUNBOOK.partition("## Deploy for the first time")[2].partition("**Check.**")[0]
    assert re.findall(r"^(.+?)\.{3,} changed$", shown, re.MULTILINE) == steps


def test_what_a_deployment_is_said_to_say_is_said_by_the_program() -> None:
    rows = RUNBOOK.partition("| it says | do |")[2].partition("\n\n")[0]
    said = re.findall(r"^\| `(.+?)` \|", rows, re.MULTILINE)
    told = [re.split("[…<,“]", message.lstrip("… "))[0].strip() for message in said]
    source = "".join(
        path.read_text("utf-8") for name in ("infra", "operations") for path in PROJECT.glob(f"{name}/*.py")
    )
    assert len(told) > 4
    assert [words for words in told if words not in source] == []


def typed_to_manage() -> list[str]:
    """What README, runbook and scaling page tell people to type after `manage.py`, with its options."""
    text = re.sub(r"<[^>]+>", "value", PAGES + (PROJECT / "README.md").read_text("utf-8"))
    return sorted({command.strip() for command in re.findall(r"manage\.py ([a-z ]+--[^`#|)\n]+)", text)})


def test_there_are_commands_of_manage_to_look_at() -> None:
    commands = {command.partition(" --")[0] for command in typed_to_manage()}
    assert {"deploy", "destroy", "outputs", "policies apply"} <= commands


@pytest.mark.parametrize("command", typed_to_manage())
def test_what_manage_is_told_to_do_it_can_do(command: str) -> None:
    assert parser().parse_args(command.split()).run


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
    item = item_put("## Restore the administrators' access")
    policy = PolicyTable(Answering(item), "policies").get("group:admins")  # type: ignore[arg-type]
    assert [(s.effect.value, s.paths) for s in policy.statements] == [("Allow", ("/*",))]


def test_the_generation_that_is_started_again_is_one_that_the_guard_reads() -> None:
    item = item_put("### Start the generation again")
    somebody = Principal("sub", "client", "name", (), frozenset(), "session", 0, 1)
    assert StateTable(Answering(item), "state").read(somebody).generation > 1_700_000_000_000  # type: ignore[arg-type]


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


def pipeline(role: str) -> list[dict[str, Any]]:
    """The statements of the role that only looks, or of the one that deploys, which has both documents."""
    looks, deploys = (json.loads(block)["Statement"] for block in blocks("json")[1:])
    statements: list[dict[str, Any]] = looks if role == "plan" else looks + deploys
    return statements


def may(statements: list[dict[str, Any]], action: str, resource: str | None = None) -> bool:
    """Whether the action is allowed; on every resource, if that is asked."""
    return any(
        fnmatchcase(action, pattern)
        for statement in statements
        for pattern in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if resource in (None, statement["Resource"])
    )


def needed(service: str, call: str) -> tuple[str, bool]:
    """The action of a call, and whether it knows no resource: nothing has to be named for it."""
    model = AWS.get_service_model(service)
    operation = {xform_name(name): name for name in model.operation_names}[call]
    if service == "apigateway":
        return "apigateway:GET", False  # of the role that looks; the other one may do everything there
    shape = model.operation_model(operation).input_shape
    lists = operation.startswith(("Describe", "Get", "List")) and not (shape and shape.required_members)
    return f"{service}:{operation}", lists


def test_the_role_that_only_looks_may_ask_what_verify_asks() -> None:
    source = "\n".join(path.read_text("utf-8") for path in PROJECT.glob("infra/checks/*.py"))
    asked = set(re.findall(r'(?:ask|listed)\(\s*"([a-z0-9-]+)",\s*"([a-z_]+)"', source))
    asked |= set(re.findall(r'client\("([a-z0-9-]+)"\)\s*\.(get_(?!paginator)[a-z_]+)\(', source))
    asked |= {("ssm", "get_parameter"), ("lambda", "list_event_source_mappings"), ("dynamodb", "scan")}
    asked |= {("lambda", "list_functions"), ("lambda", "list_tags")}
    assert len(asked) > 40
    for call in sorted(asked):
        action, everywhere = needed(*call)
        assert may(pipeline("plan"), action, "*" if everywhere else None), action


def called() -> set[tuple[str, str]]:
    """What the program around a deployment asks of AWS: service and operation."""
    source = "\n".join(
        path.read_text("utf-8") for path in (*PROJECT.glob("infra/*.py"), *PROJECT.glob("operations/*.py"))
    )
    names = set(re.findall(r"\.([a-z_]+)\(", source)) | set(re.findall(r'get_paginator\("([a-z_]+)"\)', source))
    services = set(re.findall(r'client\("([a-z0-9-]+)"\)', source))
    return {
        (service, call)
        for service in services
        for call in map(xform_name, AWS.get_service_model(service).operation_names)
        if call in names
    }


def test_the_role_that_deploys_may_ask_what_the_program_asks() -> None:
    calls = called()
    assert {("lambda", "list_functions"), ("ssm", "put_parameter"), ("dynamodb", "list_tables")} <= calls
    for call in sorted(calls):
        action, everywhere = needed(*call)
        if action not in ONLY_WITH_A_KEY:
            assert may(pipeline("deploy"), action, "*" if everywhere else None), action


def test_what_a_parameter_adds_to_the_role_that_deploys_exists() -> None:
    table = RUNBOOK.partition("| with | add to `deploy.json` |")[2].partition("\n\n")[0]
    added = re.findall(r"`([a-z0-9-]+):([A-Z]\w+)`", table)
    assert len(added) > 4
    for service, operation in added:
        assert operation in AWS.get_service_model(service).operation_names
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) <= set(TEMPLATE["Parameters"])


def test_a_role_trusts_the_repository_by_its_ids_and_not_by_a_name_that_can_be_taken_over() -> None:
    """Source: GitHub changelog of 2026-04-23, immutable subject claims for OpenID Connect tokens."""
    (condition,) = (statement["Condition"] for statement in json.loads(blocks("json")[0])["Statement"])
    assert set(condition) == {"StringEquals"}, "a pattern would trust other repositories or jobs"
    subject = condition["StringEquals"]["token.actions.githubusercontent.com:sub"]
    assert subject == "repo:<owner>@<owner id>/<repository>@<repository id>:environment:prod"
    assert condition["StringEquals"]["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"


def test_the_ids_are_read_before_the_trust_policy_and_the_old_form_is_for_older_repositories_only() -> None:
    steps = RUNBOOK.partition("### Set up the pipeline")[2].partition("\n## ")[0]
    assert steps.index("gh api repos/<owner>/<repository> --jq '.owner.id, .id'") < steps.index('"Federated"')
    old = "repo:<owner>/<repository>:environment:prod"
    assert steps.count(old) == 1
    (sentence,) = (sentence for sentence in re.split(r"\.\s", steps) if old in sentence)
    assert "A repository that is older" in sentence


def test_an_environment_has_its_rules_before_a_role_trusts_it() -> None:
    steps = RUNBOOK.partition("### Set up the pipeline")[2]
    rules = steps.index("The environments come first")
    assert (
        rules
        < steps.index("create-open-id-connect-provider")
        < steps.index("create-role")
        < steps.index("PLAN_ROLE_ARN")
    )
