"""Applying policy files to the table, with and without changes of other authors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.administer import Administer
from chalicelib.core.errors import NotFound
from chalicelib.stage_rules import NO_RULES
from chalicelib.wiring import administer_with
from infra.apply_policies import apply_policies
from infra.audit_log import audit_log
from infra.clients import Client
from infra.errors import Refused
from infra.policy_files import PolicyFile, examine, read_policies, template_outputs
from infra.policy_groups import template_groups, unknown_groups
from infra.policy_plan import Applied, PolicyFiles
from infra.templates import read_yaml
from tests.aws.tables import empty_tables
from tests.configured import DEFAULT_GROUP, PRIVILEGED_GROUP
from tests.infra.account import Account
from tests.infra.stages import OUTPUTS, PROJECT

READ = "{effect: Allow, methods: [GET], paths: [/carts]}"
WRITE = "{effect: Allow, methods: [PUT], paths: [/carts]}"

Apply = Callable[..., Applied]


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with empty_tables() as client:
        yield client


@pytest.fixture
def policies(dynamodb: Any) -> Administer:
    return administer_with(dynamodb, "PolicyTable", "StateTable", audit_log(OUTPUTS, dynamodb))


@pytest.fixture
def apply(dynamodb: Any, tmp_path: Path) -> Apply:
    """Applies files, given by their names and one statement each."""

    def applied(overwrite: bool = False, **files: str) -> Applied:
        for path in tmp_path.glob("*.yaml"):
            path.unlink()
        for name, statement in files.items():
            holder = "client: MachineClientId" if name == "machine" else f"group: {name}"
            (tmp_path / f"{name}.yaml").write_text(f"{holder}\nstatements: [{statement}]\n", encoding="utf-8")
        return PolicyFiles(tmp_path, {**OUTPUTS, "MachineClientId": "abc"}, dynamodb, NO_RULES).apply(overwrite)

    return applied


def test_files_become_policies_of_groups_and_clients(apply: Apply, policies: Administer) -> None:
    assert apply(carters=READ, machine=READ).written == ["group:carters", "client:abc"]
    assert [policy.subject for policy in policies.list_policies()] == ["client:abc", "group:carters"]


def test_an_unchanged_file_is_not_written_again(apply: Apply, policies: Administer) -> None:
    apply(carters=READ)
    assert (apply(carters=READ).written, policies.get_policy("group:carters").version) == ([], 1)


def test_a_changed_file_changes_its_policy(apply: Apply, policies: Administer) -> None:
    apply(carters=READ)
    assert apply(carters=WRITE).written == ["group:carters"]
    assert policies.get_policy("group:carters").statements[0].methods == ("PUT",)


def test_each_change_is_effective_for_the_next_request(apply: Apply, policies: Administer, dynamodb: Any) -> None:
    def generation() -> str:
        item = dynamodb.get_item(TableName="StateTable", Key={"id": {"S": "generation"}})["Item"]
        return str(item["n"]["N"])

    apply(carters=READ)
    before = generation()
    apply(carters=WRITE)
    assert generation() != before


def test_a_policy_without_its_file_is_deleted(apply: Apply, policies: Administer) -> None:
    apply(carters=READ, grooms=READ)
    assert apply(grooms=READ).removed == ["group:carters"]
    with pytest.raises(NotFound):
        policies.get_policy("group:carters")


def test_a_policy_that_never_had_a_file_is_not_changed(apply: Apply, policies: Administer) -> None:
    policies.put_policy("group:carters", (), author="the dean")
    applied = apply()
    assert (applied.removed, applied.kept) == ([], [])
    assert policies.get_policy("group:carters").updated_by == "the dean"


def test_a_policy_of_another_author_is_reported_and_not_changed(apply: Apply, policies: Administer) -> None:
    apply(carters=READ)
    policies.put_policy("group:carters", (), author="the dean")
    applied = apply(carters=READ)
    assert applied.written == []
    assert applied.kept[0].startswith("group:carters (written by the dean at 20")
    assert policies.get_policy("group:carters").statements == ()


def test_a_policy_that_another_author_deleted_is_reported_and_stays_deleted(apply: Apply, policies: Administer) -> None:
    apply(carters=READ)
    policies.delete_policy("group:carters", "the dean")
    applied = apply(carters=READ)
    assert applied.written == []
    assert applied.kept[0].startswith("group:carters (deleted by the dean at 20")


@pytest.mark.parametrize("how", ["written", "deleted"])
def test_overwrite_replaces_a_policy_of_another_author(apply: Apply, policies: Administer, how: str) -> None:
    apply(carters=READ)
    if how == "written":
        policies.put_policy("group:carters", (), author="the dean")
    else:
        policies.delete_policy("group:carters", "the dean")
    assert apply(overwrite=True, carters=READ).written == ["group:carters"]
    assert policies.get_policy("group:carters").updated_by == "policies/"


def test_a_policy_of_another_author_equal_to_its_file_is_not_reported(apply: Apply, policies: Administer) -> None:
    apply(carters=READ)
    stored = policies.get_policy("group:carters")
    policies.put_policy("group:carters", stored.statements, author="the dean", version=stored.version)
    applied = apply(carters=READ)
    assert (applied.written, applied.kept) == ([], [])


def test_a_deleted_policy_is_written_again_with_its_file(apply: Apply, policies: Administer) -> None:
    apply(carters=READ)
    apply()
    assert apply(carters=READ).written == ["group:carters"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_invalid_policy_of_another_tool_is_reported_and_can_be_replaced(
    apply: Apply, policies: Administer, dynamodb: Any, overwrite: bool
) -> None:
    dynamodb.put_item(TableName="PolicyTable", Item={"subject": {"S": "group:carters"}, "carts": {"N": "2"}})
    applied = apply(overwrite, carters=READ)
    if overwrite:
        assert applied.written == ["group:carters"]
        assert policies.get_policy("group:carters").updated_by == "policies/"
    else:
        assert applied.kept == ["group:carters (written by another tool at an unknown time)"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("group: carters", "expected two fields: `group` or `client`"),
        ("statements: []", "expected two fields: `group` or `client`"),
        (
            "client: CartClientId\nstatements: []",
            "client: got 'CartClientId', expected one of the outputs MachineClientId.",
        ),
        ("client: PolicyTableName\nstatements: []", "client: got 'PolicyTableName', expected one of"),
        ("client: []\nstatements: []", "client: got [], expected one of the outputs"),
        ("- group", "expected two fields: `group` or `client`"),
        ("group: [", "not valid YAML, see line 1"),
        ("group: carters\nstatements: []\nextra: 1", "expected two fields: `group` or `client`"),
        ("group: carters\nclient: MachineClientId\nstatements: []", "expected two fields: `group` or `client`"),
        (
            "group: carters\nstatements: [{effect: Allow, effect: Deny, methods: [GET], paths: [/]}]",
            "the key effect is duplicate, see line 2",
        ),
        (b"group: caf\xe9\nstatements: []", "not valid UTF-8"),
        ("group: a b\nstatements: []", "subject: "),
        (
            "group: carters\nstatements: [{effect: Maybe, methods: [GET], paths: [/]}]",
            'statement 1 ("statement1"): effect: expected Allow or Deny',
        ),
        *(
            (
                "group: carters\nstatements: [{effect: Allow, methods: [GET], paths: [/],"
                f" signed_in_within: {limit}}}]",
                'statement 1 ("statement1"): signed_in_within: expected a whole number of seconds from 60',
            )
            for limit in ("59", "soon", "[900]", "9e2", "-900", "''", "99999999999")
        ),
        (
            "group: carters\nstatements: [{effect: Deny, methods: [GET], paths: [/], signed_in_within: 900}]",
            'statement 1 ("statement1"): signed_in_within: only an Allow can require a recent sign-in',
        ),
        ("group: carters\nstatements: 900", "statements: "),
    ],
)
def test_an_invalid_policy_file_is_refused_with_its_name(tmp_path: Path, text: str | bytes, said: str) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "carters.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(Refused) as refused:
        read_policies(folder, {"MachineClientId": "abc", "PolicyTableName": "table"})
    assert str(refused.value).startswith(f"policies/carters.yaml: {said}")


def test_a_file_can_require_a_recent_sign_in(apply: Apply, policies: Administer) -> None:
    step_up = "{effect: Allow, methods: [GET], paths: [/carts], signed_in_within: 900}"
    assert apply(carters=step_up).written == ["group:carters"]
    assert policies.get_policy("group:carters").statements[0].signed_in_within == 900
    assert apply(carters=step_up).written == []


def test_a_second_file_for_a_group_is_refused(tmp_path: Path) -> None:
    for name in ("carters", "drivers"):
        (tmp_path / f"{name}.yaml").write_text(f"group: carters\nstatements: [{READ}]\n", encoding="utf-8")
    with pytest.raises(Refused, match=r"drivers\.yaml: group:carters already has the file .*/carters\.yaml\."):
        read_policies(tmp_path, {})


@pytest.mark.parametrize("name", ["clerks.yml", "team/clerks.yaml", "team/clerks.yml"])
def test_a_file_in_the_wrong_place_is_refused_with_the_right_place(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "policies"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text(f"group: clerks\nstatements: [{READ}]\n", encoding="utf-8")
    with pytest.raises(Refused, match=rf"policies/{name}: .* Move it to policies/clerks\.yaml"):
        read_policies(folder, {})


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"policies/: this folder is missing"):
        read_policies(tmp_path / "policies", {})


def test_every_invalid_file_is_reported_and_the_valid_ones_are_read(tmp_path: Path) -> None:
    for name, group in (("carters", "carters"), ("drivers", "a b"), ("grooms", "c d")):
        (tmp_path / f"{name}.yaml").write_text(f"group: {group}\nstatements: [{READ}]\n", encoding="utf-8")
    carters, *faults = examine(tmp_path, {})
    assert isinstance(carters, PolicyFile)
    assert [str(fault).partition(": ")[0].rpartition("/")[2] for fault in faults] == ["drivers.yaml", "grooms.yaml"]


def test_two_clients_are_two_subjects_before_the_stack_exists(tmp_path: Path) -> None:
    for name in ("WebClientId", "MachineClientId"):
        (tmp_path / f"{name}.yaml").write_text(f"client: {name}\nstatements: []\n", encoding="utf-8")
    assert len(read_policies(tmp_path, template_outputs(read_yaml(PROJECT, "infra/identity.yaml")))) == 2


def test_the_groups_come_from_the_template_without_a_stack() -> None:
    assert template_groups(read_yaml(PROJECT, "infra/identity.yaml")) >= {DEFAULT_GROUP, PRIVILEGED_GROUP}


@pytest.mark.parametrize(
    ("group", "suggestion"),
    [
        pytest.param("cartres", "Did you mean 'carters'?", id="swapped letters"),
        pytest.param("CARTERS", "Did you mean 'carters'?", id="another case"),
        pytest.param("zebras", "The groups are: Grooms, carters.", id="no similar name"),
    ],
)
def test_the_most_similar_name_is_suggested_for_an_unknown_group(group: str, suggestion: str) -> None:
    files = [PolicyFile("policies/x.yaml", f"group:{group}", []), PolicyFile("policies/y.yaml", "client:abc", [])]
    assert unknown_groups(files, {"carters", "Grooms"}, "the user pool") == {
        "policies/x.yaml": f"group: the user pool has no group {group!r}. {suggestion}"
    }


def test_a_group_of_the_pool_is_not_reported_as_unknown() -> None:
    assert unknown_groups([PolicyFile("policies/x.yaml", "group:Grooms", [])], {"Grooms"}, "the user pool") == {}


@pytest.fixture
def account(dynamodb: Any) -> Client:
    """An account with one group in the user pool, and the policy table in DynamoDB."""
    services = Account(
        cognito_idp={"list_groups": {"Groups": [{"GroupName": "carters"}]}},
        sts={"get_caller_identity": {"Arn": "arn:aws:iam::123456789012:user/dean"}},
    )
    return lambda service: dynamodb if service == "dynamodb" else services(service)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two policy files. One is for a group that the user pool does not have."""
    (tmp_path / "policies").mkdir()
    for group in ("carters", "cartres"):
        text = f"group: {group}\nstatements: [{READ}]\n"
        (tmp_path / f"policies/{group}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_an_unknown_group_is_refused_before_anything_is_written(
    account: Client, project: Path, policies: Administer
) -> None:
    with pytest.raises(Refused) as refused:
        apply_policies(project, {**OUTPUTS, "UserPoolId": "pool"}, account, NO_RULES)
    assert str(refused.value) == (
        "policies/cartres.yaml: group: the user pool has no group 'cartres'. Did you mean 'carters'?"
        " Correct the name, or add the group to infra/identity.yaml and deploy it (locally: start `make run` again)."
        " To apply the file without the group, pass --allow-unknown-group."
    )
    assert policies.list_policies() == []


def test_allow_unknown_group_writes_the_policy_of_an_unknown_group(account: Client, project: Path) -> None:
    applied = apply_policies(project, {**OUTPUTS, "UserPoolId": "pool"}, account, NO_RULES, allow_unknown_group=True)
    assert applied.notes() == ["written: group:carters", "written: group:cartres"]
