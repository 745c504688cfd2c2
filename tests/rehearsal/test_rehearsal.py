"""The whole life of a stage, played through against a simulated AWS account: nothing here has run on AWS.

Each scene goes on from the one before it, and is played once; the tests look at what each has left.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from infra.stacks import Stacks
from tests.rehearsal.account import Account, administer, opened_account, statuses
from tests.rehearsal.checkout import STAGE, Checkout, Said

OPEN = {
    "anybody, GET /": 200,
    "a stranger, GET /reports": 401,
    "a reader, GET /reports": 200,
    "a reader, POST /reports": 403,
}
MEMORY = f"/gatehouse/{STAGE}/chalice-state"


@dataclass(frozen=True)
class Scene:
    """What was said, and what there was afterwards."""

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
    """Type a command, and look around."""

    def played(checkout: Checkout, *words: str, run: str = "manage") -> Scene:
        said = getattr(checkout, run)(*words)
        inventory = account.inventory()
        outputs = outputs_of(account, inventory)
        return Scene(said, checkout, inventory, outputs, statuses(account, outputs) if "ApiUrl" in outputs else {})

    return played


def outputs_of(account: Account, inventory: dict[str, list[str]]) -> dict[str, str]:
    outputs = Stacks(account.client("cloudformation")).outputs(f"gatehouse-{STAGE}-identity")
    # Without a deployment an API has no address.
    for api in inventory.get("rest APIs", []):
        if account.client("apigateway").get_stages(restApiId=api)["item"]:
            outputs["ApiUrl"] = f"https://{api}.execute-api.us-east-1.amazonaws.com/{STAGE}/"
    return outputs


def triggers(account: Account, scene: Scene) -> dict[str, Any]:
    """What the user pool asks, and when."""
    pool = account.client("cognito-idp").describe_user_pool(UserPoolId=scene.outputs["UserPoolId"])["UserPool"]
    return {
        name: asked for name, asked in pool.get("LambdaConfig", {}).items() if asked and name != "PreTokenGeneration"
    }


@pytest.fixture(scope="module")
def stillborn(account: Account, play, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A first deployment whose stack cannot be made, since somebody else has the domain's prefix."""
    cognito = account.client("cognito-idp")
    theirs = cognito.create_user_pool(PoolName="olive-growers")["UserPool"]["Id"]
    cognito.create_user_pool_domain(UserPoolId=theirs, Domain="merchants")
    checkout = Checkout.new(tmp_path_factory.mktemp("first") / "gatehouse", account.local_cloud)
    checkout.describe(DomainPrefix="merchants")
    scene = play(checkout, "deploy")
    cognito.delete_user_pool_domain(UserPoolId=theirs, Domain="merchants")
    cognito.delete_user_pool(UserPoolId=theirs)
    return scene


def test_a_stack_that_cannot_be_made_leaves_nothing_behind(stillborn):
    assert stillborn.said.status == 1
    assert "ROLLBACK_COMPLETE: UserPoolDomain: " in stillborn.said.err
    assert set(stillborn.inventory) == {"stacks", "user pools"}
    assert len(stillborn.inventory["user pools"]) == 1  # the olive growers'


def test_a_stack_is_made_without_protection_which_would_outlive_its_failure(stillborn, account):
    # The simulation rolls back what is protected too, which AWS does not.
    parameters = Stacks(account.client("cloudformation")).parameters(f"gatehouse-{STAGE}-identity")
    assert parameters["DataProtection"] == "false"


@pytest.fixture(scope="module")
def up(stillborn: Scene, play) -> Scene:
    stillborn.checkout.describe(MfaMode="OFF")
    return play(stillborn.checkout, "deploy")


def test_a_stage_comes_up_with_one_command_and_opens_to_whom_it_should(up):
    assert up.said.trouble == ""
    assert up.statuses == OPEN


def test_the_outputs_are_those_of_the_stack_and_the_apis_address(up):
    assert json.loads(up.checkout.manage("outputs").out) == up.outputs


def test_a_stage_consists_of_one_of_everything(up):
    assert {kind: len(names) for kind, names in up.inventory.items() if kind in ("rest APIs", "stream mappings")} == {
        "rest APIs": 1,
        "stream mappings": 1,
    }
    assert up.inventory["parameters"] == [MEMORY]
    assert len(up.inventory["functions"]) == len(up.inventory["log groups"]) == len(up.inventory["roles"])


def test_the_stream_mapping_has_what_chalice_cannot_give_it(up, account):
    (mapping,) = account.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert (mapping["MaximumRetryAttempts"], mapping["MaximumRecordAgeInSeconds"]) == (10, 3600)
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == up.outputs["StreamDeadLettersArn"]


def test_what_holds_data_is_protected_as_soon_as_a_stage_is_up(up, account):
    cognito, dynamodb = account.client("cognito-idp"), account.client("dynamodb")
    pool = cognito.describe_user_pool(UserPoolId=up.outputs["UserPoolId"])["UserPool"]
    assert pool["DeletionProtection"] == "ACTIVE"
    for name in up.inventory["tables"]:
        assert dynamodb.describe_table(TableName=name)["Table"]["DeletionProtectionEnabled"] is True


@pytest.fixture(scope="module")
def again(up: Scene, play) -> Scene:
    return play(up.checkout, "deploy")


def test_the_same_command_again_changes_nothing_and_says_so(up, again):
    assert again.said.changed == []
    assert again.said.out.endswith("nothing changed\n")
    assert again.inventory == up.inventory


@pytest.fixture(scope="module")
def reshaped(again: Scene, play) -> Scene:
    """A template in which a table has another name, and so is another table."""
    template = again.checkout.file("infra/identity.yaml")
    text = template.read_text(encoding="utf-8")
    renamed, count = re.subn(r"\bOnboardingTable\b", "WelcomedTable", text)
    assert count
    template.write_text(renamed, encoding="utf-8")
    scene = play(again.checkout, "deploy")
    template.write_text(text, encoding="utf-8")
    return scene


def test_a_table_that_would_be_replaced_by_an_empty_one_stays(again, reshaped):
    assert reshaped.said.status == 1
    assert "OnboardingTable would be set aside" in reshaped.said.err
    assert (reshaped.inventory, reshaped.statuses) == (again.inventory, OPEN)


@pytest.fixture(scope="module")
def half_changed(reshaped: Scene, account: Account, play) -> Scene:
    """New code and new parameters, of which only the latter arrive."""
    secret = account.client("secretsmanager").create_secret(
        Name="guild/oidc", SecretString='{"client_secret": "known to the guild"}'
    )
    checkout = reshaped.checkout
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


def test_while_a_redeployment_is_under_way_the_pool_keeps_its_triggers_and_the_api_answers(half_changed, account):
    assert half_changed.said.status == 1
    assert set(triggers(account, half_changed)) == {"PostConfirmation", "PreTokenGenerationConfig"}
    assert half_changed.statuses == OPEN


@pytest.fixture(scope="module")
def changed(half_changed: Scene, play) -> Scene:
    return play(half_changed.checkout, "deploy")


def test_a_changed_parameter_reaches_the_pool(changed, account):
    assert changed.said.trouble == ""
    cognito, pool = account.client("cognito-idp"), changed.outputs["UserPoolId"]
    assert cognito.describe_user_pool(UserPoolId=pool)["UserPool"]["MfaConfiguration"] == "OPTIONAL"
    assert [item["ProviderName"] for item in cognito.list_identity_providers(UserPoolId=pool)["Providers"]] == [
        "CorporateOIDC"
    ]


def test_a_redeployment_keeps_the_pool_tied_to_its_triggers_and_the_api_at_its_address(up, changed, account):
    told = triggers(account, changed)
    assert told["PostConfirmation"].endswith(f":gatehouse-{STAGE}-post_confirmation")
    assert told["PreTokenGenerationConfig"]["LambdaArn"].endswith(f":gatehouse-{STAGE}-pre_token")
    assert changed.api == up.api
    assert changed.inventory["user pools"] == up.inventory["user pools"]
    assert changed.statuses == OPEN


@pytest.fixture(scope="module")
def clone(changed: Scene, account: Account, play, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    checkout = Checkout.new(tmp_path_factory.mktemp("second") / "gatehouse", account.local_cloud)
    for name in (f"infra/stages/{STAGE}.yaml", "app.py"):
        checkout.file(name).write_bytes(changed.checkout.file(name).read_bytes())
    return play(checkout, "deploy")


def test_from_a_fresh_clone_nothing_is_made_twice_and_only_the_clone_changes(changed, clone):
    assert clone.said.changed == [".chalice/config.json"]
    assert clone.inventory == changed.inventory
    assert clone.api == changed.api


def test_a_fresh_clone_gets_the_very_files_that_the_first_checkout_has(changed, clone):
    for name in (".chalice/config.json", f".chalice/deployed/{STAGE}.json"):
        assert clone.checkout.file(name).read_bytes() == changed.checkout.file(name).read_bytes()


@pytest.fixture(scope="module")
def lost(clone: Scene, account: Account, play) -> Scene:
    account.client("ssm").delete_parameter(Name=MEMORY)
    clone.checkout.file(f".chalice/deployed/{STAGE}.json").unlink()
    return play(clone.checkout, "deploy")


def test_when_chalices_memory_is_lost_no_second_api_is_made(clone, lost):
    assert lost.said.status == 1
    assert lost.inventory["rest APIs"] == clone.inventory["rest APIs"]
    assert "Traceback" not in lost.said.err
    assert f"--adopt {lost.inventory['rest APIs'][0]}" in lost.said.err


@pytest.fixture(scope="module")
def typed_by_hand_without_memory(lost: Scene, play) -> Scene:
    return play(lost.checkout, "deploy", "--stage", STAGE, run="chalice")


def test_chalice_deploy_by_hand_is_refused_where_nothing_is_known(lost, typed_by_hand_without_memory):
    assert typed_by_hand_without_memory.said.status == 1
    assert f"python manage.py deploy --stage {STAGE}" in typed_by_hand_without_memory.said.err
    assert typed_by_hand_without_memory.inventory == lost.inventory


@pytest.fixture(scope="module")
def adopted(typed_by_hand_without_memory: Scene, play) -> Scene:
    scene = typed_by_hand_without_memory
    return play(scene.checkout, "deploy", "--adopt", scene.inventory["rest APIs"][0])


def test_an_api_that_was_forgotten_goes_on_at_its_address(clone, adopted):
    assert adopted.said.trouble == ""
    assert adopted.inventory == clone.inventory
    assert (adopted.api, adopted.statuses) == (clone.api, OPEN)


@pytest.fixture(scope="module")
def typed_by_hand(adopted: Scene, play) -> Scene:
    source = adopted.checkout.file("app.py")
    source.write_text(source.read_text(encoding="utf-8").replace("Gatehouse is open.", "Come in."), encoding="utf-8")
    return play(adopted.checkout, "deploy", "--stage", STAGE, run="chalice")


def test_chalice_deploy_by_hand_deploys_new_code_to_the_same_api(adopted, typed_by_hand):
    assert typed_by_hand.said.trouble == ""
    assert typed_by_hand.inventory == adopted.inventory
    assert typed_by_hand.statuses == OPEN


@pytest.fixture(scope="module")
def mended(typed_by_hand: Scene, account: Account, play) -> Scene:
    """Deployed after somebody has deleted a function, listened to a wrong stream, and taken rights from a group."""
    functions, outputs = account.client("lambda"), typed_by_hand.outputs
    functions.delete_function(FunctionName=f"gatehouse-{STAGE}-pre_token")
    functions.create_event_source_mapping(
        FunctionName=f"gatehouse-{STAGE}-policy_changed",
        EventSourceArn=account.new_stream("caravans"),
        StartingPosition="TRIM_HORIZON",
    )
    administer(account, outputs).put_policy("group:editors", (), author="the dean")
    return play(typed_by_hand.checkout, "deploy")


def test_what_was_tampered_with_is_mended(typed_by_hand, mended):
    assert mended.said.trouble == ""
    assert mended.statuses == OPEN
    for kind in ("functions", "stream mappings", "rest APIs", "user pools", "roles"):
        assert mended.inventory[kind] == typed_by_hand.inventory[kind]


def test_a_missing_trigger_is_told_and_the_pool_is_tied_to_it_again(mended, account):
    assert f"the user pool is without its triggers until gatehouse-{STAGE}-pre_token is there" in mended.said.out
    assert set(triggers(account, mended)) == {"PostConfirmation", "PreTokenGenerationConfig"}


def test_a_policy_that_somebody_has_changed_is_left_as_it_is_and_named(mended, account):
    assert "left as it is, --overwrite-policies would replace it: group:editors (written by the dean" in mended.said.out
    assert administer(account, mended.outputs).get_policy("group:editors").statements == ()


@pytest.fixture(scope="module")
def without_readers(mended: Scene, play) -> Scene:
    mended.checkout.file("policies/readers.yaml").unlink()
    return play(mended.checkout, "policies apply")


def test_policies_follow_their_files_without_a_deployment(without_readers, account):
    assert (without_readers.said.trouble, without_readers.said.changed) == ("", ["policies"])
    policies = administer(account, without_readers.outputs)
    assert "group:readers" not in [policy.subject for policy in policies.list_policies()]
    assert policies.get_policy("group:editors").updated_by == "the dean"
    assert without_readers.statuses == {**OPEN, "a reader, GET /reports": 403}


@pytest.fixture(scope="module")
def overwritten(without_readers: Scene, play) -> Scene:
    return play(without_readers.checkout, "deploy", "--overwrite-policies")


def test_a_policy_that_somebody_has_changed_follows_its_file_if_that_is_wanted(overwritten, account):
    assert overwritten.said.changed == ["policies"]
    assert administer(account, overwritten.outputs).get_policy("group:editors").updated_by == "policies/"


def test_after_a_deployment_by_hand_the_next_one_sets_again_what_chalice_cannot(mended, account):
    assert "what Chalice cannot set" in mended.said.changed
    refused = account.client("apigateway").get_gateway_response(
        restApiId=mended.inventory["rest APIs"][0], responseType="UNAUTHORIZED"
    )
    assert refused["responseParameters"]["gatewayresponse.header.WWW-Authenticate"] == "'Bearer'"


@pytest.fixture(scope="module")
def not_down(overwritten: Scene, play) -> Scene:
    return play(overwritten.checkout, "destroy", "--purge-data", STAGE)


def test_a_protected_stage_is_not_taken_down(overwritten, not_down):
    assert not_down.said.status == 1
    assert not_down.said.err.startswith(f"infra/stages/{STAGE}.yaml: identity.DataProtection: ")
    assert (not_down.inventory, not_down.statuses) == (overwritten.inventory, overwritten.statuses)


@pytest.fixture(scope="module")
def half_down(not_down: Scene, account: Account, play) -> Scene:
    not_down.checkout.unprotect()
    with account.failing("DELETE", "/2015-03-31/functions/"):
        return play(not_down.checkout, "destroy")


def test_an_end_may_come_to_nothing_half_way(overwritten, half_down):
    assert half_down.said.status == 1
    assert half_down.said.err.startswith("The step “application (chalice delete)” failed: ")
    assert half_down.inventory["functions"] == overwritten.inventory["functions"]


@pytest.fixture(scope="module")
def down(half_down: Scene, play) -> Scene:
    return play(half_down.checkout, "destroy")


def test_taken_down_a_stage_leaves_its_data_and_nothing_else(overwritten, down):
    assert down.said.trouble == ""
    assert set(down.inventory) == {"tables", "user pools"}
    for kind in ("tables", "user pools"):
        assert down.inventory[kind] == overwritten.inventory[kind]
        assert all(f" {name}\n" in down.said.out for name in down.inventory[kind])


@pytest.fixture(scope="module")
def down_again(down: Scene, play) -> Scene:
    return play(down.checkout, "destroy")


def test_taken_down_twice_a_stage_is_as_it_was(down, down_again):
    assert (down_again.said.status, down_again.said.changed) == (0, [])
    assert down_again.inventory == down.inventory


@pytest.fixture(scope="module")
def dead(down_again: Scene, account: Account, play) -> Scene:
    with account.failing("POST", "/restapis"):
        return play(down_again.checkout, "deploy")


def test_a_deployment_that_dies_says_where_and_how_to_go_on(dead):
    assert dead.said.status == 1
    assert dead.said.err.startswith("The step “application (chalice deploy)” failed: chalice deploy: ")
    assert "not today" in dead.said.err
    assert dead.said.err.endswith("Give the same command again to go on.\n")
    assert "rest APIs" not in dead.inventory


@pytest.fixture(scope="module")
def dead_again(dead: Scene, account: Account, play) -> Scene:
    with account.failing("PATCH", "/restapis"):
        return play(dead.checkout, "deploy")


def test_a_deployment_may_die_right_after_its_api_was_made(dead_again):
    assert dead_again.said.status == 1
    assert len(dead_again.inventory["rest APIs"]) == 1


@pytest.fixture(scope="module")
def retried(dead_again: Scene, play) -> Scene:
    return play(dead_again.checkout, "deploy")


def test_a_retry_takes_up_what_a_dead_deployment_has_left(dead_again, retried):
    assert retried.said.trouble == ""
    assert retried.statuses == {**OPEN, "a reader, GET /reports": 403}
    for kind in ("rest APIs", "stream mappings", "functions", "user pools"):
        assert retried.inventory[kind] == dead_again.inventory[kind]


def test_a_new_life_of_a_stage_says_that_it_does_not_take_up_the_data_of_the_last(down, dead, retried):
    for name in down.inventory["tables"] + down.inventory["user pools"]:
        assert (
            f"left alone, of an earlier life of this stage: {'user pool' if '_' in name else 'table'} {name}"
            in dead.said.out
        )
    assert set(down.inventory["user pools"]) < set(retried.inventory["user pools"])


@pytest.fixture(scope="module")
def mistyped(retried: Scene, play) -> Scene:
    return play(retried.checkout, "destroy", "--purge-data", "trail")


def test_data_is_not_purged_for_a_mistyped_name(retried, mistyped):
    assert mistyped.said.status == 1
    assert mistyped.inventory == retried.inventory


@pytest.fixture(scope="module")
def purged(mistyped: Scene, play) -> Scene:
    return play(mistyped.checkout, "destroy", "--purge-data", STAGE)


def test_purged_a_stage_leaves_nothing_and_names_what_it_deleted(retried, purged):
    assert purged.said.trouble == ""
    assert purged.inventory == {}
    for name in retried.inventory["tables"] + retried.inventory["user pools"]:
        assert f" {name}\n" in purged.said.out


def test_an_account_of_somebody_else_is_left_alone(purged, play):
    described = purged.checkout.file(f"infra/stages/{STAGE}.yaml")
    described.write_text(
        described.read_text(encoding="utf-8").replace("123456789012", "210987654321"), encoding="utf-8"
    )
    scene = play(purged.checkout, "deploy")
    assert (scene.said.status, scene.inventory) == (1, {})
    assert "210987654321" in scene.said.err
