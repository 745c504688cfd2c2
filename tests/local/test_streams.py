"""The start of the local cloud reports a stream mapping that reads the stream of a deleted table."""

from __future__ import annotations

from typing import Any

from ministack.services import lambda_svc

from local.front import stream_positions
from local.streams import stale_mappings
from tests.local.conftest import Cloud


def create_table(dynamodb: Any) -> str:
    described = dynamodb.create_table(
        TableName="wheels",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    return str(described["TableDescription"]["LatestStreamArn"])


def test_a_stream_mapping_is_reported_after_its_table_was_created_again(cloud: Cloud) -> None:
    dynamodb, functions, iam = cloud.client("dynamodb"), cloud.client("lambda"), cloud.client("iam")
    cloud.function("wheelwright", "def handler(event, context): pass\n")
    mapping = functions.create_event_source_mapping(
        FunctionName="wheelwright", EventSourceArn=create_table(dynamodb), StartingPosition="LATEST"
    )
    try:
        assert list(stale_mappings(functions, dynamodb)) == []
        dynamodb.delete_table(TableName="wheels")
        (missing,) = stale_mappings(functions, dynamodb)
        create_table(dynamodb)
        (stale,) = stale_mappings(functions, dynamodb)
    finally:
        functions.delete_event_source_mapping(UUID=mapping["UUID"])
        functions.delete_function(FunctionName="wheelwright")
        dynamodb.delete_table(TableName="wheels")
        iam.delete_role(RoleName="wheelwright")
    assert stale == missing
    assert stale.startswith("wheels was deleted or created again: wheelwright still reads the stream of the old table.")
    assert "`make reset`" in stale


def test_a_restart_restores_no_position_in_a_stream_whose_records_it_does_not_restore() -> None:
    restored = []
    for store in (lambda_svc._dynamodb_stream_positions, lambda_svc._kinesis_positions):
        stream_positions._restore_esm_positions(lambda *given: restored.append(given), store, {"a-handler": 12})
    assert restored == [(lambda_svc._kinesis_positions, {"a-handler": 12})]
