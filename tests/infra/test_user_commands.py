"""The commands for users and revocations, on a stage inside the test process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from operations.command_line import main
from tests.aws.tables import empty_tables
from tests.infra.account import Account
from tests.infra.stages import project_in

CLIO, ATHENA = "clio@olympus.example", "athena@olympus.example"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Runs a command on a stage whose group admins administers. athena is its only member."""
    with empty_tables() as dynamodb:
        cognito = boto3.client("cognito-idp", region_name="us-east-1")
        pool_id = cognito.create_user_pool(PoolName="olympus", UsernameAttributes=["email"])["UserPool"]["Id"]
        for group in ("clerks", "admins"):
            cognito.create_group(UserPoolId=pool_id, GroupName=group)
        outputs = {"UserPoolId": pool_id, "PolicyTableName": "PolicyTable", "StateTableName": "StateTable"}
        outputs |= {"AuditTableName": "AuditTable", "AuditRetentionDays": "365"}
        outputs |= {"WebClientId": "webclientofolympus"}
        described = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        account = Account(
            sts={"get_caller_identity": {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/zeus"}},
            cloudformation={"describe_stacks": {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "Outputs": described}]}},
        )
        services = {"cognito-idp": cognito, "dynamodb": dynamodb}
        project = project_in(tmp_path, "region: us-east-1")

        def run(*words: str) -> tuple[int, str, str]:
            status = main(
                [*words, "--stage", "trial"],
                project,
                lambda _stage: lambda service: services.get(service) or account(service),
            )
            said = capsys.readouterr()
            return status, said.out, said.err

        everything = [{"sid": "all", "effect": "Allow", "methods": ["*"], "paths": ["/*"]}]
        policy = {"subject": "group:admins", "version": 1, "statements": json.dumps(everything)}
        dynamodb.put_item(
            TableName="PolicyTable",
            Item={
                "subject": {"S": policy["subject"]},
                "version": {"N": "1"},
                "statements": {"S": policy["statements"]},
                "updated_by": {"S": "zeus"},
                "updated_at": {"S": "2027-01-15T08:00:00+00:00"},
            },
        )
        for address, group in ((CLIO, "clerks"), (ATHENA, "admins")):
            assert run("users", "invite", address, "--group", group)[0] == 0
            cognito.admin_set_user_password(UserPoolId=pool_id, Username=address, Password="Correct-9", Permanent=True)
        yield run


def documents(command: Command, *words: str) -> Any:
    status, out, err = command(*words, "--json")
    assert (status, err) == (0, "")
    return json.loads(out)


def test_users_are_listed_and_shown(command: Command) -> None:
    assert {user["email"] for user in documents(command, "users", "list")["users"]} == {CLIO, ATHENA}
    shown = documents(command, "users", "show", CLIO)
    assert (shown["email"], shown["groups"], shown["enabled"]) == (CLIO, ["clerks"], True)
    assert documents(command, "users", "show", shown["sub"]) == shown
    out = command("users", "list")[1]
    assert out.splitlines()[0].split() == ["address", "name", "username", "status", "enabled"]
    assert "clerks" in command("users", "show", CLIO)[1]


def test_users_are_listed_by_the_beginning_the_group_and_the_state(command: Command) -> None:
    def found(*words: str) -> set[str]:
        return {user["email"] for user in documents(command, "users", "list", *words)["users"]}

    documents(command, "users", "disable", CLIO)
    assert found("--begins-with", "cli") == found("--disabled") == found("--group", "clerks", "--disabled") == {CLIO}
    assert found("--group", "admins", "--status", "CONFIRMED", "--enabled") == {ATHENA}
    assert found("--begins-with", "cli", "--group", "clerks", "--enabled") == set()
    assert found("--begins-with", "cli", "--attribute", "name") == set()


def test_groups_that_are_taken_revoke_in_the_name_of_the_operator(command: Command) -> None:
    status, out, err = command("users", "groups", CLIO, "--none")
    assert (status, err) == (0, "")
    assert out.startswith(
        f"{CLIO}: groups set\n  groups: -\n  removed: clerks\n  The tokens that were issued until now"
    )
    (revocation,) = documents(command, "revocations")["revocations"]
    assert revocation["revoked_by"] == "arn:aws:iam::123456789012:user/zeus"
    assert revocation["value"] == documents(command, "users", "show", CLIO)["sub"]
    assert "arn:aws:iam::123456789012:user/zeus" in command("revocations")[1]


def test_a_user_is_disabled_enabled_and_signed_out(command: Command) -> None:
    assert documents(command, "users", "disable", CLIO)["user"]["enabled"] is False
    assert documents(command, "users", "enable", CLIO)["user"]["enabled"] is True
    assert "cookie" in command("users", "sign-out", CLIO)[1]


def test_a_revocation_is_made_and_lifted(command: Command) -> None:
    sub = documents(command, "users", "show", CLIO)["sub"]
    deleted = "c1e7c000-0000-4000-8000-00000000c1e7"
    for words, kind, value in (
        (("--user", CLIO), "sub", sub),
        (("--user", deleted), "sub", deleted),
        (("--client", "WebClientId"), "client", "webclientofolympus"),
        (("--session", deleted), "session", deleted),
    ):
        again = "  The user can get new tokens. To keep the user out, use `users disable`.\n" if kind == "sub" else ""
        assert command("revoke", *words) == (0, f"revoked: {kind} {value}\n{again}", "")
        (found,) = documents(command, "revocations")["revocations"]
        assert (found["kind"], found["value"]) == (kind, value)
        assert command("revoke", *words, "--lift") == (0, f"lifted: {kind} {value}\n", "")
        assert documents(command, "revocations")["revocations"] == []


LAST = "no other enabled user who has signed in could change policies. Add another user to admins first."


@pytest.mark.parametrize(
    ("words", "message"),
    [
        *(
            (("users", name, "nobody@olympus.example"), "nobody@olympus.example: the user pool has no such user.")
            for name in ("show", "disable", "enable", "sign-out", "reset-mfa")
        ),
        (("users", "list", "--begins-with", "a\nb"), "begins_with: expected 1 to 100 printable characters\n"),
        (("users", "list", "--group", "ghosts"), "group: the user pool has no such group\n"),
        (("users", "show", "a b"), "username: expected an e-mail address, a sub or a username of the user pool\n"),
        (
            ("users", "invite", "a\n@b.example"),
            "username: expected an e-mail address of at most 128 ASCII characters\n",
        ),
        (
            ("users", "invite", CLIO, "--group", "admins"),
            f"{CLIO}: a user with this address exists. The user has a password, so there is no invitation to send"
            " again. To change the groups, set them. If the password is lost, the user resets it on the sign-in pages."
            " If the authenticator app is lost, reset the MFA. The commands are: `users groups clio@olympus.example"
            " --group admins --group clerks --stage trial`, `users reset-mfa clio@olympus.example --stage trial`.\n",
        ),
        (("users", "groups", CLIO), "Give the groups of the user with --group, or --none.\n"),
        (("users", "groups", CLIO, "--none", "--group", "clerks"), "Give the groups of the user with --group, or"),
        (("users", "groups", CLIO, "--group", "ghosts"), "groups: 'ghosts': the user pool has no such group\n"),
        (("users", "disable", ATHENA), f"{ATHENA}: {LAST} To proceed anyway, pass --force.\n"),
        (("users", "groups", ATHENA, "--group", "clerks"), f"{ATHENA}: {LAST} To proceed anyway, pass --force.\n"),
        (("revoke",), "Give exactly one of --user, --client and --session.\n"),
        (
            ("revoke", "--user", CLIO, "--client", "WebClientId"),
            "Give exactly one of --user, --client and --session.\n",
        ),
        (("revoke", "--user", "nobody@olympus.example"), "nobody@olympus.example: the user pool has no such user."),
        (("revoke", "--client", "stranger"), "client: 'stranger' is not an app client"),
        (("revoke", "--session", "today"), "session: expected the token's origin_jti"),
        (
            ("revoke", "--client", "WebClientId", "--lift"),
            "a revocation of the client webclientofolympus does not exist",
        ),
    ],
)
def test_a_refusal_is_one_line_and_changes_nothing(command: Command, words: tuple[str, ...], message: str) -> None:
    before = documents(command, "users", "list")
    status, out, err = command(*words)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(message)
    assert documents(command, "users", "list") == before
    assert documents(command, "revocations")["revocations"] == []


def test_the_refusal_to_invite_a_disabled_user_names_the_command_that_enables(command: Command) -> None:
    assert command("users", "disable", CLIO)[0] == 0
    status, _, err = command("users", "invite", CLIO)
    assert (status, err.count("\n")) == (1, 1)
    assert "The user is disabled. Enable the user, then invite again or set the groups." in err
    enable, groups = (part.split("`")[0] for part in err.split("`users ")[1:3])
    assert (enable, groups) == (f"enable {CLIO} --stage trial", f"groups {CLIO} --group clerks --stage trial")
    assert command("users", *enable.split()[:2])[0] == 0
    assert command("users", *groups.split()[:4])[0] == 0


def test_the_last_administrator_can_be_changed_by_force(command: Command) -> None:
    assert command("users", "disable", ATHENA, "--force")[0] == 0
