"""The commands check policies and users with the real cache and the real upstream of a stage, as its API does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError

from chalicelib.aws.audit import AuditTable
from chalicelib.stage_rules import NO_RULES
from chalicelib.wiring import administer_with
from infra.policy_review import Known, review
from infra.stage_rules import planned_rules, read_rules, rules_of_parameters
from operations.command_line import main
from tests.authorizers.test_policy_size import many_paths
from tests.aws.tables import dynamodb_client, empty_tables
from tests.fakes import allow, statements
from tests.infra.account import Account
from tests.infra.stages import TRIAL, project_in

Run = Callable[..., tuple[int, str]]

CACHED, UPSTREAM = {"AuthorizerCacheSeconds": "300"}, {"UpstreamUrl": "https://backend.example.com"}
EVERYTHING = allow("/*", methods=["*"], sid="all")
STEP_UP = {**EVERYTHING, "signed_in_within": 60}
ATHENA, ZEUS = "athena@olympus.example", "zeus@olympus.example"


def stack(parameters: Mapping[str, str], outputs: Mapping[str, str] | None = None) -> dict[str, Any]:
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    shown = [{"OutputKey": key, "OutputValue": value} for key, value in (outputs or {}).items()]
    return {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "Parameters": given, "Outputs": shown}]}


# --- the rules of a stage ---


def test_the_rules_are_those_of_the_deployed_stack_and_not_of_the_file() -> None:
    account = Account(cloudformation={"describe_stacks": stack({**CACHED, **UPSTREAM})})
    read = read_rules(account, "an-application", replace(TRIAL, application={"AuthorizerCacheSeconds": "7"}))
    assert (read.rules.reused_for, read.assumed) == (300, "")
    assert [guard.sid for guard in read.rules.guards] == ["ambiguous-path"]
    assert {str(route) for route in read.rules.upstream_routes} >= {"GET /upstream", "PUT /upstream/{proxy+}"}


def test_a_stage_without_an_application_stack_has_the_rules_of_its_file_and_a_message_says_so() -> None:
    def missing(StackName: str) -> Any:
        error: Any = {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}
        raise ClientError({"Error": error}, "DescribeStacks")

    account = Account(cloudformation={"describe_stacks": missing})
    read = read_rules(account, "an-application", replace(TRIAL, application=CACHED))
    assert (read.rules.reused_for, read.rules.upstream_routes) == (300, ())
    assert read.assumed == (
        "The stack an-application does not exist. Assumed: AuthorizerCacheSeconds 300, no upstream, as in"
        " infra/stages/trial.yaml."
    )


def test_a_parameter_that_is_not_given_has_its_default() -> None:
    assert rules_of_parameters({}) == NO_RULES
    assert planned_rules(TRIAL) == NO_RULES


# --- the commands ---


@contextmanager
def stage(folder: Path, capsys: pytest.CaptureFixture[str], **parameters: str) -> Iterator[Run]:
    """A stage with these parameters. athena and zeus have signed in. athena administers with every sign-in, and the
    group of zeus with a sign-in of the last minute.
    """
    with empty_tables() as dynamodb:
        cognito = boto3.client("cognito-idp", region_name="us-east-1")
        pool_id = cognito.create_user_pool(PoolName="olympus", UsernameAttributes=["email"])["UserPool"]["Id"]
        outputs = {"UserPoolId": pool_id, "PolicyTableName": "PolicyTable", "StateTableName": "StateTable"}
        outputs |= {"AuditTableName": "AuditTable", "AuditRetentionDays": "365"}
        for address, group in ((ATHENA, "admins"), (ZEUS, "recent")):
            cognito.create_group(UserPoolId=pool_id, GroupName=group)
            cognito.admin_create_user(UserPoolId=pool_id, Username=address, MessageAction="SUPPRESS")
            cognito.admin_set_user_password(UserPoolId=pool_id, Username=address, Password="Right-99", Permanent=True)
            cognito.admin_add_user_to_group(UserPoolId=pool_id, Username=address, GroupName=group)
        account = Account(
            sts={"get_caller_identity": {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/zeus"}},
            cloudformation={"describe_stacks": lambda StackName: stack(parameters, outputs)},
        )
        services = {"cognito-idp": cognito, "dynamodb": dynamodb}
        project = project_in(folder, "region: us-east-1")

        def run(*words: str) -> tuple[int, str]:
            connect = lambda _stage: lambda service: services.get(service) or account(service)  # noqa: E731
            status = main([*words, "--stage", "trial"], project, connect)
            return status, capsys.readouterr().err

        log = AuditTable(dynamodb_client(), "AuditTable", 365, write_line=lambda _line: None)
        api = administer_with(dynamodb_client(), "PolicyTable", "StateTable", log)
        api.put_policy("group:recent", statements(STEP_UP), "athena-sub")
        for rules in ([], [EVERYTHING]):
            api.put_policy("group:admins", statements(*rules), "athena-sub")
        yield run


LOCKED_OUT = [
    ("policies", "rollback", "group:admins", "--to", "1", "--yes"),
    ("users", "disable", ATHENA),
    ("users", "groups", ATHENA, "--none"),
]


def test_a_step_up_that_the_cache_of_the_stage_defeats_makes_nobody_an_administrator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with stage(tmp_path / "cached", capsys, **CACHED) as run:
        for words in LOCKED_OUT:
            status, err = run(*words)
            assert (status, "could change policies" in err) == (1, True), (words, err)
    with stage(tmp_path / "uncached", capsys) as run:
        assert run(*LOCKED_OUT[0]) == (0, "")


def policy_files(folder: Path, **files: list[dict[str, Any]]) -> None:
    (folder / "policies").mkdir(parents=True)
    for group, rules in files.items():
        content = {"group": group, "statements": rules}
        (folder / f"policies/{group}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


def test_the_files_are_applied_under_the_rules_of_the_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    apply = ("policies", "apply", "--yes", "--overwrite-policies")
    policy_files(tmp_path / "cached", admins=[STEP_UP], recent=[])
    with stage(tmp_path / "cached", capsys, **CACHED) as run:
        status, err = run(*apply)
        assert (status, "no group could change policies through the API" in err) == (1, True), err
    policy_files(tmp_path / "upstream", admins=[EVERYTHING], recent=[allow(*many_paths(57), sid="large")])
    with stage(tmp_path / "upstream", capsys, **UPSTREAM) as run:
        status, err = run(*apply)
        assert (status, "more than the limit of 8192" in err) == (1, True), err
    policy_files(tmp_path / "plain", admins=[EVERYTHING], recent=[allow(*many_paths(57), sid="large")])
    with stage(tmp_path / "plain", capsys) as run:
        assert run(*apply) == (0, "")


def test_lint_checks_the_files_under_the_rules_of_the_stage(tmp_path: Path) -> None:
    policy_files(tmp_path, admins=[STEP_UP], large=[allow(*many_paths(57), sid="large")])
    server = {"Type": "String", "Default": "https://olympus.example"}
    template = {"Parameters": {"ResourceServerIdentifier": server}, "Resources": {}, "Outputs": {}}

    def faults(parameters: Mapping[str, str]) -> str:
        known = Known({}, {"admins", "large"}, "the user pool", rules_of_parameters(parameters))
        return "\n".join(review(tmp_path / "policies", template, [], known))

    assert "no group could change policies" in faults(CACHED)
    assert "policies/large.yaml: statements: the policy document has" in faults(UPSTREAM)
    assert "no group could change policies" not in faults({})
    assert "the policy document has" not in faults({})
