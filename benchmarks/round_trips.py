"""Counts the DynamoDB requests of a decision, with the shipped tables and the small reader."""

import json
from collections.abc import Mapping
from typing import Any

from benchmarks import tokens
from benchmarks.ours import verifier
from benchmarks.services import POLICIES, STATE, policy_item
from chalicelib.authorize import Authorize
from chalicelib.aws.connections import Response
from chalicelib.aws.endpoint import Endpoint
from chalicelib.aws.policy_reads import PolicyReads
from chalicelib.aws.reader import DynamoDBReader
from chalicelib.aws.signature import Credentials
from chalicelib.aws.state_reads import StateReads


class Wire:
    """Answers in place of DynamoDB. Every subject has a policy, and there are no revocations."""

    def __init__(self) -> None:
        self.requests = 0
        self.generation = 1

    def post(self, headers: Mapping[str, str], body: bytes) -> Response:  # noqa: ARG002
        self.requests += 1
        ((table, requested),) = json.loads(body)["RequestItems"].items()
        items = (
            [self._state_item()] if table == STATE else [policy_item(key["subject"]["S"]) for key in requested["Keys"]]
        )
        return Response(200, None, json.dumps({"Responses": {table: items}, "UnprocessedKeys": {}}).encode())

    def _state_item(self) -> dict[str, Any]:
        return {"id": {"S": "generation"}, "n": {"N": str(self.generation)}}


def count() -> dict[str, int]:
    """Returns the round trips of single decisions, by occasion."""
    wire = Wire()
    endpoint = Endpoint(True, "dynamodb.eu-central-1.amazonaws.com", 443, "eu-central-1")
    nobody = Credentials("nobody", "nothing")
    reader = DynamoDBReader(wire, endpoint, lambda: nobody, attempts=1, jitter=lambda: 0.0)
    tables = StateReads(reader, STATE), PolicyReads(reader, POLICIES)
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
