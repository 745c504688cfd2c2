"""Rehearses the life of a stage against a simulated AWS account. Nothing in here has run on AWS.

Each scene runs one command and continues from the scene before it. The tests check the result of each scene.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from infra.shards import Shards
from infra.stacks import Stacks
from tests.configured import APP, PRIVILEGED_GROUP
from tests.rehearsal.account import Account, administer, opened_account, statuses
from tests.rehearsal.checkout import PROJECT, STAGE, Checkout, Said

OPEN = {
    "no token, GET /": 200,
    "no token, GET /whoami": 401,
    "reader, GET /whoami": 200,
    "reader, POST /admin/revocations": 403,
}
IDENTITY, APPLICATION = f"{APP}-{STAGE}-identity", f"{APP}-{STAGE}-application"
DATA = {"tables", "user pools", "buckets"}  # outlives a destroyed stage


@dataclass(frozen=True)
class Scene:
    """The output of a command, and the state of the account after it."""

    said: Said
    checkout: Checkout
    inventory: dict[str, list[str]]
    outputs: dict[str, str]
    statuses: dict[str, int]

    @property
    def api(self) -> str:
        return self.outputs["ApiUrl"]


Play = Callable[..., Scene]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with opened_account(tmp_path_factory.mktemp("account") / "cloud") as opened:
        yield opened


@pytest.fixture(scope="module")
def play(account: Account) -> Play:
    """Runs a command and records the state of the account. `ask` says whether to send requests to the API."""

    def played(checkout: Checkout, *words: str, run: str = "manage", ask: bool = True) -> Scene:
        said = getattr(checkout, run)(*words)
        outputs = outputs_of(account)
        answers = statuses(account, outputs) if ask and "ApiUrl" in outputs else {}
        return Scene(said, checkout, account.inventory(), outputs, answers)

    return played


def outputs_of(account: Account) -> dict[str, str]:
    stacks = Stacks(account.client("cloudformation"))
    application = stacks.outputs(APPLICATION)
    return stacks.outputs(IDENTITY) | application


def triggers(account: Account, scene: Scene) -> dict[str, Any]:
    """Returns the triggers of the user pool."""
    pool = account.client("cognito-idp").describe_user_pool(UserPoolId=scene.outputs["UserPoolId"])["UserPool"]
    return {
        name: trigger
        for name, trigger in pool.get("LambdaConfig", {}).items()
        if trigger and name != "PreTokenGeneration"
    }


def greet(checkout: Checkout, text: str) -> None:
    """Changes the answer of the public route."""
    source = checkout.file("app.py")
    changed, count = re.subn(r'"message": ".*?"', f'"message": "{text}"', source.read_text(encoding="utf-8"))
    assert count == 1
    source.write_text(changed, encoding="utf-8")


# --- the first deployment ---


@pytest.fixture(scope="module")
def failed_creation(account: Account, play: Play, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A first deployment whose identity stack cannot be created, because another pool has the domain prefix."""
    cognito = account.client("cognito-idp")
    theirs = cognito.create_user_pool(PoolName="olive-growers")["UserPool"]["Id"]
    cognito.create_user_pool_domain(UserPoolId=theirs, Domain="merchants")
    checkout = Checkout.new(tmp_path_factory.mktemp("first") / APP, account.local_cloud)
    checkout.describe(DomainPrefix="merchants")
    scene = play(checkout, "deploy")
    cognito.delete_user_pool_domain(UserPoolId=theirs, Domain="merchants")
    cognito.delete_user_pool(UserPoolId=theirs)
    return scene


def test_a_stack_that_cannot_be_created_leaves_no_resource(failed_creation: Scene) -> None:
    assert failed_creation.said.status == 1
    assert "ROLLBACK_COMPLETE: UserPoolDomain: " in failed_creation.said.err
    assert set(failed_creation.inventory) == {"stacks", "user pools"}
    assert len(failed_creation.inventory["user pools"]) == 1  # the olive growers'


def test_a_new_stack_is_created_without_deletion_protection(failed_creation: Scene, account: Account) -> None:
    # Unlike AWS, the simulation also rolls back protected resources.
    (stack,) = account.client("cloudformation").describe_stacks(StackName=IDENTITY)["Stacks"]
    assert {"ParameterKey": "DataProtection", "ParameterValue": "false"} in stack["Parameters"]


@contextmanager
def broken(checkout: Checkout) -> Iterator[None]:
    """Adds a resource to the application's template that CloudFormation cannot create."""
    template = checkout.file(".chalice/package.json")
    text = template.read_text(encoding="utf-8")
    content = json.loads(text)
    content["Resources"]["Stall"] = {
        "Type": "AWS::Cognito::UserPoolGroup",
        "DependsOn": "RestAPI",
        "Properties": {"UserPoolId": "us-east-1_nowhere", "GroupName": "weavers"},
    }
    template.write_text(json.dumps(content), encoding="utf-8")
    yield
    template.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def half_created(failed_creation: Scene, play: Play) -> Scene:
    failed_creation.checkout.describe(MfaMode="OFF")
    with broken(failed_creation.checkout):
        return play(failed_creation.checkout, "deploy")


def test_an_application_stack_that_cannot_be_created_is_rolled_back(half_created: Scene) -> None:
    assert half_created.said.status == 1
    assert half_created.said.err.startswith("The step “Deploy the application stack” failed: ")
    assert f"{APPLICATION}: ROLLBACK_COMPLETE: Stall: " in half_created.said.err
    assert not {"rest APIs", "stream mappings"} & half_created.inventory.keys()


@pytest.fixture(scope="module")
def deployed(half_created: Scene, play: Play) -> Scene:
    return play(half_created.checkout, "deploy")


def test_one_command_deploys_a_stage_that_answers_as_its_policies_say(deployed: Scene) -> None:
    assert deployed.said.trouble == ""
    assert deployed.statuses == OPEN


def test_a_retry_of_a_first_deployment_keeps_the_user_pool(half_created: Scene, deployed: Scene) -> None:
    assert deployed.said.changed == ["Deploy the application stack", "Apply the policies"]
    assert deployed.inventory["user pools"] == half_created.inventory["user pools"]


def test_outputs_prints_the_outputs_of_the_stack_and_the_url_of_the_api(deployed: Scene) -> None:
    assert json.loads(deployed.checkout.manage("outputs", "--json").out) == deployed.outputs


def test_a_stage_has_one_api_one_mapping_and_one_bucket(deployed: Scene) -> None:
    single = ("rest APIs", "stream mappings", "buckets")
    assert [len(deployed.inventory[kind]) for kind in single] == [1, 1, 1]
    each = ("functions", "log groups", "roles")
    assert {len(deployed.inventory[kind]) for kind in each} == {len(deployed.inventory["functions"])}


def test_the_stream_mapping_has_the_settings_that_chalice_cannot_set(deployed: Scene, account: Account) -> None:
    (mapping,) = account.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert (mapping["MaximumRetryAttempts"], mapping["MaximumRecordAgeInSeconds"]) == (10, 3600)
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == deployed.outputs["StreamDeadLettersArn"]


def test_the_pool_and_the_tables_of_a_deployed_stage_are_protected(deployed: Scene, account: Account) -> None:
    cognito, dynamodb = account.client("cognito-idp"), account.client("dynamodb")
    pool = cognito.describe_user_pool(UserPoolId=deployed.outputs["UserPoolId"])["UserPool"]
    assert pool["DeletionProtection"] == "ACTIVE"
    for name in deployed.inventory["tables"]:
        assert dynamodb.describe_table(TableName=name)["Table"]["DeletionProtectionEnabled"] is True


@pytest.fixture(scope="module")
def repeated(deployed: Scene, play: Play) -> Scene:
    return play(deployed.checkout, "deploy", ask=False)


def test_a_second_deployment_changes_nothing_and_reports_it(deployed: Scene, repeated: Scene) -> None:
    assert repeated.said.changed == []
    assert repeated.said.out.endswith("nothing changed\n")
    assert repeated.inventory == deployed.inventory


@pytest.fixture(scope="module")
def cloned(repeated: Scene, account: Account, play: Play, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    checkout = Checkout.new(tmp_path_factory.mktemp("second") / APP, account.local_cloud)
    stage_file = f"infra/stages/{STAGE}.yaml"
    checkout.file(stage_file).write_bytes(repeated.checkout.file(stage_file).read_bytes())
    return play(checkout, "deploy", ask=False)


def test_a_deployment_of_the_same_commit_from_a_fresh_clone_changes_nothing(repeated: Scene, cloned: Scene) -> None:
    assert (cloned.said.trouble, cloned.said.changed) == ("", [])
    assert (cloned.inventory, cloned.outputs) == (repeated.inventory, repeated.outputs)


@pytest.fixture(scope="module")
def by_hand(cloned: Scene, play: Play) -> Scene:
    return play(cloned.checkout, "deploy", "--stage", STAGE, run="chalice")


def test_chalice_deploy_of_a_deployed_stage_is_refused(cloned: Scene, by_hand: Scene) -> None:
    assert by_hand.said.status == 1
    assert f"python manage.py deploy --stage {STAGE}" in by_hand.said.err
    assert (by_hand.inventory, by_hand.statuses) == (cloned.inventory, OPEN)


# --- changes, and deployments that die at each step ---


@pytest.fixture(scope="module")
def replacing(by_hand: Scene, play: Play) -> Scene:
    """Deploys a template with a renamed table, which CloudFormation replaces by a new one."""
    template = by_hand.checkout.file("infra/identity.yaml")
    text = template.read_text(encoding="utf-8")
    renamed, count = re.subn(r"\bOnboardingTable\b", "WelcomedTable", text)
    assert count
    template.write_text(renamed, encoding="utf-8")
    scene = play(by_hand.checkout, "deploy")
    template.write_text(text, encoding="utf-8")
    return scene


def test_an_update_that_replaces_a_table_is_refused(by_hand: Scene, replacing: Scene) -> None:
    assert replacing.said.status == 1
    assert "Refused: this update would replace or remove OnboardingTable." in replacing.said.err
    assert (replacing.inventory, replacing.statuses) == (by_hand.inventory, OPEN)


@pytest.fixture(scope="module")
def changed_files(replacing: Scene, account: Account) -> Checkout:
    """New code, new parameters of both stacks, and a new policy."""
    secret = account.client("secretsmanager").create_secret(
        Name="guild/oidc", SecretString='{"client_secret": "known to the guild"}'
    )
    checkout = replacing.checkout
    checkout.describe(
        {"AuthorizerCacheSeconds": "1", "StateShards": "2"},
        MfaMode="OPTIONAL",
        DomainPrefix="merchants",
        OidcIssuer="https://login.guild.example",
        OidcClientId="merchants",
        OidcClientSecretArn=secret["ARN"],
        ResourceServerIdentifier="https://guild.example",
    )
    greet(checkout, "The market is open.")
    readers = checkout.file("policies/readers.yaml")
    checkout.file("policies/weavers.yaml").write_text(
        readers.read_text(encoding="utf-8").replace("group: readers", "group: weavers"), encoding="utf-8"
    )
    return checkout


@pytest.fixture(scope="module")
def plans(changed_files: Checkout, play: Play) -> Scene:
    return play(changed_files, "deploy", "--plan", "--allow-unknown-group", ask=False)


def test_a_plan_names_the_changes_of_both_stacks_and_makes_none_of_them(replacing: Scene, plans: Scene) -> None:
    assert plans.said.trouble == ""
    assert f"{IDENTITY}: modify OidcProvider (AWS::Cognito::UserPoolIdentityProvider)" in plans.said.out
    assert f"{APPLICATION}: modify PreToken (AWS::Lambda::Function)\n" in plans.said.out
    assert (plans.inventory, plans.outputs) == (replacing.inventory, replacing.outputs)


FAULTS = {
    "Deploy the identity stack": ("Action=ExecuteChangeSet", IDENTITY),
    "Store the bundle": ("PUT /", ".zip"),
    "Prepare the authorization state": ("DynamoDB_20120810.UpdateItem", "state_shards"),
    "Deploy the application stack": ("Action=CreateChangeSet", APPLICATION),
    "Apply the policies": ("DynamoDB_20120810.TransactWriteItems", "weavers"),
}


@pytest.fixture(scope="module")
def dying(changed_files: Checkout, plans: Scene, account: Account, play: Play) -> dict[str, Scene]:
    """Deployments that die, each at the next step."""
    scenes = {}
    for step, fault in FAULTS.items():
        with account.failing(*fault):
            scenes[step] = play(changed_files, "deploy", "--allow-unknown-group")
    return scenes


@pytest.mark.parametrize("step", FAULTS)
def test_a_deployment_that_dies_names_its_step_and_the_retry(dying: dict[str, Scene], step: str) -> None:
    said = dying[step].said
    assert said.status == 1
    assert said.err.startswith(f"The step “{step}” failed: ")
    assert "not today" in said.err or step == "Apply the policies"  # the error of a use case gives no details
    assert said.err.endswith("To retry, run the same command again.\n")


@pytest.mark.parametrize(("before", "step"), list(pairwise(FAULTS)))
def test_a_retry_completes_the_step_at_which_the_deployment_died(
    dying: dict[str, Scene], step: str, before: str
) -> None:
    assert before in dying[step].said.changed


@pytest.mark.parametrize("step", FAULTS)
def test_the_api_answers_while_a_deployment_is_unfinished(dying: dict[str, Scene], step: str, account: Account) -> None:
    assert dying[step].statuses == OPEN
    assert set(triggers(account, dying[step])) == {"PostConfirmation", "PreTokenGenerationConfig"}


@pytest.fixture(scope="module")
def updated(dying: dict[str, Scene], changed_files: Checkout, play: Play) -> Scene:
    return play(changed_files, "deploy", "--allow-unknown-group")


def test_the_last_retry_makes_only_the_last_change(updated: Scene) -> None:
    assert (updated.said.trouble, updated.said.changed) == ("", ["Apply the policies"])


def test_changed_parameters_reach_both_stacks(updated: Scene, account: Account) -> None:
    cognito, pool = account.client("cognito-idp"), updated.outputs["UserPoolId"]
    assert cognito.describe_user_pool(UserPoolId=pool)["UserPool"]["MfaConfiguration"] == "OPTIONAL"
    assert [item["ProviderName"] for item in cognito.list_identity_providers(UserPoolId=pool)["Providers"]] == [
        "CorporateOIDC"
    ]
    (authorizer,) = [
        item
        for item in account.client("apigateway").get_authorizers(restApiId=updated.inventory["rest APIs"][0])["items"]
        if item["name"] == "policy_authorizer"
    ]
    assert authorizer["authorizerResultTtlInSeconds"] == 1


def test_the_authorizers_read_copies_of_the_state_that_existed_before(
    updated: Scene, dying: dict[str, Scene], account: Account
) -> None:
    shards = Shards(account.client("dynamodb"), updated.outputs["StateTableName"])
    assert (shards.stored(), shards.unusable()) == (2, [])
    function = f"{APP}-{STAGE}-policy_authorizer"
    live = account.client("lambda").get_function_configuration(FunctionName=function, Qualifier="live")
    assert live["Environment"]["Variables"]["STATE_SHARDS"] == "2"
    assert updated.statuses == OPEN
    assert dying["Deploy the application stack"].statuses == OPEN, "old authorizers, and copies that nobody reads"


def test_a_route_requires_the_scope_of_the_stage_s_own_resource_server(updated: Scene, account: Account) -> None:
    gateway, api = account.client("apigateway"), updated.inventory["rest APIs"][0]
    resources = gateway.get_resources(restApiId=api, embed=["methods"], limit=500)["items"]
    scopes = {
        scope
        for resource in resources
        for method in resource.get("resourceMethods", {}).values()
        for scope in method.get("authorizationScopes") or []
    }
    assert all(scope.startswith("https://guild.example/") for scope in scopes)


def test_a_redeployment_keeps_the_triggers_and_the_url_of_the_api(
    deployed: Scene, updated: Scene, account: Account
) -> None:
    told = triggers(account, updated)
    assert f":{APP}-{STAGE}-post_confirmation" in told["PostConfirmation"]
    assert f":{APP}-{STAGE}-pre_token" in told["PreTokenGenerationConfig"]["LambdaArn"]
    assert updated.api == deployed.api
    assert updated.inventory["user pools"] == deployed.inventory["user pools"]
    assert updated.statuses == OPEN


@pytest.fixture(scope="module")
def rolled_back(updated: Scene, play: Play) -> Scene:
    greet(updated.checkout, "The market is on fire.")
    with broken(updated.checkout):
        return play(updated.checkout, "deploy", "--allow-unknown-group")


def test_cloudformation_rolls_a_failed_update_back(updated: Scene, rolled_back: Scene) -> None:
    assert rolled_back.said.status == 1
    assert f"{APPLICATION}: UPDATE_ROLLBACK_COMPLETE: Stall: " in rolled_back.said.err
    assert (rolled_back.outputs, rolled_back.statuses) == (updated.outputs, OPEN)


@pytest.fixture(scope="module")
def bad_release(rolled_back: Scene, play: Play) -> Scene:
    """Deploys a release whose service fails at each call of one route."""
    source = rolled_back.checkout.file("app.py")
    text = source.read_text(encoding="utf-8")
    route, count = re.subn(r"(def whoami\(\)[^\n]*:\n)", r'\1    raise RuntimeError("the market burns")\n', text)
    assert count == 1
    source.write_text(route, encoding="utf-8")
    scene = play(rolled_back.checkout, "deploy", "--allow-unknown-group")
    source.write_text(text, encoding="utf-8")
    return scene


@pytest.fixture(scope="module")
def gone_back(bad_release: Scene, play: Play) -> Scene:
    return play(bad_release.checkout, "rollback", "--yes")


def test_a_rollback_returns_to_the_release_before(bad_release: Scene, gone_back: Scene) -> None:
    assert bad_release.said.trouble == ""
    assert bad_release.statuses == {**OPEN, "reader, GET /whoami": 500}
    assert gone_back.said.trouble == ""
    assert f"{APP}-{STAGE}-policy_authorizer " in gone_back.said.out
    assert gone_back.statuses == OPEN


@pytest.fixture(scope="module")
def drifted(gone_back: Scene, play: Play) -> Scene:
    return play(gone_back.checkout, "verify", ask=False)


def test_verify_names_the_aliases_after_a_rollback(drifted: Scene) -> None:
    assert drifted.said.status == 1
    assert f"{APP}-{STAGE}:live: FunctionVersion is " in drifted.said.trouble
    failed = [line.partition(":")[0] for line in drifted.said.trouble.splitlines() if line.startswith("FAIL")]
    assert failed == ["FAIL functions-code", "FAIL functions-versions"]


def versions(account: Account) -> list[int]:
    """Returns the published versions of one function."""
    pages = account.client("lambda").get_paginator("list_versions_by_function").paginate(FunctionName=f"{APP}-{STAGE}")
    return [int(it["Version"]) for page in pages for it in page["Versions"] if it["Version"] != "$LATEST"]


@pytest.fixture(scope="module")
def many_versions(drifted: Scene, account: Account) -> list[int]:
    """Publishes more versions of one function than a deployment keeps, and returns all of them."""
    functions, name = account.client("lambda"), {"FunctionName": f"{APP}-{STAGE}"}
    for description in "abcde":
        functions.update_function_configuration(**name, Description=description)
        functions.publish_version(**name)
    return versions(account)


@pytest.fixture(scope="module")
def earlier(drifted: Scene, many_versions: list[int], play: Play) -> Scene:
    """Deploys the code of the first commit again, with the current stage file. It goes forward after the rollback."""
    drifted.checkout.file("app.py").write_bytes((PROJECT / "app.py").read_bytes())
    return play(drifted.checkout, "deploy", "--allow-unknown-group")


def test_an_earlier_commit_is_deployed_with_the_bundle_that_is_still_stored(updated: Scene, earlier: Scene) -> None:
    assert (earlier.said.trouble, earlier.said.changed) == ("", ["Deploy the application stack", "Delete old versions"])
    assert (earlier.outputs, earlier.statuses) == (updated.outputs, OPEN)


def test_a_deployment_keeps_five_versions_before_the_live_one(
    earlier: Scene, many_versions: list[int], account: Account
) -> None:
    *before, live = versions(account)
    assert before == many_versions[-5:]
    assert live > before[-1]


# --- policies ---


@pytest.fixture(scope="module")
def edited(earlier: Scene, account: Account, play: Play) -> Scene:
    """Deploys after an operator emptied a policy."""
    administer(account, earlier.outputs).put_policy(f"group:{PRIVILEGED_GROUP}", (), author="the dean")
    return play(earlier.checkout, "deploy", "--allow-unknown-group", ask=False)


def test_a_policy_of_another_author_is_reported_and_not_changed(edited: Scene, account: Account) -> None:
    assert (edited.said.trouble, edited.said.changed) == ("", [])
    assert f"not changed: group:{PRIVILEGED_GROUP} (written by the dean" in edited.said.out
    assert "To replace it, use --overwrite-policies\n" in edited.said.out
    assert administer(account, edited.outputs).get_policy(f"group:{PRIVILEGED_GROUP}").statements == ()


@pytest.fixture(scope="module")
def without_readers(edited: Scene, play: Play) -> Scene:
    for name in ("readers", "weavers"):
        edited.checkout.file(f"policies/{name}.yaml").unlink()
    return play(edited.checkout, "policies apply --yes")


def test_policies_apply_needs_no_deployment(without_readers: Scene, account: Account) -> None:
    assert (without_readers.said.trouble, without_readers.said.changed) == ("", ["Apply the policies"])
    policies = administer(account, without_readers.outputs)
    assert "group:readers" not in [policy.subject for policy in policies.list_policies()]
    assert policies.get_policy(f"group:{PRIVILEGED_GROUP}").updated_by == "the dean"
    assert without_readers.statuses == {**OPEN, "reader, GET /whoami": 403}


@pytest.fixture(scope="module")
def overwritten(without_readers: Scene, play: Play) -> Scene:
    return play(without_readers.checkout, "deploy", "--overwrite-policies", ask=False)


def test_overwrite_policies_replaces_a_policy_of_another_author(overwritten: Scene, account: Account) -> None:
    assert overwritten.said.changed == ["Apply the policies"]
    assert administer(account, overwritten.outputs).get_policy(f"group:{PRIVILEGED_GROUP}").updated_by == "policies/"


# --- the end of a stage ---


@pytest.fixture(scope="module")
def protected(overwritten: Scene, play: Play) -> Scene:
    return play(overwritten.checkout, "destroy", "--purge-data", STAGE, ask=False)


def test_a_protected_stage_cannot_be_destroyed(overwritten: Scene, protected: Scene) -> None:
    assert protected.said.status == 1
    assert protected.said.err.startswith(f"infra/stages/{STAGE}.yaml: identity.DataProtection: ")
    assert protected.inventory == overwritten.inventory


@pytest.fixture(scope="module")
def half_destroyed(protected: Scene, account: Account, play: Play) -> Scene:
    protected.checkout.unprotect()
    with account.failing("Action=DeleteStack", IDENTITY):
        return play(protected.checkout, "destroy")


def test_a_destroy_that_fails_half_way_names_the_step_and_keeps_the_user_pool(
    overwritten: Scene, half_destroyed: Scene
) -> None:
    assert half_destroyed.said.status == 1
    assert half_destroyed.said.err.startswith("The step “Delete the identity stack” failed: ")
    assert half_destroyed.inventory["stacks"] == [IDENTITY]
    assert half_destroyed.inventory["user pools"] == overwritten.inventory["user pools"]


@pytest.fixture(scope="module")
def destroyed(half_destroyed: Scene, play: Play) -> Scene:
    return play(half_destroyed.checkout, "destroy")


def test_a_destroyed_stage_leaves_only_its_data(overwritten: Scene, destroyed: Scene) -> None:
    assert destroyed.said.trouble == ""
    assert set(destroyed.inventory) == DATA
    for kind in DATA:
        assert destroyed.inventory[kind] == overwritten.inventory[kind]
        assert all(f" {name}\n" in destroyed.said.out for name in destroyed.inventory[kind])


@pytest.fixture(scope="module")
def destroyed_again(destroyed: Scene, play: Play) -> Scene:
    return play(destroyed.checkout, "destroy")


def test_a_second_destroy_changes_nothing(destroyed: Scene, destroyed_again: Scene) -> None:
    assert (destroyed_again.said.status, destroyed_again.said.changed) == (0, [])
    assert destroyed_again.inventory == destroyed.inventory


@pytest.fixture(scope="module")
def up_again(destroyed_again: Scene, play: Play) -> Scene:
    return play(destroyed_again.checkout, "deploy", ask=False)


def test_a_new_deployment_reports_that_it_does_not_use_retained_data(destroyed: Scene, up_again: Scene) -> None:
    assert up_again.said.trouble == ""
    kinds = {"tables": "table", "user pools": "user pool", "buckets": "bucket"}
    for kind, word in kinds.items():
        for name in destroyed.inventory[kind]:
            assert f"not used, from an earlier deployment of this stage: {word} {name}" in up_again.said.out
    assert set(destroyed.inventory["user pools"]) < set(up_again.inventory["user pools"])


@pytest.fixture(scope="module")
def mistyped(up_again: Scene, play: Play) -> Scene:
    return play(up_again.checkout, "destroy", "--purge-data", "trail", ask=False)


def test_data_is_not_purged_for_a_mistyped_name(up_again: Scene, mistyped: Scene) -> None:
    assert mistyped.said.status == 1
    assert mistyped.inventory == up_again.inventory


@pytest.fixture(scope="module")
def purged(mistyped: Scene, play: Play) -> Scene:
    return play(mistyped.checkout, "destroy", "--purge-data", STAGE)


def test_a_purge_deletes_everything_and_reports_it(up_again: Scene, purged: Scene) -> None:
    assert purged.said.trouble == ""
    assert purged.inventory == {}
    for kind in DATA:
        assert all(f" {name}\n" in purged.said.out for name in up_again.inventory[kind])


def test_a_deployment_to_another_account_is_refused(purged: Scene, play: Play) -> None:
    described: Path = purged.checkout.file(f"infra/stages/{STAGE}.yaml")
    described.write_text(
        described.read_text(encoding="utf-8").replace("123456789012", "210987654321"), encoding="utf-8"
    )
    scene = play(purged.checkout, "deploy")
    assert (scene.said.status, scene.inventory) == (1, {})
    assert "210987654321" in scene.said.err
