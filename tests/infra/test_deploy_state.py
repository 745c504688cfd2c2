"""Chalice's memory: where it is kept, and how it is made anew when it is not."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from infra import discovery, stream_mapping
from infra.chalice_state import ChaliceState, Memory
from infra.errors import DeploymentFailed, Refused
from tests.infra.account import Account, functions, gateway, gone, mapping
from tests.infra.stages import TRIAL

API = {"name": "rest_api", "resource_type": "rest_api", "rest_api_id": "api1", "rest_api_url": "https://…"}
DEPLOYED = {"resources": [API], "schema_version": "2.0", "backend": "api"}


def remembering(memory: Memory | None) -> dict:
    if memory is None:
        return {"get_parameter": gone}
    value = json.dumps({"deployed": memory.deployed, "fingerprint": memory.fingerprint})
    return {"get_parameter": {"Parameter": {"Value": value}}}


def state(tmp_path, account: Account, written: dict | None = None) -> ChaliceState:
    state = ChaliceState(tmp_path, TRIAL, account)
    state.write_file(written)
    return state


def test_the_parameter_is_believed_before_the_file(tmp_path):
    account = Account(ssm=remembering(Memory(DEPLOYED, "f")))
    assert state(tmp_path, account, {"resources": []}).pull() == Memory(DEPLOYED, "f")


def test_a_file_is_believed_if_its_api_exists(tmp_path):
    account = Account(ssm=remembering(None), apigateway=gateway(api1="trial"))
    assert state(tmp_path, account, DEPLOYED).pull() == Memory(DEPLOYED)


def test_a_file_of_an_earlier_life_is_not_believed(tmp_path):
    account = Account(ssm=remembering(None), apigateway=gateway(), **{"lambda": functions()})
    assert state(tmp_path, account, DEPLOYED).pull() == Memory(None)


def test_an_api_that_nothing_remembers_is_not_made_a_second_time(tmp_path):
    account = Account(ssm=remembering(None), apigateway=gateway(api1="trial"))
    with pytest.raises(Refused, match=r"There is the REST API api1 of the stage trial, .* give `--adopt api1`"):
        state(tmp_path, account).pull()


@pytest.mark.parametrize("adopt", ["api2", "", None])
def test_only_an_api_of_this_stage_can_be_adopted(tmp_path, adopt):
    account = Account(ssm=remembering(None), apigateway=gateway(api1="trial", api2="other"))
    with pytest.raises(Refused):
        state(tmp_path, account).pull(adopt)


def test_another_api_than_the_remembered_one_cannot_be_adopted(tmp_path):
    account = Account(ssm=remembering(Memory(DEPLOYED, "f")), apigateway=gateway(api1="trial", api2="trial"))
    with pytest.raises(Refused, match=r"the stage trial has the REST API api1, and api2 is another one"):
        state(tmp_path, account).pull("api2")


def test_the_remembered_api_may_be_adopted_again(tmp_path):
    account = Account(ssm=remembering(Memory(DEPLOYED, "f")), apigateway=gateway(api1="trial"))
    assert state(tmp_path, account).pull("api1") == Memory(DEPLOYED, "f")


@pytest.mark.parametrize("begun", [None, Memory(None), Memory({"resources": []})])
def test_what_is_mistyped_is_not_adopted_whatever_is_remembered(tmp_path, begun):
    account = Account(ssm=remembering(begun), apigateway=gateway(api1="trial"), **{"lambda": functions()})
    with pytest.raises(Refused, match=r"--adopt: api3 is no REST API of the stage trial; there is api1"):
        state(tmp_path, account, DEPLOYED).pull("api3")


def test_an_adopted_api_goes_before_the_file(tmp_path):
    there = gateway(api1="trial", api2="trial")
    account = Account(ssm=remembering(None), apigateway=there, **{"lambda": functions()})
    assert state(tmp_path, account, DEPLOYED).pull("api2").api_id == "api2"


def test_an_adopted_api_is_remembered_with_its_functions_and_its_mapping(tmp_path):
    listed = functions("gatehouse-trial", "gatehouse-trial-policy_changed")
    listed["list_event_source_mappings"] = {"EventSourceMappings": [mapping("m1", "arn:stream")]}
    account = Account(ssm=remembering(None), apigateway=gateway(api1="trial", api2="trial"), **{"lambda": listed})
    deployed = state(tmp_path, account).pull("api2").deployed
    assert [item["name"] for item in deployed["resources"]] == [
        "api_handler",
        "policy_changed",
        "policy_changed-dynamodb-event-source",
        "rest_api",
    ]
    assert discovery.rest_api_id(deployed) == "api2"


@pytest.mark.parametrize("begun", [Memory(None), Memory({"resources": []})])
def test_what_an_interrupted_first_deployment_has_left_is_taken_up(tmp_path, begun):
    account = Account(ssm=remembering(begun), apigateway=gateway(api1="trial"), **{"lambda": functions()})
    assert state(tmp_path, account).pull().api_id == "api1"


def test_other_stages_apis_are_none_of_ours(tmp_path):
    account = Account(ssm=remembering(None), apigateway=gateway(api2="other"), **{"lambda": functions()})
    assert state(tmp_path, account).pull() == Memory(None)


def test_remembering_the_same_writes_nothing(tmp_path):
    account = Account(ssm=remembering(Memory(DEPLOYED, "f")))
    assert state(tmp_path, account).remember(Memory(DEPLOYED, "f")) is False
    assert account.calls == []


def test_what_is_remembered_can_be_recalled(tmp_path):
    account = Account(ssm=remembering(None))
    assert state(tmp_path, account).remember(Memory(DEPLOYED, "f")) is True
    ((operation, arguments),) = account.calls
    assert (operation, arguments["Name"]) == ("put_parameter", "/gatehouse/trial/chalice-state")
    later = Account(ssm={"get_parameter": {"Parameter": {"Value": arguments["Value"]}}})
    assert state(tmp_path, later).recall() == Memory(DEPLOYED, "f")


@pytest.mark.parametrize("value", ["", "[]", '{"deployed": null, "carts": 2}'])
def test_a_parameter_that_somebody_else_has_written_is_refused_by_its_name(tmp_path, value):
    account = Account(ssm={"get_parameter": {"Parameter": {"Value": value}}})
    with pytest.raises(Refused, match="The parameter /gatehouse/trial/chalice-state is not what this program"):
        state(tmp_path, account).pull()


def test_half_a_file_is_none(tmp_path):
    kept = state(tmp_path, Account(), DEPLOYED)
    path = tmp_path / ".chalice/deployed/trial.json"
    path.write_text(path.read_text(encoding="utf-8")[:40], encoding="utf-8")
    assert kept.read_file() is None


def test_of_functions_with_our_name_those_of_other_applications_are_left_out():
    tags = {"gatehouse-trial-carts": "version=1:stage=carts:app=gatehouse-trial", "gatehouse-trial-hers": ""}
    listed = functions("gatehouse-trial", "gatehouse-trials", *tags, tags=tags)
    assert discovery.functions(TRIAL, Account(**{"lambda": listed})) == {"api_handler": "arn:function:gatehouse-trial"}


def test_what_is_gone_is_not_deleted_a_second_time():
    memory = {
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
    left = discovery.still_there(TRIAL, account, memory)["resources"]
    assert [item["name"] for item in left] == ["api_handler", "m", "carts"]


def listening(*mappings: dict, busy: int = 0) -> Account:
    """A Lambda with mappings, which refuses to change one that is not ready.

    busy  how many questions it takes until a new or changed mapping is ready
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


def pruned(account: Account, *remembered: str) -> tuple[list[str], list[str]]:
    resources = [API] + [discovery.mapping_resource(mapping(uuid, "arn:stream")) for uuid in remembered]
    deployed, number = stream_mapping.prune(
        TRIAL, account, {"resources": resources}, "arn:stream", sleep=lambda _: None
    )
    deleted = [arguments["UUID"] for operation, arguments in account.calls if operation.startswith("delete")]
    assert number == len(deleted)
    return deleted, [item["event_uuid"] for item in deployed["resources"] if "event_uuid" in item]


@pytest.mark.parametrize(
    ("there", "remembered", "deleted", "left"),
    [
        pytest.param([mapping("m1", "arn:stream")], ["m1"], [], ["m1"], id="all is well"),
        pytest.param([mapping("m1", "arn:old")], ["m1"], ["m1"], [], id="the table was replaced"),
        pytest.param(
            [mapping("m1", "arn:old"), mapping("m2", "arn:stream")], ["m1"], ["m1"], ["m2"], id="and it knows"
        ),
        pytest.param([mapping("m1", "arn:stream"), mapping("m2", "arn:stream")], ["m2"], ["m1"], ["m2"], id="a second"),
        pytest.param([mapping("m1", "arn:stream")], [], [], ["m1"], id="one that nobody remembers is taken up"),
        pytest.param([], ["m1"], [], [], id="one that is gone is forgotten"),
        pytest.param([mapping("m1", "arn:old", "Deleting")], ["m1"], [], [], id="one that is going is gone"),
    ],
)
def test_one_mapping_is_left_and_it_is_the_current_one(there, remembered, deleted, left):
    assert pruned(listening(*there), *remembered) == (deleted, left)


def test_where_nothing_changes_the_memory_is_the_very_same():
    memory = {"resources": [discovery.mapping_resource(mapping("m1", "arn:stream")), API]}
    assert stream_mapping.prune(TRIAL, listening(mapping("m1", "arn:stream")), memory, "arn:stream") == (memory, 0)


def test_a_mapping_is_changed_only_where_it_lacks_a_setting():
    settings = {"BisectBatchOnFunctionError": True, "DestinationConfig": {"OnFailure": {"Destination": "arn:queue"}}}
    whole = {**mapping("m1", "arn:stream"), **settings, "BatchSize": 10}
    assert stream_mapping.reconcile(TRIAL, listening(whole), settings) is False
    account = listening({**whole, "DestinationConfig": {"OnFailure": {}}})
    assert stream_mapping.reconcile(TRIAL, account, settings) is True
    assert account.calls == [("update_event_source_mapping", {"UUID": "m1", **settings})]


def test_a_mapping_that_is_being_made_is_changed_when_it_is_ready_and_left_when_it_is_ready_again():
    pauses: list[float] = []
    account = listening(mapping("m1", "arn:stream", "Creating"), busy=2)
    assert stream_mapping.reconcile(TRIAL, account, {"BatchSize": 10}, pauses.append) is True
    assert account.calls == [("update_event_source_mapping", {"UUID": "m1", "BatchSize": 10})]
    assert len(pauses) == 4  # two before the change, and two after it


def test_a_mapping_that_is_being_changed_is_waited_for_even_if_it_lacks_nothing():
    pauses: list[float] = []
    stream_mapping.reconcile(TRIAL, listening(mapping("m1", "arn:stream", "Updating"), busy=2), {}, pauses.append)
    assert len(pauses) == 2


def test_a_mapping_is_deleted_when_it_is_ready():
    assert pruned(listening(mapping("m1", "arn:old", "Enabling"), busy=2)) == (["m1"], [])


def test_a_mapping_that_is_never_ready_is_not_waited_for_for_ever():
    account = listening(mapping("m1", "arn:stream"), busy=100_000)
    with pytest.raises(DeploymentFailed, match="the stream mapping m1 is still Updating after 180 seconds"):
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
def test_only_a_simulated_pool_has_its_keys_elsewhere_than_its_issuer_says(endpoint, keys):
    cognito = SimpleNamespace(meta=SimpleNamespace(endpoint_url=endpoint))
    assert discovery.simulated_keys(lambda _service: cognito, "pool") == keys
