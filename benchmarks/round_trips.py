"""How often a decision asks DynamoDB: the real tables behind a real client, whose requests are counted on the wire."""

import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from benchmarks import tokens
from benchmarks.ours import own_reports, verifier
from chalicelib.authorize import Authorize
from chalicelib.aws.authorization_state import StateTable
from chalicelib.aws.policies import PolicyTable
from chalicelib.core.policy_json import to_json

STATE, POLICIES = "state", "policies"


class Wire:
    """Stands where DynamoDB would: every subject has a policy, nobody is revoked."""

    def __init__(self) -> None:
        self.requests = 0
        self.generation = 1
        self.client = boto3.client(
            "dynamodb", region_name="eu-central-1", aws_access_key_id="nobody", aws_secret_access_key="nothing"
        )
        self.client.meta.events.register("before-send.dynamodb.BatchGetItem", self._answer)

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        self.requests += 1
        ((table, asked),) = json.loads(request.body)["RequestItems"].items()
        items = [self._state_item()] if table == STATE else [_policy_item(key["subject"]["S"]) for key in asked["Keys"]]
        body = json.dumps({"Responses": {table: items}, "UnprocessedKeys": {}}).encode()
        return AWSResponse(request.url, 200, {"Content-Type": "application/x-amz-json-1.0"}, _Body(body))

    def _state_item(self) -> dict[str, Any]:
        return {"id": {"S": "generation"}, "n": {"N": str(self.generation)}}


class _Body(io.BytesIO):
    """What botocore expects of a response that came over a network."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def _policy_item(subject: str) -> dict[str, Any]:
    return {
        "subject": {"S": subject},
        "version": {"N": "1"},
        "statements": {"S": to_json(own_reports(subject))},
        "updated_by": {"S": "the mint"},
        "updated_at": {"S": "2027-01-15T08:00:00+00:00"},
    }


def state_table() -> StateTable:
    """A state whose client does all its work, and gets its answers without a network."""
    return StateTable(Wire().client, STATE)


def count() -> dict[str, int]:
    """Round trips of single decisions, by occasion."""
    wire = Wire()
    tables = StateTable(wire.client, STATE), PolicyTable(wire.client, POLICIES)
    authorize = Authorize(verifier(remember=0), *tables)
    patient = Authorize(verifier(remember=0), *tables, max_staleness=60)

    def asked(decide: Authorize, group_count: int) -> int:
        before = wire.requests
        decide(tokens.natural(group_count), "GET", "/reports")
        return wire.requests - before

    counted = {
        "cold: the first decision of a Lambda, 1 group": asked(authorize, 1),
        "cold, 100 groups": asked(authorize, 100),
        "warm, 1 group": asked(authorize, 1),
        "warm, 100 groups": asked(authorize, 100),
    }
    wire.generation += 1
    counted["the first after a policy has changed"] = asked(authorize, 1)
    asked(patient, 1)
    counted["within POLICY_MAX_STALENESS_SECONDS"] = asked(patient, 1)
    return counted
