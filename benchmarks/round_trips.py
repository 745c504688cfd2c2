"""Counts the DynamoDB requests of a decision, with the shipped tables and a real client."""

import io
import json
from collections.abc import Iterator
from typing import Any, cast

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from benchmarks import tokens
from benchmarks.ours import own_reports, verifier
from chalicelib.authorize import Authorize
from chalicelib.aws.authorization_state import StateTable
from chalicelib.aws.policies import PolicyTable
from chalicelib.core.policy_json import to_json

STATE, POLICIES = "state", "policies"


class Wire:
    """Answers in place of DynamoDB. Every subject has a policy, and there are no revocations."""

    def __init__(self) -> None:
        self.requests = 0
        self.generation = 1
        self.client = boto3.client(
            "dynamodb", region_name="eu-central-1", aws_access_key_id="nobody", aws_secret_access_key="nothing"
        )
        events: Any = self.client.meta.events  # the types know no handler that returns a response
        events.register("before-send.dynamodb.BatchGetItem", self._answer)

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        self.requests += 1
        ((table, requested),) = json.loads(cast("bytes", request.body))["RequestItems"].items()
        items = (
            [self._state_item()] if table == STATE else [_policy_item(key["subject"]["S"]) for key in requested["Keys"]]
        )
        body = json.dumps({"Responses": {table: items}, "UnprocessedKeys": {}}).encode()
        headers = HTTPHeaders()
        headers["Content-Type"] = "application/x-amz-json-1.0"
        return AWSResponse(request.url, 200, headers, _Body(body))

    def _state_item(self) -> dict[str, Any]:
        return {"id": {"S": "generation"}, "n": {"N": str(self.generation)}}


class _Body(io.BytesIO):
    """The response body that botocore expects."""

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
    """Return a state table with a real client, which gets its answers without a network."""
    return StateTable(Wire().client, STATE)


def count() -> dict[str, int]:
    """Return the round trips of single decisions, by occasion."""
    wire = Wire()
    tables = StateTable(wire.client, STATE), PolicyTable(wire.client, POLICIES)
    authorize = Authorize(verifier(remember=0), *tables)
    patient = Authorize(verifier(remember=0), *tables, max_staleness=60)

    def round_trips(decide: Authorize, group_count: int) -> int:
        before = wire.requests
        decide(tokens.natural(group_count), "GET", "/reports")
        return wire.requests - before

    counted = {
        "cold: the first decision of a Lambda, 1 group": round_trips(authorize, 1),
        "cold, 100 groups": round_trips(authorize, 100),
        "warm, 1 group": round_trips(authorize, 1),
        "warm, 100 groups": round_trips(authorize, 100),
    }
    wire.generation += 1
    counted["the first after a policy change"] = round_trips(authorize, 1)
    round_trips(patient, 1)
    counted["within POLICY_MAX_STALENESS_SECONDS"] = round_trips(patient, 1)
    return counted
