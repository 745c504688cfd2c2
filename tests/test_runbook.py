"""Checks that the commands, options, outputs and alarms in the runbook exist. Runs no command of it."""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import botocore.session
import pytest
import yaml
from botocore import xform_name

from chalicelib.aws.authorization_state import StateTable
from chalicelib.aws.policies import PolicyTable
from chalicelib.core.principal import Principal
from infra.templates import read_json
from tests.commands import parse

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PROJECT = Path(__file__).resolve().parents[1]
RUNBOOK_PAGES = sorted(PROJECT.glob("docs/runbook/*.md"))
RUNBOOK = "\n".join(page.read_text("utf-8") for page in RUNBOOK_PAGES)
PAGES = RUNBOOK + (PROJECT / "docs/scaling.md").read_text("utf-8")


class _Template(yaml.BaseLoader):
    """Reads a CloudFormation template and ignores its functions."""


_Template.add_multi_constructor("!", lambda *_: None)
TEMPLATE: Any = yaml.load((PROJECT / "infra/identity.yaml").read_text("utf-8"), _Template)  # noqa: S506
APPLICATION: Any = json.loads((PROJECT / ".chalice/package.json").read_text("utf-8"))
AWS = botocore.session.get_session()

GLOBAL = {"output", "query", "max-items"}
_RESTORATION = {"user-pool-id", "restore-id"}
# AWS CLI commands that combine several operations and have their own options.
CUSTOM = {
    "logs tail": {"since", "follow"},
    # Newer than the pinned botocore; taken from botocore 1.44.8.
    "cognito-idp initiate-point-in-time-recovery": {"user-pool-id", "restore-timestamp"},
    **{f"cognito-idp {step}-point-in-time-recovery": _RESTORATION for step in ("describe", "start", "cancel")},
    "sso login": set(),
}
# S3 has other names for the permissions of these operations.
S3_ACTIONS = {
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListObjectVersions": "ListBucketVersions",
}
PERMISSION_ONLY = {
    *("s3:ListAllMyBuckets", "s3:ListBucket", "s3:ListTagsForResource"),
    *("apigateway:GET", "cognito-idp:GetWebACLForResource", "iam:PassRole", "iam:TagRole"),
    # operations that are newer than the pinned botocore
    *("cognito-idp:GetUserPoolSessionConfiguration", "cognito-idp:GetUserPoolClientSessionConfiguration"),
}
ONLY_WITH_A_KEY = {"kms:ScheduleKeyDeletion"}  # for a key of `UseCustomerKey`, which grants it
OF_LAMBDA = {
    "kms:UpdateAlias"
}  # the program updates aliases of Lambda, and two services have an operation of this name


def page(name: str) -> str:
    """Returns the text of a page of the runbook."""
    return (PROJECT / f"docs/runbook/{name}.md").read_text("utf-8")


def blocks(language: str, text: str = PAGES) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def typed() -> Iterator[tuple[str, str, str]]:
    """Yields every `aws` command of the pages: service, operation, and the rest of the command."""
    text = "\n".join([*blocks("sh"), *re.findall(r"`(aws [^`]+)`", re.sub(r"```.*?```", "", PAGES, flags=re.DOTALL))])
    text = re.sub(r"\\\n\s*", " ", text)
    for command in re.findall(r"\baws ([a-z][a-z0-9-]+ .*?)(?=\baws [a-z]|\n|$)", text):
        service, operation, rest = [*command.split(None, 2), ""][:3]
        yield service, operation.rstrip(")"), rest


COMMANDS = sorted(set(typed()))


def test_the_parser_finds_aws_commands_in_the_pages() -> None:
    assert len(COMMANDS) > 40


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_every_aws_command_and_option_of_the_pages_exists(command: tuple[str, str, str]) -> None:
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


def test_the_custom_commands_do_not_exist_in_the_installed_botocore() -> None:
    known = {xform_name(name, "-") for name in AWS.get_service_model("cognito-idp").operation_names}
    listed = {name.split()[1] for name in CUSTOM if name.startswith("cognito-idp ")}
    assert listed & known == set(), "botocore was upgraded: remove these from CUSTOM"


@pytest.mark.parametrize("path", RUNBOOK_PAGES, ids=lambda path: path.stem)
def test_a_page_of_the_runbook_has_less_than_800_words_and_a_next_step(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.split()) < 800
    assert re.search(r"^\*\*Next step:\*\* .+\.\n\Z", text, re.MULTILINE), "end the page with a next step"


def test_the_front_page_of_the_runbook_leads_to_every_task() -> None:
    linked = {name for text in ("README", "alarms") for name in re.findall(r"\(([\w-]+)\.md", page(text))}
    assert {path.stem for path in RUNBOOK_PAGES} - linked - {"README", "restore-generation"} == set()


def test_the_runbook_disables_a_user_before_it_revokes_tokens() -> None:
    section = page("revoke-access")
    assert "cookie" in section
    assert section.index("users disable") < section.index("users sign-out") < section.index("manage.py revoke ")


def test_every_used_output_exists_in_the_identity_stack() -> None:
    asked = set(re.findall(r"(?<!-)\bout ([A-Z]\w+)", PAGES))
    assert len(asked) > 8
    assert asked <= set(TEMPLATE["Outputs"])


def test_the_runbook_has_a_section_for_every_alarm() -> None:
    application = json.loads((PROJECT / ".chalice/package.json").read_text("utf-8"))
    resources = {**TEMPLATE["Resources"], **application["Resources"]}
    alarms = {name for name, item in resources.items() if item.get("Type") == "AWS::CloudWatch::Alarm"}
    names = {alarm.removesuffix("Alarm") for alarm in alarms}
    answered = re.findall(r"^## (\w+)$", page("alarms-of-decisions") + page("alarms-of-triggers"), re.MULTILINE)
    assert names == set(answered)
    assert names == set(re.findall(r"^\| `(\w+)` \| \[", page("alarms"), re.MULTILINE))


def test_the_runbook_explains_every_code_of_a_failed_decision() -> None:
    rows = re.findall(r"^\| failed \| (.+?) \|", (PROJECT / "docs/reasons.md").read_text("utf-8"), re.MULTILINE)
    codes = {code for cell in rows for code in re.findall(r"`(\w+)`", cell)}
    answers = page("alarms-of-decisions").partition("## DecisionsFailed")[2].partition("## ")[0]
    assert codes - {"not_a_method_arn"} <= set(re.findall(r"`(\w+)`", answers))


def test_every_stage_parameter_in_the_runbook_exists() -> None:
    shown = [yaml.safe_load(block) for block in blocks("yaml")]
    assert {name for block in shown for name in block.get("identity", {})} <= set(TEMPLATE["Parameters"])
    assert {name for block in shown for name in block.get("application", {})} <= set(APPLICATION["Parameters"])
    (group_map,) = (block["application"]["GroupMap"] for block in shown if "GroupMap" in block.get("application", {}))
    assert all(isinstance(group, str) for group in json.loads(group_map).values())


def test_the_runbook_shows_the_deployment_steps_of_the_program() -> None:
    steps = re.findall(r'progress\.step\("(.+?)"\)', (PROJECT / "infra/deploy.py").read_text("utf-8"))
    shown = page("first-deployment").partition("**Check.**")[0]
    assert re.findall(r"^(.+?)\.{3,} (?:un)?changed$", shown, re.MULTILINE) == steps


def test_every_deployment_message_in_the_runbook_exists_in_the_program() -> None:
    rows = RUNBOOK.partition("| message | do |")[2].partition("\n\n")[0]
    said = re.findall(r"^\| `(.+?)` \|", rows, re.MULTILINE)
    texts = [re.split("[…<,“]", message.lstrip("… "))[0].strip() for message in said]
    source = "".join(
        path.read_text("utf-8") for name in ("infra", "operations") for path in PROJECT.glob(f"{name}/*.py")
    )
    assert len(texts) > 4
    assert [words for words in texts if words not in source] == []


def manage_commands() -> list[str]:
    """Returns the `manage.py` commands of README, runbook and scaling page, with their options."""
    text = re.sub(r"<[^>]+>", "value", PAGES + (PROJECT / "README.md").read_text("utf-8"))
    return sorted({command.strip() for command in re.findall(r"manage\.py ([a-z ]+--[^`#|)\n]+)", text)})


def test_the_parser_finds_manage_commands_in_the_pages() -> None:
    commands = {command.partition(" --")[0] for command in manage_commands()}
    assert {"deploy", "destroy", "outputs", "policies apply"} <= commands


@pytest.mark.parametrize("command", manage_commands())
def test_manage_py_accepts_every_documented_command(command: str) -> None:
    parse(command.split())  # raises an error for wrong arguments


class Answering:
    """Replaces DynamoDB, with one item in its table."""

    def __init__(self, item: dict[str, Any]) -> None:
        self._item = item

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:
        return {"Responses": {table: [self._item] for table in RequestItems}, "UnprocessedKeys": {}}

    @property
    def client(self) -> "DynamoDBClient":
        return cast("DynamoDBClient", self)


def item_put(name: str) -> dict[str, Any]:
    """Returns the item that a command of the page puts, as the shell passes it."""
    found = re.search(r"--item (['\"])(.+?)\1\n", page(name), re.DOTALL)
    assert found is not None
    quote, written = found.groups()
    if quote == '"':
        written = re.sub(r"\$\(+date[^\"]*?\)+", "1800000000", written).replace('\\"', '"')
    item: dict[str, Any] = json.loads(written)
    return item


def test_the_authorizer_reads_the_emergency_policy_of_the_runbook() -> None:
    item = item_put("restore-administrators")
    policy = PolicyTable(Answering(item).client, "policies").get("group:admins")
    assert [(s.effect.value, s.paths) for s in policy.statements] == [("Allow", ("/*",))]


def test_the_authorizer_reads_the_new_generation_of_the_runbook() -> None:
    item = item_put("restore-generation")
    principal = Principal("sub", "client", "name", (), frozenset(), "session", 0, 1)
    assert StateTable(Answering(item).client, "state").read(principal).generation > 1_700_000_000_000


def test_every_action_in_the_policies_of_the_pipeline_roles_exists() -> None:
    policies = [TRUST, *pipeline_policies()]
    for statement in (statement for policy in policies for statement in policy["Statement"]):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        for action in (action for action in actions if "*" not in action and action not in PERMISSION_ONLY):
            service, operation = action.split(":")
            assert operation in AWS.get_service_model(service).operation_names, action


(TRUST,) = (json.loads(block) for block in blocks("json", page("pipeline")))


def pipeline_policies() -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns `plan.json` and `deploy.json`."""
    reads, deploys = map(json.loads, blocks("json", page("pipeline-permissions")))
    return reads, deploys


def pipeline(role: str) -> list[dict[str, Any]]:
    """Returns the statements of the read-only role, or of the deployment role, which has both policies."""
    reads, deploys = (policy["Statement"] for policy in pipeline_policies())
    statements: list[dict[str, Any]] = reads if role == "plan" else reads + deploys
    return statements


def may(statements: list[dict[str, Any]], action: str, resource: str | None = None) -> bool:
    """Returns whether the action is allowed, on this resource if it is given."""
    return any(
        fnmatchcase(action, pattern)
        for statement in statements
        for pattern in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if resource in (None, statement["Resource"])
    )


def needed(service: str, call: str) -> tuple[str, bool]:
    """Returns the IAM action of a call, and whether the action supports no resource."""
    model = AWS.get_service_model(service)
    operation = {xform_name(name): name for name in model.operation_names}[call]
    if service == "apigateway":
        return "apigateway:GET", False  # for the read-only role; the deployment role may use every action
    if service == "s3":
        return f"s3:{S3_ACTIONS.get(operation, operation)}", operation == "ListBuckets"
    shape = model.operation_model(operation).input_shape
    lists = operation.startswith(("Describe", "Get", "List")) and not (shape and shape.required_members)
    return f"{service}:{operation}", lists


def test_the_read_only_role_allows_every_call_of_verify() -> None:
    source = "\n".join(path.read_text("utf-8") for path in PROJECT.glob("infra/checks/*.py"))
    asked = set(re.findall(r'(?:ask|listed)\(\s*"([a-z0-9-]+)",\s*"([a-z_]+)"', source))
    asked |= set(re.findall(r'client\("([a-z0-9-]+)"\)\s*\.(get_(?!paginator)[a-z_]+)\(', source))
    asked |= {("lambda", "list_event_source_mappings"), ("dynamodb", "scan")}
    assert len(asked) > 40
    for call in sorted(asked):
        action, everywhere = needed(*call)
        assert may(pipeline("plan"), action, "*" if everywhere else None), action


def called() -> set[tuple[str, str]]:
    """Returns the AWS calls of the deployment program: service and operation."""
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


def test_the_deployment_role_allows_every_call_of_the_program() -> None:
    calls = called()
    assert {("cloudformation", "create_change_set"), ("s3", "put_object"), ("dynamodb", "list_tables")} <= calls
    for call in sorted(calls):
        action, everywhere = needed(*call)
        if action not in ONLY_WITH_A_KEY | OF_LAMBDA:
            assert may(pipeline("deploy"), action, "*" if everywhere else None), action


def test_every_additional_action_for_a_parameter_exists() -> None:
    table = RUNBOOK.partition("| with | add to `deploy.json` |")[2].partition("\n\n")[0]
    added = re.findall(r"`([a-z0-9-]+):([A-Z]\w+)`", table)
    assert len(added) > 4
    for service, operation in added:
        operations = AWS.get_service_model(service).operation_names
        assert operation in operations or f"{service}:{operation}" in PERMISSION_ONLY
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) <= {
        *TEMPLATE["Parameters"],
        *APPLICATION["Parameters"],
    }


def test_the_read_only_role_makes_plans_and_executes_none() -> None:
    for action in ("CreateChangeSet", "DescribeChangeSet", "DeleteChangeSet", "GetTemplateSummary"):
        assert may(pipeline("plan"), f"cloudformation:{action}")
    assert not may(pipeline("plan"), "cloudformation:ExecuteChangeSet")
    assert not may(pipeline("plan"), "cloudformation:CreateStack")


def test_the_read_only_role_writes_only_to_its_folder_of_the_artifact_bucket() -> None:
    """A large template goes through the bucket. This role must not replace the objects that a deployment uses."""
    app = read_json(PROJECT, ".chalice/package.json")["Parameters"]["AppName"]["Default"]
    folder = f"arn:aws:s3:::{app}-prod-identity-*/plan/*"
    for action in ("s3:GetObject", "s3:PutObject"):
        assert [it["Resource"] for it in pipeline("plan") if may([it], action)] == [folder]


def test_both_roles_may_use_the_transform_of_the_application_template() -> None:
    """CloudFormation requires this permission of whoever creates a change set with a transform."""
    transform = "arn:aws:cloudformation:*:aws:transform/Serverless-2016-10-31"
    for role in ("plan", "deploy"):
        granted = [it for it in pipeline(role) if transform in it["Resource"]]
        assert may(granted, "cloudformation:CreateChangeSet")


def test_the_trust_policy_of_a_role_identifies_the_repository_by_its_ids() -> None:
    """Source: GitHub changelog of 2026-04-23, immutable subject claims for OpenID Connect tokens."""
    (condition,) = (statement["Condition"] for statement in TRUST["Statement"])
    assert set(condition) == {"StringEquals"}, "a pattern would trust other repositories or jobs"
    subject = condition["StringEquals"]["token.actions.githubusercontent.com:sub"]
    assert subject == "repo:<owner>@<owner id>/<repository>@<repository id>:environment:prod"
    assert condition["StringEquals"]["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"


def test_the_runbook_reads_the_ids_before_it_writes_the_trust_policy() -> None:
    steps = page("pipeline")
    assert steps.index("gh api repos/<owner>/<repository> --jq '.owner.id, .id'") < steps.index('"Federated"')
    old = "repo:<owner>/<repository>:environment:prod"
    assert steps.count(old) == 1
    (sentence,) = (sentence for sentence in re.split(r"\.\s", steps) if old in sentence)
    assert "A repository that is older" in sentence


def test_the_runbook_protects_an_environment_before_a_role_trusts_it() -> None:
    steps = page("pipeline")
    rules = steps.index("The environments come first")
    assert (
        rules
        < steps.index("create-open-id-connect-provider")
        < steps.index("create-role")
        < steps.index("PLAN_ROLE_ARN")
    )
