"""Rehearses the life of a stage against a simulated AWS account. Nothing in here has run on AWS.

Each scene runs one command and continues from the scene before it. The tests check the result of each scene.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from infra.stacks import Stacks
from tests.configured import APP, PRIVILEGED_GROUP
from tests.rehearsal.account import Account, administer, opened_account, statuses
from tests.rehearsal.checkout import STAGE, Checkout, Said

OPEN = {
    "no token, GET /": 200,
    "no token, GET /whoami": 401,
    "reader, GET /whoami": 200,
    "reader, POST /admin/revocations": 403,
}
STATE_PARAMETER = f"/{APP}/{STAGE}/chalice-state"


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


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with opened_account(tmp_path_factory.mktemp("account") / "cloud") as opened:
        yield opened


@pytest.fixture(scope="module")
def play(account: Account):
    """Runs a command and records the state of the account."""

    def played(checkout: Checkout, *words: str, run: str = "manage") -> Scene:
        said = getattr(checkout, run)(*words)
        inventory = account.inventory()
        outputs = outputs_of(account, inventory)
        return Scene(said, checkout, inventory, outputs, statuses(account, outputs) if "ApiUrl" in outputs else {})

    return played


def outputs_of(account: Account, inventory: dict[str, list[str]]) -> dict[str, str]:
    outputs = Stacks(account.client("cloudformation")).outputs(f"{APP}-{STAGE}-identity")
    # An API without a deployment has no URL.
    for api in inventory.get("rest APIs", []):
        if account.client("apigateway").get_stages(restApiId=api)["item"]:
            outputs["ApiUrl"] = f"https://{api}.execute-api.us-east-1.amazonaws.com/{STAGE}/"
    return outputs


def triggers(account: Account, scene: Scene) -> dict[str, Any]:
    """Returns the triggers of the user pool."""
    pool = account.client("cognito-idp").describe_user_pool(UserPoolId=scene.outputs["UserPoolId"])["UserPool"]
    return {
        name: trigger
        for name, trigger in pool.get("LambdaConfig", {}).items()
        if trigger and name != "PreTokenGeneration"
    }


@pytest.fixture(scope="module")
def failed_creation(account: Account, play, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A first deployment whose stack cannot be created, because another pool has the domain prefix."""
    cognito = account.client("cognito-idp")
    theirs = cognito.create_user_pool(PoolName="olive-growers")["UserPool"]["Id"]
    cognito.create_user_pool_domain(UserPoolId=theirs, Domain="merchants")
    checkout = Checkout.new(tmp_path_factory.mktemp("first") / APP, account.local_cloud)
    checkout.describe(DomainPrefix="merchants")
    scene = play(checkout, "deploy")
    cognito.delete_user_pool_domain(UserPoolId=theirs, Domain="merchants")
    cognito.delete_user_pool(UserPoolId=theirs)
    return scene


def test_a_stack_that_cannot_be_created_leaves_no_resource(failed_creation):
    assert failed_creation.said.status == 1
    assert "ROLLBACK_COMPLETE: UserPoolDomain: " in failed_creation.said.err
    assert set(failed_creation.inventory) == {"stacks", "user pools"}
    assert len(failed_creation.inventory["user pools"]) == 1  # the olive growers'


def test_a_new_stack_is_created_without_deletion_protection(failed_creation, account):
    # Unlike AWS, the simulation also rolls back protected resources.
    parameters = Stacks(account.client("cloudformation")).parameters(f"{APP}-{STAGE}-identity")
    assert parameters["DataProtection"] == "false"


@pytest.fixture(scope="module")
def deployed(failed_creation: Scene, play) -> Scene:
    failed_creation.checkout.describe(MfaMode="OFF")
    return play(failed_creation.checkout, "deploy")


def test_one_command_deploys_a_stage_that_answers_as_its_policies_say(deployed):
    assert deployed.said.trouble == ""
    assert deployed.statuses == OPEN


def test_outputs_prints_the_outputs_of_the_stack_and_the_url_of_the_api(deployed):
    assert json.loads(deployed.checkout.manage("outputs", "--json").out) == deployed.outputs


def test_a_stage_has_one_api_one_mapping_and_one_parameter(deployed):
    assert {
        kind: len(names) for kind, names in deployed.inventory.items() if kind in ("rest APIs", "stream mappings")
    } == {
        "rest APIs": 1,
        "stream mappings": 1,
    }
    assert deployed.inventory["parameters"] == [STATE_PARAMETER]
    assert (
        len(deployed.inventory["functions"])
        == len(deployed.inventory["log groups"])
        == len(deployed.inventory["roles"])
    )


def test_the_stream_mapping_has_the_settings_that_chalice_cannot_set(deployed, account):
    (mapping,) = account.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert (mapping["MaximumRetryAttempts"], mapping["MaximumRecordAgeInSeconds"]) == (10, 3600)
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == deployed.outputs["StreamDeadLettersArn"]


def test_the_pool_and_the_tables_of_a_deployed_stage_are_protected(deployed, account):
    cognito, dynamodb = account.client("cognito-idp"), account.client("dynamodb")
    pool = cognito.describe_user_pool(UserPoolId=deployed.outputs["UserPoolId"])["UserPool"]
    assert pool["DeletionProtection"] == "ACTIVE"
    for name in deployed.inventory["tables"]:
        assert dynamodb.describe_table(TableName=name)["Table"]["DeletionProtectionEnabled"] is True


@pytest.fixture(scope="module")
def repeated(deployed: Scene, play) -> Scene:
    return play(deployed.checkout, "deploy")


def test_a_second_deployment_changes_nothing_and_reports_it(deployed, repeated):
    assert repeated.said.changed == []
    assert repeated.said.out.endswith("nothing changed\n")
    assert repeated.inventory == deployed.inventory


@pytest.fixture(scope="module")
def replacing(repeated: Scene, play) -> Scene:
    """Deploys a template with a renamed table, which CloudFormation replaces by a new one."""
    template = repeated.checkout.file("infra/identity.yaml")
    text = template.read_text(encoding="utf-8")
    renamed, count = re.subn(r"\bOnboardingTable\b", "WelcomedTable", text)
    assert count
    template.write_text(renamed, encoding="utf-8")
    scene = play(repeated.checkout, "deploy")
    template.write_text(text, encoding="utf-8")
    return scene


def test_an_update_that_replaces_a_table_is_refused(repeated, replacing):
    assert replacing.said.status == 1
    assert (
        "Refused: this update would replace or remove OnboardingTable. Their data would no longer be used."
        in replacing.said.err
    )
    assert (replacing.inventory, replacing.statuses) == (repeated.inventory, OPEN)


@pytest.fixture(scope="module")
def half_updated(replacing: Scene, account: Account, play) -> Scene:
    """Deploys new code and new parameters. Only the parameters arrive."""
    secret = account.client("secretsmanager").create_secret(
        Name="guild/oidc", SecretString='{"client_secret": "known to the guild"}'
    )
    checkout = replacing.checkout
    checkout.describe(
        MfaMode="OPTIONAL",
        DomainPrefix="merchants",
        OidcIssuer="https://login.guild.example",
        OidcClientId="merchants",
        OidcClientSecretArn=secret["ARN"],
    )
    source = checkout.file("app.py")
    source.write_text(source.read_text(encoding="utf-8") + "# new\n", encoding="utf-8")
    with account.failing("PUT", "/restapis/"):
        return play(checkout, "deploy")


def test_a_failed_redeployment_keeps_the_triggers_and_the_api(half_updated, account):
    assert half_updated.said.status == 1
    assert set(triggers(account, half_updated)) == {"PostConfirmation", "PreTokenGenerationConfig"}
    assert half_updated.statuses == OPEN


@pytest.fixture(scope="module")
def updated(half_updated: Scene, play) -> Scene:
    return play(half_updated.checkout, "deploy")


def test_a_changed_parameter_reaches_the_pool(updated, account):
    assert updated.said.trouble == ""
    cognito, pool = account.client("cognito-idp"), updated.outputs["UserPoolId"]
    assert cognito.describe_user_pool(UserPoolId=pool)["UserPool"]["MfaConfiguration"] == "OPTIONAL"
    assert [item["ProviderName"] for item in cognito.list_identity_providers(UserPoolId=pool)["Providers"]] == [
        "CorporateOIDC"
    ]


def test_a_redeployment_keeps_the_triggers_and_the_url_of_the_api(deployed, updated, account):
    told = triggers(account, updated)
    assert told["PostConfirmation"].endswith(f":{APP}-{STAGE}-post_confirmation")
    assert told["PreTokenGenerationConfig"]["LambdaArn"].endswith(f":{APP}-{STAGE}-pre_token")
    assert updated.api == deployed.api
    assert updated.inventory["user pools"] == deployed.inventory["user pools"]
    assert updated.statuses == OPEN


@pytest.fixture(scope="module")
def clone(updated: Scene, account: Account, play, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    checkout = Checkout.new(tmp_path_factory.mktemp("second") / APP, account.local_cloud)
    for name in (f"infra/stages/{STAGE}.yaml", "app.py"):
        checkout.file(name).write_bytes(updated.checkout.file(name).read_bytes())
    return play(checkout, "deploy")


def test_a_deployment_from_a_fresh_clone_changes_only_the_clone(updated, clone):
    assert clone.said.changed == ["Write .chalice/config.json"]
    assert clone.inventory == updated.inventory
    assert clone.api == updated.api


def test_a_fresh_clone_gets_the_same_files_as_the_first_checkout(updated, clone):
    for name in (".chalice/config.json", f".chalice/deployed/{STAGE}.json"):
        assert clone.checkout.file(name).read_bytes() == updated.checkout.file(name).read_bytes()


@pytest.fixture(scope="module")
def without_state(clone: Scene, account: Account, play) -> Scene:
    account.client("ssm").delete_parameter(Name=STATE_PARAMETER)
    clone.checkout.file(f".chalice/deployed/{STAGE}.json").unlink()
    return play(clone.checkout, "deploy")


def test_a_deployment_without_state_is_refused_and_creates_no_second_api(clone, without_state):
    assert without_state.said.status == 1
    assert without_state.inventory["rest APIs"] == clone.inventory["rest APIs"]
    assert "Traceback" not in without_state.said.err
    assert f"--adopt {without_state.inventory['rest APIs'][0]}" in without_state.said.err


@pytest.fixture(scope="module")
def chalice_without_state(without_state: Scene, play) -> Scene:
    return play(without_state.checkout, "deploy", "--stage", STAGE, run="chalice")


def test_chalice_deploy_without_state_is_refused(without_state, chalice_without_state):
    assert chalice_without_state.said.status == 1
    assert f"python manage.py deploy --stage {STAGE}" in chalice_without_state.said.err
    assert chalice_without_state.inventory == without_state.inventory


@pytest.fixture(scope="module")
def adopted(chalice_without_state: Scene, play) -> Scene:
    scene = chalice_without_state
    return play(scene.checkout, "deploy", "--adopt", scene.inventory["rest APIs"][0])


def test_an_adopted_api_keeps_its_url(clone, adopted):
    assert adopted.said.trouble == ""
    assert adopted.inventory == clone.inventory
    assert (adopted.api, adopted.statuses) == (clone.api, OPEN)


@pytest.fixture(scope="module")
def chalice_deployed(adopted: Scene, play) -> Scene:
    source = adopted.checkout.file("app.py")
    source.write_text(source.read_text(encoding="utf-8").replace(" is open.", " is open to all."), encoding="utf-8")
    return play(adopted.checkout, "deploy", "--stage", STAGE, run="chalice")


def test_chalice_deploy_with_state_deploys_new_code_to_the_same_api(adopted, chalice_deployed):
    assert chalice_deployed.said.trouble == ""
    assert chalice_deployed.inventory == adopted.inventory
    assert chalice_deployed.statuses == OPEN


@pytest.fixture(scope="module")
def repaired(chalice_deployed: Scene, account: Account, play) -> Scene:
    """Deploys after a function was deleted, a wrong stream was connected, and a policy was emptied by hand."""
    functions, outputs = account.client("lambda"), chalice_deployed.outputs
    functions.delete_function(FunctionName=f"{APP}-{STAGE}-pre_token")
    functions.create_event_source_mapping(
        FunctionName=f"{APP}-{STAGE}-policy_changed",
        EventSourceArn=account.new_stream("caravans"),
        StartingPosition="TRIM_HORIZON",
    )
    administer(account, outputs).put_policy(f"group:{PRIVILEGED_GROUP}", (), author="the dean")
    return play(chalice_deployed.checkout, "deploy")


def test_a_deployment_repairs_manual_changes(chalice_deployed, repaired):
    assert repaired.said.trouble == ""
    assert repaired.statuses == OPEN
    for kind in ("functions", "stream mappings", "rest APIs", "user pools", "roles"):
        assert repaired.inventory[kind] == chalice_deployed.inventory[kind]


def test_a_missing_trigger_is_reported_and_attached_again(repaired, account):
    assert (
        f"the user pool has no triggers until a later step has created the functions {APP}-{STAGE}-pre_token"
        in repaired.said.out
    )
    assert set(triggers(account, repaired)) == {"PostConfirmation", "PreTokenGenerationConfig"}


def test_a_policy_of_another_author_is_reported_and_not_changed(repaired, account):
    assert f"not changed: group:{PRIVILEGED_GROUP} (written by the dean" in repaired.said.out
    assert "To replace it, use --overwrite-policies\n" in repaired.said.out
    assert administer(account, repaired.outputs).get_policy(f"group:{PRIVILEGED_GROUP}").statements == ()


@pytest.fixture(scope="module")
def without_readers(repaired: Scene, play) -> Scene:
    repaired.checkout.file("policies/readers.yaml").unlink()
    return play(repaired.checkout, "policies apply --yes")


def test_policies_apply_needs_no_deployment(without_readers, account):
    assert (without_readers.said.trouble, without_readers.said.changed) == ("", ["Apply the policies"])
    policies = administer(account, without_readers.outputs)
    assert "group:readers" not in [policy.subject for policy in policies.list_policies()]
    assert policies.get_policy(f"group:{PRIVILEGED_GROUP}").updated_by == "the dean"
    assert without_readers.statuses == {**OPEN, "reader, GET /whoami": 403}


@pytest.fixture(scope="module")
def overwritten(without_readers: Scene, play) -> Scene:
    return play(without_readers.checkout, "deploy", "--overwrite-policies")


def test_overwrite_policies_replaces_a_policy_of_another_author(overwritten, account):
    assert overwritten.said.changed == ["Apply the policies"]
    assert administer(account, overwritten.outputs).get_policy(f"group:{PRIVILEGED_GROUP}").updated_by == "policies/"


def test_a_deployment_after_chalice_deploy_sets_the_error_responses_again(repaired, account):
    assert "Set stream and error-response settings" in repaired.said.changed
    refused = account.client("apigateway").get_gateway_response(
        restApiId=repaired.inventory["rest APIs"][0], responseType="UNAUTHORIZED"
    )
    assert refused["responseParameters"]["gatewayresponse.header.WWW-Authenticate"] == "'Bearer'"


@pytest.fixture(scope="module")
def protected(overwritten: Scene, play) -> Scene:
    return play(overwritten.checkout, "destroy", "--purge-data", STAGE)


def test_a_protected_stage_cannot_be_destroyed(overwritten, protected):
    assert protected.said.status == 1
    assert protected.said.err.startswith(f"infra/stages/{STAGE}.yaml: identity.DataProtection: ")
    assert (protected.inventory, protected.statuses) == (overwritten.inventory, overwritten.statuses)


@pytest.fixture(scope="module")
def half_destroyed(protected: Scene, account: Account, play) -> Scene:
    protected.checkout.unprotect()
    with account.failing("DELETE", "/2015-03-31/functions/"):
        return play(protected.checkout, "destroy")


def test_a_destroy_that_fails_half_way_names_the_step_and_deletes_no_function(overwritten, half_destroyed):
    assert half_destroyed.said.status == 1
    assert half_destroyed.said.err.startswith("The step “Delete the application (chalice delete)” failed: ")
    assert half_destroyed.inventory["functions"] == overwritten.inventory["functions"]


@pytest.fixture(scope="module")
def destroyed(half_destroyed: Scene, play) -> Scene:
    return play(half_destroyed.checkout, "destroy")


def test_a_destroyed_stage_leaves_only_its_data(overwritten, destroyed):
    assert destroyed.said.trouble == ""
    assert set(destroyed.inventory) == {"tables", "user pools"}
    for kind in ("tables", "user pools"):
        assert destroyed.inventory[kind] == overwritten.inventory[kind]
        assert all(f" {name}\n" in destroyed.said.out for name in destroyed.inventory[kind])


@pytest.fixture(scope="module")
def destroyed_again(destroyed: Scene, play) -> Scene:
    return play(destroyed.checkout, "destroy")


def test_a_second_destroy_changes_nothing(destroyed, destroyed_again):
    assert (destroyed_again.said.status, destroyed_again.said.changed) == (0, [])
    assert destroyed_again.inventory == destroyed.inventory


@pytest.fixture(scope="module")
def failed(destroyed_again: Scene, account: Account, play) -> Scene:
    with account.failing("POST", "/restapis"):
        return play(destroyed_again.checkout, "deploy")


def test_a_failed_deployment_names_its_step_and_the_retry(failed):
    assert failed.said.status == 1
    assert failed.said.err.startswith("The step “Deploy the application (chalice deploy)” failed: chalice deploy: ")
    assert "not today" in failed.said.err
    assert failed.said.err.endswith("To retry, run the same command again.\n")
    assert "rest APIs" not in failed.inventory


@pytest.fixture(scope="module")
def failed_again(failed: Scene, account: Account, play) -> Scene:
    with account.failing("PATCH", "/restapis"):
        return play(failed.checkout, "deploy")


def test_a_deployment_can_fail_after_the_creation_of_its_api(failed_again):
    assert failed_again.said.status == 1
    assert len(failed_again.inventory["rest APIs"]) == 1


@pytest.fixture(scope="module")
def retried(failed_again: Scene, play) -> Scene:
    return play(failed_again.checkout, "deploy")


def test_a_retry_uses_the_resources_of_a_failed_deployment(failed_again, retried):
    assert retried.said.trouble == ""
    assert retried.statuses == {**OPEN, "reader, GET /whoami": 403}
    for kind in ("rest APIs", "stream mappings", "functions", "user pools"):
        assert retried.inventory[kind] == failed_again.inventory[kind]


def test_a_new_deployment_reports_that_it_does_not_use_retained_data(destroyed, failed, retried):
    for name in destroyed.inventory["tables"] + destroyed.inventory["user pools"]:
        assert (
            f"not used, from an earlier deployment of this stage: {'user pool' if '_' in name else 'table'} {name}"
            in failed.said.out
        )
    assert set(destroyed.inventory["user pools"]) < set(retried.inventory["user pools"])


@pytest.fixture(scope="module")
def mistyped(retried: Scene, play) -> Scene:
    return play(retried.checkout, "destroy", "--purge-data", "trail")


def test_data_is_not_purged_for_a_mistyped_name(retried, mistyped):
    assert mistyped.said.status == 1
    assert mistyped.inventory == retried.inventory


@pytest.fixture(scope="module")
def purged(mistyped: Scene, play) -> Scene:
    return play(mistyped.checkout, "destroy", "--purge-data", STAGE)


def test_a_purge_deletes_everything_and_reports_it(retried, purged):
    assert purged.said.trouble == ""
    assert purged.inventory == {}
    for name in retried.inventory["tables"] + retried.inventory["user pools"]:
        assert f" {name}\n" in purged.said.out


def test_a_deployment_to_another_account_is_refused(purged, play):
    described = purged.checkout.file(f"infra/stages/{STAGE}.yaml")
    described.write_text(
        described.read_text(encoding="utf-8").replace("123456789012", "210987654321"), encoding="utf-8"
    )
    scene = play(purged.checkout, "deploy")
    assert (scene.said.status, scene.inventory) == (1, {})
    assert "210987654321" in scene.said.err
