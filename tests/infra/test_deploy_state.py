"""Chalice's state: where it is stored, and how it is rebuilt when it is missing."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from infra import discovery, stream_mapping
from infra.chalice_state import ChaliceState, State
from infra.errors import DeploymentFailed, Refused
from tests.infra.account import Account, functions, gateway, gone, mapping
from tests.infra.stages import TRIAL

API = {"name": "rest_api", "resource_type": "rest_api", "rest_api_id": "api1", "rest_api_url": "https://…"}
DEPLOYED = {"resources": [API], "schema_version": "2.0", "backend": "api"}


def storing(stored: State | None) -> dict:
    if stored is None:
        return {"get_parameter": gone}
    value = json.dumps({"deployed": stored.deployed, "fingerprint": stored.fingerprint})
    return {"get_parameter": {"Parameter": {"Value": value}}}


def state(tmp_path, account: Account, written: dict | None = None) -> ChaliceState:
    state = ChaliceState(tmp_path, TRIAL, account)
    state.write_file(written)
    return state


def test_the_parameter_takes_precedence_over_the_file(tmp_path):
    account = Account(ssm=storing(State(DEPLOYED, "f")))
    assert state(tmp_path, account, {"resources": []}).pull() == State(DEPLOYED, "f")


def test_the_file_is_used_if_its_api_exists(tmp_path):
    account = Account(ssm=storing(None), apigateway=gateway(api1="trial"))
    assert state(tmp_path, account, DEPLOYED).pull() == State(DEPLOYED)


def test_the_file_is_ignored_if_its_api_does_not_exist(tmp_path):
    account = Account(ssm=storing(None), apigateway=gateway(), **{"lambda": functions()})
    assert state(tmp_path, account, DEPLOYED).pull() == State(None)


def test_an_api_without_state_is_refused(tmp_path):
    account = Account(ssm=storing(None), apigateway=gateway(api1="trial"))
    with pytest.raises(
        Refused, match=r"^Refused: the stage trial already has the REST API api1, .* pass `--adopt api1`\."
    ):
        state(tmp_path, account).pull()


@pytest.mark.parametrize("adopt", ["api2", "", None])
def test_only_an_api_of_this_stage_can_be_adopted(tmp_path, adopt):
    account = Account(ssm=storing(None), apigateway=gateway(api1="trial", api2="other"))
    with pytest.raises(Refused):
        state(tmp_path, account).pull(adopt)


def test_an_api_other_than_the_stored_one_cannot_be_adopted(tmp_path):
    account = Account(ssm=storing(State(DEPLOYED, "f")), apigateway=gateway(api1="trial", api2="trial"))
    with pytest.raises(Refused, match=r"--adopt: the stage trial uses the REST API api1, not api2"):
        state(tmp_path, account).pull("api2")


def test_the_stored_api_can_be_adopted_again(tmp_path):
    account = Account(ssm=storing(State(DEPLOYED, "f")), apigateway=gateway(api1="trial"))
    assert state(tmp_path, account).pull("api1") == State(DEPLOYED, "f")


@pytest.mark.parametrize("stored", [None, State(None), State({"resources": []})])
def test_an_unknown_api_is_not_adopted_whatever_the_state(tmp_path, stored):
    account = Account(ssm=storing(stored), apigateway=gateway(api1="trial"), **{"lambda": functions()})
    with pytest.raises(Refused, match=r"--adopt: api3 is not a REST API of the stage trial\. The stage has api1\."):
        state(tmp_path, account, DEPLOYED).pull("api3")


def test_an_adopted_api_takes_precedence_over_the_file(tmp_path):
    apis = gateway(api1="trial", api2="trial")
    account = Account(ssm=storing(None), apigateway=apis, **{"lambda": functions()})
    assert state(tmp_path, account, DEPLOYED).pull("api2").api_id == "api2"


def test_the_state_of_an_adopted_api_has_its_functions_and_its_mapping(tmp_path):
    listed = functions("gatehouse-trial", "gatehouse-trial-policy_changed")
    listed["list_event_source_mappings"] = {"EventSourceMappings": [mapping("m1", "arn:stream")]}
    account = Account(ssm=storing(None), apigateway=gateway(api1="trial", api2="trial"), **{"lambda": listed})
    deployed = state(tmp_path, account).pull("api2").deployed
    assert [item["name"] for item in deployed["resources"]] == [
        "api_handler",
        "policy_changed",
        "policy_changed-dynamodb-event-source",
        "rest_api",
    ]
    assert discovery.rest_api_id(deployed) == "api2"


@pytest.mark.parametrize("stored", [State(None), State({"resources": []})])
def test_the_api_of_an_interrupted_first_deployment_is_used(tmp_path, stored):
    account = Account(ssm=storing(stored), apigateway=gateway(api1="trial"), **{"lambda": functions()})
    assert state(tmp_path, account).pull().api_id == "api1"


def test_the_api_of_another_stage_is_ignored(tmp_path):
    account = Account(ssm=storing(None), apigateway=gateway(api2="other"), **{"lambda": functions()})
    assert state(tmp_path, account).pull() == State(None)


def test_an_unchanged_state_is_not_written(tmp_path):
    account = Account(ssm=storing(State(DEPLOYED, "f")))
    assert state(tmp_path, account).write(State(DEPLOYED, "f")) is False
    assert account.calls == []


def test_a_written_state_can_be_read(tmp_path):
    account = Account(ssm=storing(None))
    assert state(tmp_path, account).write(State(DEPLOYED, "f")) is True
    ((operation, arguments),) = account.calls
    assert (operation, arguments["Name"]) == ("put_parameter", "/gatehouse/trial/chalice-state")
    later = Account(ssm={"get_parameter": {"Parameter": {"Value": arguments["Value"]}}})
    assert state(tmp_path, later).read() == State(DEPLOYED, "f")


@pytest.mark.parametrize("value", ["", "[]", '{"deployed": null, "carts": 2}'])
def test_a_parameter_with_an_unexpected_form_is_refused(tmp_path, value):
    account = Account(ssm={"get_parameter": {"Parameter": {"Value": value}}})
    with pytest.raises(Refused, match="the SSM parameter /gatehouse/trial/chalice-state has an unexpected form"):
        state(tmp_path, account).pull()


def test_an_incomplete_file_is_ignored(tmp_path):
    written = state(tmp_path, Account(), DEPLOYED)
    path = tmp_path / ".chalice/deployed/trial.json"
    path.write_text(path.read_text(encoding="utf-8")[:40], encoding="utf-8")
    assert written.read_file() is None


def test_functions_of_other_applications_with_our_prefix_are_ignored():
    tags = {"gatehouse-trial-carts": "version=1:stage=carts:app=gatehouse-trial", "gatehouse-trial-hers": ""}
    listed = functions("gatehouse-trial", "gatehouse-trials", *tags, tags=tags)
    assert discovery.functions(TRIAL, Account(**{"lambda": listed})) == {"api_handler": "arn:function:gatehouse-trial"}


def test_resources_that_no_longer_exist_are_removed_from_the_state():
    recorded = {
        "resources": [
            {"name": "api_handler", "resource_type": "lambda_function"},
            {"name": "pre_token", "resource_type": "lambda_function"},
            {"name": "m", "resource_type": "dynamodb_event", "event_uuid": "m1"},
            {"name": "n", "resource_type": "dynamodb_event", "event_uuid": "m2"},
            {"name": "carts", "resource_type": "sqs_event", "event_uuid": "m3"},
            API,
        ]
    }
    listed = functions("gatehouse-trial")
    listed["list_event_source_mappings"] = {"EventSourceMappings": [mapping("m1", "arn:stream")]}
    account = Account(apigateway=gateway(), **{"lambda": listed})
    left = discovery.only_existing(TRIAL, account, recorded)["resources"]
    assert [item["name"] for item in left] == ["api_handler", "m", "carts"]


def listening(*mappings: dict, busy: int = 0) -> Account:
    """Returns an account with mappings. It rejects a change of a mapping that is not ready.

    busy  number of reads until a new or changed mapping is ready
    """
    waits = dict.fromkeys((item["UUID"] for item in mappings), busy)
    account = Account(**{"lambda": {"list_event_source_mappings": {"EventSourceMappings": list(mappings)}}})

    def get(UUID: str) -> dict:
        waits[UUID] -= 1
        return {"State": "Enabled" if waits[UUID] < 0 else "Updating"}

    def change(operation: str):
        def call(**arguments) -> None:
            assert waits[arguments["UUID"]] < 0, "ResourceInUseException"
            waits[arguments["UUID"]] = busy
            account.calls.append((operation, arguments))

        return call

    account.answer(
        "lambda",
        get_event_source_mapping=get,
        **{name: change(name) for name in ("update_event_source_mapping", "delete_event_source_mapping")},
    )
    return account


def pruned(account: Account, *recorded: str) -> tuple[list[str], list[str]]:
    resources = [API] + [discovery.mapping_resource(mapping(uuid, "arn:stream")) for uuid in recorded]
    deployed, number = stream_mapping.prune(
        TRIAL, account, {"resources": resources}, "arn:stream", sleep=lambda _: None
    )
    deleted = [arguments["UUID"] for operation, arguments in account.calls if operation.startswith("delete")]
    assert number == len(deleted)
    return deleted, [item["event_uuid"] for item in deployed["resources"] if "event_uuid" in item]


@pytest.mark.parametrize(
    ("existing", "recorded", "deleted", "left"),
    [
        pytest.param([mapping("m1", "arn:stream")], ["m1"], [], ["m1"], id="no change"),
        pytest.param([mapping("m1", "arn:old")], ["m1"], ["m1"], [], id="the table was replaced"),
        pytest.param(
            [mapping("m1", "arn:old"), mapping("m2", "arn:stream")],
            ["m1"],
            ["m1"],
            ["m2"],
            id="the new mapping is not in the state",
        ),
        pytest.param(
            [mapping("m1", "arn:stream"), mapping("m2", "arn:stream")], ["m2"], ["m1"], ["m2"], id="a duplicate"
        ),
        pytest.param([mapping("m1", "arn:stream")], [], [], ["m1"], id="a mapping that is not in the state"),
        pytest.param([], ["m1"], [], [], id="a deleted mapping"),
        pytest.param([mapping("m1", "arn:old", "Deleting")], ["m1"], [], [], id="a mapping that is being deleted"),
    ],
)
def test_only_the_current_mapping_remains(existing, recorded, deleted, left):
    assert pruned(listening(*existing), *recorded) == (deleted, left)


def test_the_state_is_unchanged_if_no_mapping_changes():
    recorded = {"resources": [discovery.mapping_resource(mapping("m1", "arn:stream")), API]}
    assert stream_mapping.prune(TRIAL, listening(mapping("m1", "arn:stream")), recorded, "arn:stream") == (recorded, 0)


def test_a_mapping_is_updated_only_if_a_setting_is_missing():
    settings = {"BisectBatchOnFunctionError": True, "DestinationConfig": {"OnFailure": {"Destination": "arn:queue"}}}
    whole = {**mapping("m1", "arn:stream"), **settings, "BatchSize": 10}
    assert stream_mapping.reconcile(TRIAL, listening(whole), settings) is False
    account = listening({**whole, "DestinationConfig": {"OnFailure": {}}})
    assert stream_mapping.reconcile(TRIAL, account, settings) is True
    assert account.calls == [("update_event_source_mapping", {"UUID": "m1", **settings})]


def test_a_new_mapping_is_updated_when_it_is_ready_and_awaited_afterwards():
    pauses: list[float] = []
    account = listening(mapping("m1", "arn:stream", "Creating"), busy=2)
    assert stream_mapping.reconcile(TRIAL, account, {"BatchSize": 10}, pauses.append) is True
    assert account.calls == [("update_event_source_mapping", {"UUID": "m1", "BatchSize": 10})]
    assert len(pauses) == 4  # two before the change, and two after it


def test_a_mapping_in_progress_is_awaited_even_if_no_setting_is_missing():
    pauses: list[float] = []
    stream_mapping.reconcile(TRIAL, listening(mapping("m1", "arn:stream", "Updating"), busy=2), {}, pauses.append)
    assert len(pauses) == 2


def test_a_mapping_is_deleted_only_when_it_is_ready():
    assert pruned(listening(mapping("m1", "arn:old", "Enabling"), busy=2)) == (["m1"], [])


def test_the_wait_for_a_mapping_ends_after_three_minutes():
    account = listening(mapping("m1", "arn:stream"), busy=100_000)
    with pytest.raises(DeploymentFailed, match="the stream mapping m1 is still in the state Updating after 180 s"):
        stream_mapping.reconcile(TRIAL, account, {}, lambda _: None)


@pytest.mark.parametrize(
    ("endpoint", "keys"),
    [
        ("https://cognito-idp.eu-central-1.amazonaws.com", {}),
        ("https://cognito-idp-fips.us-east-1.amazonaws.com", {}),
        ("https://cognito-idp.cn-north-1.amazonaws.com.cn", {}),
        ("https://cognito-idp.eu-central-1.api.aws", {}),
        ("http://localhost:4566", {"JwksUrl": "http://localhost:4566/pool/.well-known/jwks.json"}),
    ],
)
def test_only_a_simulated_pool_has_its_own_jwks_url(endpoint, keys):
    cognito = SimpleNamespace(meta=SimpleNamespace(endpoint_url=endpoint))
    assert discovery.simulated_keys(lambda _service: cognito, "pool") == keys
